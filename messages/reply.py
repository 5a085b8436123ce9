"""What we answer when we say no, or not yet (RFC 5321 4.2, RFC 3463).

A `Reply` is one value: code, enhanced code and text can not drift apart, and whether it is temporary follows from the
code. `Refused` carries one through every layer; each door catches it once and prints it in its own protocol.
Knows nothing of sessions or HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from messages.text import Text, Translate, to_ascii

_LINE_OCTETS = 510  # RFC 5321 4.5.3.1.5: 512 with CR LF


@dataclass(frozen=True, slots=True)
class Voice:
    """How a session is answered: each reply once in every language, each refusal with a link to what explains it."""

    languages: tuple[Translate, ...]
    page: str = ""  # URL of the page of replies, in ASCII; empty: no link


ENGLISH = Voice((str,))


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply. `text` is the English source text (the catalogue key), with `{named}` values."""

    code: int
    enhanced: str  # empty for a 3xx (RFC 2034 4)
    text: str
    lead: str = ""  # stands before the text, once for all languages; with `{named}` values, too
    cause: str = ""  # why it is said, and
    cure: str = ""  # what whoever hears it does about it: English source texts for docs/smtp-replies.md

    @property
    def temporary(self) -> bool:
        return 400 <= self.code < 500

    @property
    def slug(self) -> str:
        """What it is called in links."""
        return _slugs().get(self, "")

    def format(self, voice: Voice = ENGLISH, **values: object) -> str:
        """`552 5.3.4 text - link`, or `552 5.3.4 text / texte - link`: one line of printable ASCII, without its CR LF.

        Only refusals have a link. It is never cut; a text that leaves no room for it is.
        """
        text = Text(self.text, values)
        line = f"{self._start(values)} {' / '.join([text.render(translate) for translate in voice.languages])}"
        if not (line.isascii() and line.isprintable()):
            line = "".join(c if " " <= c <= "~" else "?" for c in to_ascii(line))
        link = f" - {voice.page}#{self.slug}" if voice.page and self.code >= 400 else ""
        room = _LINE_OCTETS - len(link)
        return (line if len(line) <= room else f"{line[: room - 3]}...") + link

    def _start(self, values: Mapping[str, object]) -> str:
        start = f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)
        return f"{start} {self.lead.format(**values)}" if self.lead else start


@cache
def catalogue() -> Mapping[str, Reply]:
    """Every reply of this module by its slug. A name stays: links with it stand in logs and mailboxes."""
    return {name.lower().replace("_", "-"): each for name, each in globals().items() if isinstance(each, Reply)}


@cache
def _slugs() -> Mapping[Reply, str]:
    return {each: slug for slug, each in catalogue().items()}


class Refused(Exception):  # noqa: N818 - the house's word for "no at the door"
    """No, or not now: raised by checks and preparation, printed by the door. Holds nothing internal."""

    def __init__(self, reply: Reply, **values: object) -> None:
        super().__init__(reply.format(ENGLISH, **values))
        self.reply = reply
        self.values_ = values

    def line(self, voice: Voice = ENGLISH) -> str:
        """The whole SMTP reply line, without CRLF."""
        return self.reply.format(voice, **self.values_)


# Products show the first 80 to 100 characters: what to change stands in them. Each refusal has three lines: what is
# said, why, and what to do. Which codes are whose: RFC 5321 4.2.3, RFC 4954 6, RFC 5248 (and IANA's list).
# fmt: off

# -- Session -------------------------------------------------------------------------------------------------------
CLOSING = Reply(221, "2.0.0", "closing, goodbye")
OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient OK")
QUEUED = Reply(250, "2.0.0", "queued for {recipients} recipients", lead="{group_id}")
QUEUED_TEXTS = Reply(250, "2.0.0", "queued for {recipients} recipients, {texts} text(s) of {parts} part(s)",
    lead="{group_id}")
GO_AHEAD = Reply(354, "", "end the message with <CR><LF>.<CR><LF>")
CANNOT_VERIFY = Reply(252, "2.0.0", "will accept a message and try; VRFY tells nothing")
SEE_DOCUMENTATION = Reply(214, "2.0.0", "see the documentation of notify-relay")
SHUTTING_DOWN = Reply(421, "4.3.2", "restarting; reconnect in a few seconds and send the message again",
    cause="The relay is being restarted or updated.",
    cure="Nothing to change: connect again after a few seconds; most products do so by themselves.")
IDLE_TOO_LONG = Reply(421, "4.4.2", "nothing received for {seconds} seconds; reconnect and send the message again",
    cause="The connection was open and nothing arrived on it; often the network is slow or a firewall cut it.",
    cure="Connect when there is a message to send, and close the connection with QUIT after the last one.")
LOGIN_TOO_LATE = Reply(421, "4.4.2", "no log-in within {seconds} seconds; reconnect and log in at once",
    cause="A connection was opened and not logged in.",
    cure="Send EHLO, STARTTLS and AUTH directly after connecting; for a check that the port is open, send QUIT.")
MAIL_TOO_LATE = Reply(421, "4.4.2", "no MAIL within {seconds} seconds; reconnect when there is a message to send",
    cause="A device opened a connection and began no message on it.",
    cure="Connect when there is a message to send; for a check that the port is open, send QUIT.")
NOT_SMTP = Reply(554, "5.5.1", "this port is for mail by SMTP, and you speak {protocol}; closing",
    cause="A web browser, or a program for the HTTP API, connected to a port for mail; or TLS began before STARTTLS.",
    cure="Use the address of the HTTP API for HTTP; for mail with TLS from the start (SSL/TLS) use port 465.")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "too many connections; try again in a minute, with fewer at once",
    cause="The relay, or the address that connects, has as many connections open as it may have.",
    cure="Send several messages over one connection, and lower the number of connections the product opens at once.")
TOO_MANY_OF_KEY = Reply(421, "4.7.0", "this key has {limit} connections open; close one, or try again in a minute",
    cause="As many connections are logged in with the same key as may be.",
    cure="Lower the number of connections the product opens at once, or have a key made for each product that uses it.")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "too many commands without a message; reconnect and send the message again",
    cause="Thousands of commands of this session led to no message.",
    cure="Set the product to connect when there is a message to send, and to close the connection after the last one.")
SESSION_TOO_LONG = Reply(421, "4.4.2", "connection open for over {seconds} seconds; reconnect and go on",
    cause="The connection has been open for as long as one may be; it is closed between two messages.",
    cure="Nothing to change: connect again and go on; most products do so by themselves.")
TOO_SLOW = Reply(421, "4.4.2", "the message arrives too slowly; reconnect and send it again",
    cause="For a minute, less than 500 octets a second of the message arrived.",
    cure="Look at the network between the product and the relay; send smaller attachments where it is slow.")
DEVICE_UNKNOWN = Reply(554, "5.7.1", "no device is known at {client_ip}; have it added, or log in on port 587 or 465",
    cause="This port is for devices that cannot log in, and none is known at the address that connects.",
    cure="Ask the operator to add the address to NOTIFY_RELAY_SMTP__DEVICES, or set the product to log in on port 587.")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors in one session; correct what was refused, then reconnect",
    cause="Too many commands or log-ins of this session were refused; the replies before this one say why.",
    cure="Correct what those replies name; they are in the product's log.")
THROTTLED = Reply(421, "4.7.0", "too many failed log-ins; try again in {seconds} seconds",
    cause="Too many log-ins failed from this address or with this name; for a time even the right password is refused.",
    cure="Correct user name and password in the product that fails, then wait, or ask the operator to lift the ban.")

# -- Syntax and order ----------------------------------------------------------------------------------------------
COMMAND_UNKNOWN = Reply(500, "5.5.2", "command not recognised",
    cause="The product sent a word that is no SMTP command here, or content of a message where a command belongs.",
    cure="Set the product to plain SMTP submission without other extensions, or report it to its maker.")
NOT_TEXT = Reply(500, "5.5.2", "the command is neither ASCII nor UTF-8; send it in UTF-8",
    cause="A command, often an address in it, has octets of another character set, such as ISO 8859-1, or NUL.",
    cure="Set the product to UTF-8, or use addresses of plain ASCII letters.")
BARE_IN_COMMAND = Reply(500, "5.5.2", "end commands with CR LF; CR or LF alone is not accepted",
    cause="A command line ends with one of the two characters only.",
    cure="In a program or script, end each line with CR LF.")
LINE_TOO_LONG = Reply(500, "5.5.2", "command line too long: at most {limit} octets",
    cause="A command is longer than any valid one; often an address list where one address belongs.",
    cure="Name one address per command.")
AUTH_LINE_TOO_LONG = Reply(500, "5.5.6", "line too long: at most {limit} octets",
    cause="What was sent to log in is longer than any user name and password.",
    cure="Enter the key's own user name and password; nothing else is needed.")
BAD_COMMAND = Reply(501, "5.5.4", "syntax: {usage}",
    cause="What follows the command is not what it takes.",
    cure="Write the command as the reply shows it; a product that cannot be set so is reported to its maker.")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "command not implemented; leave it out",
    cause="The command exists in SMTP, and is not offered here because it would tell who has a mailbox.",
    cure="Set the product to send without checking addresses first.")
BAD_SEQUENCE = Reply(503, "5.5.1", "bad sequence of commands: {expected}",
    cause="The command came too early, too late or twice; often because an earlier one was refused.",
    cure="Read the first refusal of the session in the product's log, and correct that.")
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "parameter not recognised: {parameter}",
    cause="The product uses an extension of SMTP that is not offered after EHLO.",
    cure="Switch the extension off in the product.")

# -- TLS and AUTH --------------------------------------------------------------------------------------------------
TLS_READY = Reply(220, "2.0.0", "ready to start TLS")
AUTH_OK = Reply(235, "2.7.0", "authentication succeeded")
AUTH_CANCELLED = Reply(501, "5.7.0", "authentication cancelled by the client",
    cause="The product ended the log-in itself; often it has no user name or password set.",
    cure="Enter the key's user name and password in the product.")
AUTH_NOT_BASE64 = Reply(501, "5.5.2", "the authentication response is not valid base64",
    cause="User name and password were sent in another form than AUTH PLAIN or LOGIN has.",
    cure="Encode them in base64; a product that cannot is reported to its maker.")
MECHANISM_UNKNOWN = Reply(504, "5.5.4",
    "set the client to log in with a password (AUTH PLAIN or LOGIN), not OAuth2 or others",
    cause="The product tries another way to log in, such as CRAM-MD5, NTLM or XOAUTH2 (OAuth2 of Microsoft or Google).",
    cure="Choose password, PLAIN or LOGIN as the way to log in; under TLS the password is protected.")
AUTH_REQUIRED = Reply(530, "5.7.0", "log in first: AUTH PLAIN or LOGIN with the key's user name and password",
    cause="The product did not log in, or its key stopped working during the session.",
    cure="Switch authentication on in the product, and enter the key's user name and password.")
TLS_REQUIRED = Reply(530, "5.7.0", "issue STARTTLS first",
    cause="The connection is not encrypted.",
    cure="Switch on STARTTLS (port 587), or TLS from the start (port 465), with TLS 1.2 or newer.")
CREDENTIALS_INVALID = Reply(535, "5.7.8", "user name or password not accepted; check the key in use",
    cause="No key has this user name and password, or the key may not be used from this address.",
    cure="Enter both again as they were shown when the key was made, or have a new key made.")
ENCRYPTION_REQUIRED = Reply(538, "5.7.11", "encryption required: issue STARTTLS before AUTH",
    cause="The product would send the password over a connection that is not encrypted.",
    cure="Switch on STARTTLS (port 587), or TLS from the start (port 465), with TLS 1.2 or newer.")

# -- Who may send, and how much ------------------------------------------------------------------------------------
KEY_REVOKED = Reply(535, "5.7.8", "this key was revoked or has expired; use a current key",
    cause="The key was ended by its owner or by an operator, or its last day is over.",
    cure="Have a new key made for the service, and enter its user name and password in the product.")
KEY_ADMIN = Reply(535, "5.7.8", "this key is of type admin and sends nothing; use a key that sends",
    cause="A key of type admin manages templates, callbacks and guests; it sends by no door.",
    cure="Have a key of type normal, team or test made for the service, and enter its user name and password.")
SERVICE_HELD = Reply(451, "4.7.1", "this service is on hold; try again later, or ask the operator to release it",
    cause="An operator has put the service on hold; none of its messages is accepted until it is released.",
    cure="Ask the operator why; leave the messages queued, they are accepted after the release.")
KEY_LIMIT = Reply(451, "4.7.1", "limit of {limit} messages a minute for this key reached; lifts at {lifts_at}",
    cause="The key has sent as many messages in this minute as it may.",
    cure="Send again after the time in the reply; if it happens often, send more slowly or ask for a higher limit.")
SERVICE_LIMIT = Reply(451, "4.7.1", "limit of {limit} messages a day for this service reached; lifts at {lifts_at}",
    cause="The service has sent as many messages today as it may.",
    cure="Send again after the time in the reply, or ask the operator for a higher limit.")
TEXT_LIMIT = Reply(451, "4.7.1",
    "limit of {limit} parts of text messages a day for this service reached; lifts at {lifts_at}",
    cause="The service has sent as many parts of text messages today as it may; a long text has several.",
    cure="Send again after the time in the reply, write shorter texts, or ask the operator for a higher limit.")
TESTS_LIMIT = Reply(451, "4.7.1",
    "limit of {limit} messages a day for this service's test keys reached; lifts at {lifts_at}",
    cause="The service's test keys have sent as many messages today as they may together.",
    cure="Send again after the time in the reply, or send fewer tests; the service's other keys go on.")
# Of a year, 452 while a client that queues would still be waiting when it lifts; before that 550: it would try for
# days, send the whole message each time, and its sender would hear last of all that it did not go.
YEAR_LIMIT = Reply(452, "4.2.2", "limit of {limit} emails a year for this service reached; lifts at {lifts_at}",
    cause="The service has sent as many emails in this fiscal year as it may, and the next one begins within days.",
    cure="Leave the messages queued, they are accepted after the time in the reply; or ask for a higher limit.")
YEAR_OVER = Reply(550, "5.7.1",
    "limit of {limit} emails a year for this service reached; ask for a higher one, or wait until {lifts_at}",
    cause="The service has sent as many emails in this fiscal year as it may, and no product waits until the next.",
    cure="Ask the operator for a higher limit, then send what was refused again.")
TEXT_YEAR_LIMIT = Reply(452, "4.2.2",
    "limit of {limit} parts of text messages a year for this service reached; lifts at {lifts_at}",
    cause="The service has sent as many parts of text messages in this fiscal year as it may; the next begins in days.",
    cure="Leave the messages queued, they are accepted after the time in the reply; or ask for a higher limit.")
TEXT_YEAR_OVER = Reply(550, "5.7.1",
    "limit of {limit} parts of texts a year for this service reached; ask for a higher one, or wait until {lifts_at}",
    cause="The service has sent as many parts of text messages in this fiscal year as it may, and the next is far.",
    cure="Ask the operator for a higher limit, then send what was refused again.")
TEXT_OVER_LIMIT = Reply(550, "5.7.1",
    "this text has {parts} parts, and the service may send {limit}; shorten it, or ask for a higher limit",
    cause="One text alone has more parts than the service may send in a day or year.",
    cure="Shorten the text, or ask the operator for a higher limit.")
DEVICE_KEY_UNKNOWN = Reply(550, "5.7.1",
    "the key set for devices at {client_ip} cannot be used there; ask the operator",
    cause="The setting for devices names a key that does not exist, or one that may not be used from this address.",
    cure="Ask the operator to correct NOTIFY_RELAY_SMTP__DEVICES, or the networks of the key.")
TEAM_KEY_RECIPIENT = Reply(550, "5.7.1",
    "a team key sends only to the guest list: add the recipient to it, or use another key (service {service_id})",
    cause="A key of type team reaches the service's guest list only, and the recipient is not on it.",
    cure="Add the recipient to the guest list, or use a key of type normal.")
TRIAL_RECIPIENT = Reply(550, "5.7.1",
    "a service in trial mode sends only to its guest list: add the recipient to it, or go live (service {service_id})",
    cause="Until a service goes live it reaches its guest list only, and the recipient is not on it.",
    cure="Add the recipient to the guest list, or ask the operator to make the service live.")
SUPPRESSED = Reply(550, "5.7.1",
    "nothing is sent to this recipient: mail came back or was complained of, or they asked for it to stop",
    cause="The recipient is on the suppression list, and the message is urgent: it would not arrive.",
    cure="Reach the person another way. If the entry is wrong, have it removed from the list, then send again.")

SENDER_NOT_ALLOWED = Reply(550, "5.7.1", "{role} not allowed with this key; set the product to send from {allowed}",
    cause="The key may name certain senders only, and the message, or MAIL FROM, names another one.",
    cure="Set the sender's address in the product to one that the reply lists, or ask the operator to allow yours.")
SENDER_UNCLEAR = Reply(550, "5.7.1", "{role} must be one field with plain addresses, as in Name <name@example.ca>",
    cause="The key may name certain senders only, and two readers of the field could see different ones.",
    cure="Set the sender in the product to a plain name and address: no comments, groups or routes.")
AUTHOR_NOT_ALLOWED = Reply(550, "5.7.1",
    "header From must name one address in ASCII, of these: {allowed}; set the product to send from there",
    cause="The service sends as its own authors only, and From names nobody, several, or somebody at another domain.",
    cure="Set the sender's address in the product to one that the reply lists, or ask the operator to add your domain.")
OPTION_FIXED = Reply(554, "5.7.1", "leave out header field {field}: with this key it can only be {value}",
    cause="The key fixes what the header field asks for, and the message asks for something else.",
    cure="Leave the field out, or use a key that does not fix it.")

# -- Envelope ------------------------------------------------------------------------------------------------------
BAD_SENDER = Reply(553, "5.1.7", "malformed sender address: {reason}",
    cause="MAIL FROM cannot be read; or the key may name certain senders only, and this is no address of mail.",
    cure="Correct the sender's or return address in the product; the reply says what is wrong with it.")
BAD_RECIPIENT = Reply(553, "5.1.3", "malformed recipient address: {reason}",
    cause="The address in RCPT TO is not one that mail can carry.",
    cure="Correct this recipient's address; the reply says what is wrong with it.")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "at most {limit} recipients; send the rest in another transaction",
    cause="One message names more recipients than one transaction may have.",
    cure="Send it to the first ones and again to the rest; most products do so by themselves.")
BAD_PHONE_NUMBER = Reply(553, "5.1.3", "phone number: {reason}",
    cause="What stands before the @ sign of an address for text messages is no number that exists.",
    cure="Write the number with its area code, as in +16135550100 or 613-555-0100, before the @ sign.")
SMS_NOT_ALLOWED = Reply(550, "5.7.1",
    "this service may not send text messages; ask the operator to allow it (service {service_id})",
    cause="The recipient is a phone, and the operator has not allowed the service to send texts.",
    cure="Ask the operator to allow texts for the service, or send email.")
SMS_INTERNATIONAL = Reply(550, "5.7.1",
    "this service may not send texts abroad; ask the operator to allow it (service {service_id})",
    cause="The number is outside Canada and the United States, where texts cost more.",
    cure="Correct the number, or ask the operator to allow texts abroad for the service.")
NULL_RECIPIENT = Reply(553, "5.1.3", "a recipient address is needed",
    cause="RCPT TO names no address.",
    cure="Enter a recipient.")
SMTPUTF8_NEEDED = Reply(553, "5.6.7", "an address that is not ASCII needs the SMTPUTF8 parameter of MAIL",
    cause="An address has letters beyond ASCII, and the product did not say that it uses them.",
    cure="Switch on SMTPUTF8 in the product, or use an address of plain ASCII letters.")
SMTPUTF8_RECIPIENT = Reply(553, "5.6.7", "the local part of a recipient must be ASCII: the provider cannot carry it",
    cause="The recipient's address has letters beyond ASCII before its @ sign.",
    cure="Use another address of the recipient.")

# -- Message -------------------------------------------------------------------------------------------------------
TOO_LARGE = Reply(552, "5.3.4", "message too large: at most {limit} octets",
    cause="The message with its attachments, which grow by a third when they are encoded, is over the limit.",
    cure="Send smaller attachments, or a link to them.")
TOO_LARGE_ENCODED = Reply(552, "5.3.4", "message too large once encoded: {octets} octets, at most {limit}",
    cause="Content that is not plain ASCII is encoded for its way, and grows by a third or more; so does the branding.",
    cure="Send smaller attachments, or a link to them.")
ATTACHMENT_TYPE = Reply(554, "5.6.1", "attachments of type .{suffix} cannot be sent; send another type, or a link",
    cause="A file, perhaps within a forwarded message, has a type that can run, which the provider refuses.",
    cure="Save it as another type, such as PDF, or send a link to it. A file within a .zip archive is not looked at.")
NO_HEADER_SECTION = Reply(554, "5.6.0", "no header section that can be read: {reason}",
    cause="What was sent does not begin with header fields such as From and Subject.",
    cure="Correct the program that makes the message: header fields, an empty line, then the text.")
BAD_OPTION = Reply(554, "5.6.0", "header field {field} cannot be used: {reason}",
    cause="A header field that gives the relay an instruction has a value that it does not know.",
    cure="Correct the field, or leave it out; the reply says what it takes.")
BARE_IN_CONTENT = Reply(554, "5.6.0", "CR or LF alone in the message; end every line with CR LF",
    cause="A line of the message ends with one of the two characters only.",
    cure="In a program or script, end each line with CR LF; the operator can have them mended (SMTP__BARE_LF).")
LOOP = Reply(554, "5.4.6", "more than {limit} Received fields: the message is in a loop",
    cause="The message has passed through this many servers; two of them send it to each other.",
    cure="Look at its Received fields, and end the forwarding that returns it.")
TOO_DEEP = Reply(554, "5.6.0", "MIME parts nested deeper than {limit} levels",
    cause="The message holds messages within messages beyond what anybody reads.",
    cure="Attach the inner message as a file, or send its text only.")
LONG_LINE = Reply(554, "5.6.1", "line {line} is over 998 octets and cannot be changed without damage",
    cause="A line is longer than mail allows, inside content that is signed or otherwise may not change.",
    cure="Encode that part in base64 or quoted-printable before it is signed.")
EIGHT_BIT_SIGNED = Reply(554, "5.6.1", "line {line} has octets beyond ASCII inside content that is signed or encrypted",
    cause="Such content may not be changed on its way, and mail is sure to keep plain ASCII only.",
    cure="Encode that part in base64 or quoted-printable before it is signed; S/MIME and PGP/MIME ask for it.")
NUL_IN_MESSAGE = Reply(554, "5.6.0", "line {line} has a NUL octet and cannot be changed without damage",
    cause="An octet of value 0, which mail cannot carry, stands in a header field or inside content that is signed.",
    cure="Take the octet out, or encode that part in base64 before it is signed.")
SCHEDULED_IN_PAST = Reply(554, "5.6.0", "the time for which the message is scheduled has passed",
    cause="The time at which the message should leave is over.",
    cure="Name a time that is still to come, or none.")
TEMPLATE_UNKNOWN = Reply(554, "5.6.0", "template {template_id} not found",
    cause="The service has no template with this id.",
    cure="Use the id of a template of the same service.")
TEMPLATE_ARCHIVED = Reply(554, "5.6.0", "template {template_id} has been deleted",
    cause="The template was deleted by its service.",
    cure="Use another template.")
TEMPLATE_UNSUITABLE = Reply(554, "5.6.0", "{channel} template is not suitable for {wanted} notification",
    cause="The template is of another kind than the message, such as text message and email.",
    cure="Use a template of the message's kind.")
PERSONALISATION_MISSING = Reply(554, "5.6.0", "missing personalisation for template {template_id}: {names}",
    cause="The template has placeholders for which no value was given.",
    cure="Give a value for each name in the reply.")
EMPTY = Reply(554, "5.6.0", "the message is empty",
    cause="Nothing is left to send: the template, filled with the values that were given, has no text.",
    cure="Give the values that the text is made of.")
SMS_WITHOUT_TEXT = Reply(550, "5.6.0", "the message has no text to send to a phone: write it as plain text or HTML",
    cause="A recipient is a phone, and the message has files, quoted mail or a signature only, or it is encrypted.",
    cure="Put what the text message is to say into the body of the mail, above what is quoted.")
SMS_TOO_LONG = Reply(552, "5.3.4", "the text is too long: {reason}",
    cause="A recipient is a phone, and the text with the service's name before it is longer than a text can be.",
    cure="Shorten the text; characters beyond plain letters, such as emoji, leave room for fewer.")
SMS_TOO_MANY_CHARACTERS = Reply(554, "5.6.0", "the text message made of the template has more than {limit} characters",
    cause="The template, filled with the values that were given, is longer than a text message may be.",
    cure="Shorten the values, or the template.")
TEXT_TOO_LONG = Reply(554, "5.6.0",
    "the filled template has {octets} octets and {lines} lines; at most {max_octets} and {max_lines}",
    cause="The template, filled with the values that were given, is longer than a message may be.",
    cure="Shorten the values.")
TEXT_TOO_MARKED = Reply(554, "5.6.0",
    "the filled template has {marks} marks of Markdown, such as * _ [ ] and those of links; at most {limit}",
    cause="The template, filled with the values that were given, has more links and emphasis than a letter may have.",
    cure="Shorten the values, or take the marks out of them.")
IDEMPOTENCY_KEY_USED = Reply(554, "5.6.0", "this idempotency key was used for another message; use a new one",
    cause="The same idempotency key came with another message before.",
    cure="Make a new key for each message, and use it again only to repeat that message.")

# -- Our fault (relay/failures.py says which is given when) --------------------------------------------------------
MEMORY_FULL = Reply(452, "4.3.1", "too many messages in transfer; try again in a minute",
    cause="The messages that are being sent to the relay right now fill the memory set aside for them.",
    cure="Nothing to change: send again in a minute; the operator can give it more.")
SHARE_FULL = Reply(452, "4.3.1", "this key has its share in transfer; send fewer at once, and this again in a minute",
    cause="The messages that are being sent with this key, or by its service, fill their share of the relay's memory.",
    cure="Lower the number of messages the product sends at once; what is queued goes through by itself, one by one.")
QUEUE_FULL = Reply(452, "4.3.1", "too much of this service waits in lane {lane}; try again in {seconds} seconds",
    cause="More mail of the service waits in this lane than can be sent before it expires; often its lane is held.",
    cure="Nothing to change: products send again by themselves. Send lists in lane bulk, codes in lane priority.")
KEY_SLOWED = Reply(452, "4.3.1", "this key is slowed, and its lane {lane} full; try again in {seconds} seconds",
    cause="The key sends ten times what it sent in its busiest hour, as a stolen password would; it is slowed.",
    cure="If it is you, ask the operator to end it: `notify-relay key unslow`. If it is not, revoke the key.")
STORAGE_FULL = Reply(452, "4.3.1", "no room to store the message; try again in a few minutes",
    cause="The relay's disk or database is full.",
    cure="Nothing to change: send again in a few minutes; the operator makes room.")
BUSY = Reply(451, "4.4.5", "busy; nothing was accepted, try again in a minute",
    cause="The relay's database did not answer in time.",
    cure="Nothing to change: send again in a minute; if it goes on, tell the operator.")
UNREADABLE = Reply(451, "4.3.5", "stored data of this service cannot be read; try again later, and tell the operator",
    cause="The relay cannot decrypt what it has stored: it is damaged, or SECRET_KEY is another than before.",
    cure="Tell the operator, who runs `notify-relay check`; leave the messages queued.")
UNAVAILABLE = Reply(451, "4.3.0", "temporary failure on our side; nothing was accepted, try again in a minute",
    cause="The relay's database is out of reach, or the relay made a mistake of its own.",
    cure="Nothing to change: send again in a minute; if it goes on, tell the operator.")
AUTH_UNAVAILABLE = Reply(454, "4.7.0", "log-in cannot be checked right now; try again in a minute",
    cause="The relay cannot look up keys, because its database is out of reach.",
    cure="Leave user name and password as they are, and try again in a minute; if it goes on, tell the operator.")
