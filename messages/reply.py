"""What we answer when we say no, or not yet (RFC 5321 4.2, RFC 3463).

A `Reply` is one value: code, enhanced code and text can not drift apart, and whether it is temporary follows from the
code. `Refused` carries one through every layer; each door catches it once and prints it in its own protocol.
Knows nothing of sessions or HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from messages.text import Text, Translate, to_ascii

Voice = tuple[Translate, ...]  # the languages of a session: a reply is said once in each
ENGLISH: Voice = (str,)
_LINE_OCTETS = 510  # RFC 5321 4.5.3.1.5: 512 with CR LF


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

    def format(self, voice: Voice = ENGLISH, **values: object) -> str:
        """`552 5.3.4 text`, or `552 5.3.4 text / texte`: one line of printable ASCII, without its CR LF."""
        text = Text(self.text, values)
        line = f"{self._start(values)} {' / '.join([text.render(translate) for translate in voice])}"
        if not (line.isascii() and line.isprintable()):
            line = "".join(c if " " <= c <= "~" else "?" for c in to_ascii(line))
        return line[:_LINE_OCTETS]

    def _start(self, values: Mapping[str, object]) -> str:
        start = f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)
        return f"{start} {self.lead.format(**values)}" if self.lead else start


class Refused(Exception):  # noqa: N818 - the house's word for "no at the door"
    """No, or not now: raised by checks and preparation, printed by the door. Holds nothing internal."""

    def __init__(self, reply: Reply, **values: object) -> None:
        super().__init__(reply.format(ENGLISH, **values))
        self.reply = reply
        self.values_ = values

    def line(self, voice: Voice = ENGLISH) -> str:
        """The whole SMTP reply line, without CRLF."""
        return self.reply.format(voice, **self.values_)


# -- Session -------------------------------------------------------------------------------------------------------
CLOSING = Reply(221, "2.0.0", "closing, goodbye")
OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient OK")
QUEUED = Reply(250, "2.0.0", "queued for {recipients} recipients", lead="{group_id}")
GO_AHEAD = Reply(354, "", "end the message with <CR><LF>.<CR><LF>")
CANNOT_VERIFY = Reply(252, "2.0.0", "will accept a message and try; VRFY tells nothing")
SEE_DOCUMENTATION = Reply(214, "2.0.0", "see the documentation of notify-relay")
SHUTTING_DOWN = Reply(421, "4.3.2", "restarting; reconnect and send the message again")
IDLE_TOO_LONG = Reply(421, "4.4.2", "nothing received for {seconds} seconds; reconnect")
LOGIN_TOO_LATE = Reply(421, "4.4.2", "no log-in within {seconds} seconds; reconnect")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "too many connections; try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors in one session; closing")

# -- Syntax and order ----------------------------------------------------------------------------------------------
COMMAND_UNKNOWN = Reply(500, "5.5.2", "command not recognised")
NOT_TEXT = Reply(500, "5.5.2", "the command is neither ASCII nor UTF-8")
BARE_IN_COMMAND = Reply(500, "5.5.2", "end commands with CR LF; CR or LF alone is not accepted")
LINE_TOO_LONG = Reply(500, "5.5.6", "line too long: at most {limit} octets")
BAD_COMMAND = Reply(501, "5.5.4", "syntax: {usage}")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "command not implemented")
BAD_SEQUENCE = Reply(503, "5.5.1", "bad sequence of commands: {expected}")
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "parameter not recognised: {parameter}")

# -- TLS and AUTH --------------------------------------------------------------------------------------------------
TLS_READY = Reply(220, "2.0.0", "ready to start TLS")
AUTH_OK = Reply(235, "2.7.0", "authentication succeeded")
AUTH_CANCELLED = Reply(501, "5.7.0", "authentication cancelled")
AUTH_NOT_BASE64 = Reply(501, "5.5.2", "the authentication response is not valid base64")
MECHANISM_UNKNOWN = Reply(504, "5.5.4", "use AUTH PLAIN or AUTH LOGIN")
AUTH_REQUIRED = Reply(530, "5.7.0", "log in first: AUTH PLAIN or LOGIN with the key's user name and password")
TLS_REQUIRED = Reply(530, "5.7.0", "issue STARTTLS first")
CREDENTIALS_INVALID = Reply(535, "5.7.8", "user name or password not accepted; check the key in use")
ENCRYPTION_REQUIRED = Reply(538, "5.7.11", "encryption required: issue STARTTLS before AUTH")

# -- Who may send, and how much ------------------------------------------------------------------------------------
KEY_REVOKED = Reply(535, "5.7.8", "this key was revoked or has expired; use a current key")
SERVICE_HELD = Reply(451, "4.7.1", "this service is on hold; its messages are not accepted for now")
KEY_LIMIT = Reply(451, "4.7.1", "limit of {limit} messages a minute for this key reached; lifts at {lifts_at}")
SERVICE_LIMIT = Reply(451, "4.7.1", "limit of {limit} messages a day for this service reached; lifts at {lifts_at}")
TEAM_KEY_RECIPIENT = Reply(
    550,
    "5.7.1",
    "a team key sends only to the guest list of service {service_id}; add the recipient or use another key",
)
TRIAL_RECIPIENT = Reply(
    550, "5.7.1", "service {service_id} is in trial mode and sends only to its guest list; add the recipient or go live"
)

# -- Envelope ------------------------------------------------------------------------------------------------------
BAD_SENDER = Reply(553, "5.1.7", "malformed sender address: {reason}")
BAD_RECIPIENT = Reply(553, "5.1.3", "malformed recipient address: {reason}")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "at most {limit} recipients; send the rest in another transaction")
NULL_RECIPIENT = Reply(553, "5.1.3", "a recipient address is needed")
SMTPUTF8_NEEDED = Reply(553, "5.6.7", "an address that is not ASCII needs the SMTPUTF8 parameter of MAIL")
SMTPUTF8_RECIPIENT = Reply(553, "5.6.7", "the local part of a recipient must be ASCII: the provider cannot carry it")

# -- Message -------------------------------------------------------------------------------------------------------
TOO_LARGE = Reply(552, "5.3.4", "message too large: at most {limit} octets")
NO_HEADER_SECTION = Reply(554, "5.6.0", "no header section that can be read: {reason}")
BAD_FROM = Reply(554, "5.6.0", "header From cannot be used: {reason}")
BAD_OPTION = Reply(554, "5.6.0", "header field {field} cannot be used: {reason}")
BARE_IN_CONTENT = Reply(554, "5.6.0", "CR or LF alone in the message; end every line with CR LF")
LOOP = Reply(554, "5.4.6", "more than {limit} Received fields: the message is in a loop")
TOO_DEEP = Reply(554, "5.6.0", "MIME parts nested deeper than {limit} levels")
LONG_LINE = Reply(554, "5.6.1", "line {line} is over 998 octets and cannot be changed without damage")
SCHEDULED_IN_PAST = Reply(554, "5.6.0", "the time for which the message is scheduled has passed")
TEMPLATE_UNKNOWN = Reply(554, "5.6.0", "template {template_id} not found")
TEMPLATE_ARCHIVED = Reply(554, "5.6.0", "template {template_id} has been deleted")
TEMPLATE_UNSUITABLE = Reply(554, "5.6.0", "{channel} template is not suitable for {wanted} notification")
PERSONALISATION_MISSING = Reply(554, "5.6.0", "missing personalisation for template {template_id}: {names}")
EMPTY = Reply(554, "5.6.0", "the message is empty")
TEXT_TOO_LONG = Reply(
    554, "5.6.0", "the filled template has {octets} octets and {lines} lines; at most {max_octets} and {max_lines}"
)
IDEMPOTENCY_KEY_USED = Reply(554, "5.6.0", "this idempotency key was used for another message; use a new one")
MEMORY_FULL = Reply(452, "4.3.1", "too many messages in transfer; try again in a minute")
UNAVAILABLE = Reply(451, "4.3.0", "temporary failure on our side; nothing was accepted, try again")
AUTH_UNAVAILABLE = Reply(454, "4.7.0", "log-in cannot be checked right now; try again")
