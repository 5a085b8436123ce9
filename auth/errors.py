"""What a person is told whose action cannot be done: one line, the English text being the catalogue key.

No command and no option is named here: relay/cli/refusals.py says what to type. A sender at a door hears a `Refused`.
The texts never hold an address or a secret that was not typed by the same person.
"""

from messages.text import Text, TextError


class AuthError(TextError):
    """Nothing was changed."""


SERVICE_UNKNOWN = "there is no service {id}"
SERVICES_OF_ONE_NAME = "several services have the name {name}; use the id of one: {ids}"
KEY_UNKNOWN = "there is no key {id}"
DOMAIN_UNKNOWN = "domain {name} is not known here; add it first"
DOMAIN_UNVERIFIED = "the records of domain {name} were not found yet; check what is missing"
GUEST_UNKNOWN = "this address or number is not on the guest list"
BAN_UNKNOWN = "no log-in failed from {address} lately"
REPLY_TO_UNKNOWN = "the service has no reply-to address {named}"
SENDER_UNKNOWN = "this address or domain is not registered for the service"

SERVICE_DOMAIN_UNKNOWN = "the service was not given domain {name}"
DOMAIN_OF_ALL = "{name} is the default domain: there, each service sends from its own address only"

FROM_TAKEN = "{email_from}@{domain} is already the address of another service; choose another one"
SERVICE_DOMAIN_TAKEN = "the service has domain {name} already"
DOMAIN_TAKEN = "domain {name} was added before"
GUEST_TAKEN = "this address or number is on the guest list already"
SENDER_TAKEN = "this address or domain is registered already"
GUESTS_FULL = "a guest list holds at most {limit} entries; remove one first"
REPLY_TO_TAKEN = "this address is among the service's reply-to addresses already"
REPLY_TOS_FULL = "a service has at most {limit} reply-to addresses; remove one first"
SENDERS_FULL = "a service registers at most {limit} addresses and domains; remove one first"
DOMAINS_FULL = "a service has at most {limit} domains; remove one first"
LIST_FULL = "a key has at most {limit} networks and at most {limit} allowed senders"
FACTORS_FULL = "you have {limit} of these already; remove one first"
FACTOR_UNKNOWN = "your account has no such authenticator app or passkey"
LAST_STRONG_FACTOR = "your account must keep an authenticator app or a passkey; add another one first"
PASSKEY_REFUSED = "the passkey was not accepted; try again"
KEY_ENDED = "key {id} was revoked or has expired; create a new one"

ORGANISATION_UNKNOWN = "there is no organisation {named}"
ORGANISATION_TAKEN = "there is an organisation with the name {name} already"
ORGANISATION_DOMAIN_TAKEN = "domain {domain} is of organisation {name} already"
ORGANISATION_DOMAIN_UNKNOWN = "the organisation does not have domain {domain}"
APPROVER_TAKEN = "this person is an approver of the organisation already"
APPROVER_UNKNOWN = "this person is no approver of the organisation"
MEMBER_TAKEN = "this person is in the team already"
MEMBER_UNKNOWN = "this person is not in the team"
MEMBERS_FULL = "a team has at most {limit} people; remove somebody first"
LAST_MANAGER = "nobody else manages the service: give somebody else that permission first"
NO_PERMISSION = "name at least one permission"
INVITED_ALREADY = "this address has an invitation already; cancel it first to change what it gives"
INVITATIONS_FULL = "a service has at most {limit} open invitations; cancel one first"
INVITATION_UNKNOWN = "there is no such invitation: it was cancelled, used, or has expired"
ADDRESS_NOT_ALLOWED = "this address is not of an organisation that uses this service"

NO_USE_CASE = "say what the messages are for, and who gets them"
LONG_USE_CASE = "each answer has at most {limit} characters"
BAD_VOLUME = "a number of messages is 0 to {most}"
REQUEST_UNKNOWN = "there is no such request, or it was decided already"
CODE_WRONG = "this is not the code that was sent last"
CODE_SOON = "a code was sent less than {seconds} seconds ago: wait for it"
CODES_FULL = "{limit} codes were sent within an hour: try again later"
USER_UNKNOWN = "there is no such user"
USER_TAKEN = "somebody has an account with this address already"
CODE_OVER = "this code is over: ask for a new one"
NAMES_TOO_LONG = "the names in both languages have together at most {limit} characters"

PROCESSES_BEHIND = (
    "nothing was changed: these processes do not read the new root secret yet; restart them with new,old first: "
    "{processes}"
)

BAD_NAME = "a name has 1 to {limit} printable characters"
FROM_WITH_DOMAIN = (
    "what stands here is the part of the address before the @ only, {local}; the part after it is the domain"
)
BAD_FROM = "the part of the address before the @ cannot be used: {reason}"
NOT_ASCII = Text("it has a character outside ASCII")
BAD_DOMAIN = "this is not a domain that can send: {reason}"
BAD_GUEST = "this is neither a mail address nor a telephone number like +16135550100"
BAD_SENDER = "{sender} is neither a mail address nor a domain written as @example.ca"
BAD_REPLY_TO = "the address for replies cannot be used: {reason}"
BAD_USER_ADDRESS = "the address cannot be used: {reason}"
BAD_PERSON_NAME = "a person's name has 1 to {limit} printable characters"
BAD_CONTACT = "the contact's address cannot be used: {reason}"
BAD_NOTICE_ADDRESS = "the address for notices cannot be used: {reason}"
BAD_CONTENT_DAYS = "what messages say is kept for 1 to {most} days"
BAD_TIME_ZONE = "a time zone has a name such as America/Toronto or Europe/Paris"
BAD_NETWORK = "{network} is not an address or network such as 192.0.2.0/24"
BAD_LIMIT = "a limit is 1 to {most}"
BAD_LIFETIME = "a message lives 1 to {limit} seconds"
BAD_MESSAGE_BYTES = "the largest message has at least {least} octets"
ALLOWED_NOT_ASCII = "the address of an allowed sender has ASCII characters only"
