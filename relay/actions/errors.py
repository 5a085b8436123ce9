"""What whoever asks is told of an action that cannot be done, beside what auth and delivery refuse.

In the words of what is administered: which option or field of a form it was given in, only the caller knows.
"""

from messages.text import TextError


class ActionError(TextError):
    """Nothing was changed."""


class UnknownError(ActionError):
    """There is none, or none of the service that was named."""


class OperatorError(ActionError):
    """An operator's account is ended by another operator."""


class LastManagerError(ActionError):
    """Its service would be without anybody who manages it; it is the value `service`."""


NOTHING_NAMED = "nothing is named that is to change"
KEY_EXPIRES_BEFORE = "the time at which the key is to end is over; to end it now, revoke it"
KEY_NOT_IN_FORCE = "service {id} has no such key that is in force; make one first"
MAX_BYTES_BEYOND = "the door takes messages of at most {limit} octets; choose a smaller limit for the key"
REPLY_TO_DEFAULT = "{address} is the default: make another one the default first, or let the service have none"
GUEST_ID_UNKNOWN = "the guest list has no entry {id}"
TEMPLATE_UNKNOWN = "the service has no template {id}"
MESSAGE_UNKNOWN = "there is no message {id}"
MESSAGE_NOT_WAITING = "message {id} does not wait to be sent, it is {status}: only what waits can be cancelled"
MESSAGE_LEAVING = "message {id} is being sent, and can be cancelled no more"
ACCOUNT_OF_OPERATOR = "An operator's account is ended by another operator, by the command"
ACCOUNT_MANAGES = "Nobody else manages {service}. Give somebody else the permission first"
RECOUNT_RUNS = "somebody counts again just now: wait until that has ended"
GROUP_UNKNOWN = "there is no group {id}"
GROUP_NOT_WAITING = "no message of group {id} waits to be sent: only what waits can be cancelled"
NOT_OPTED_OUT = "that number has not opted out there"
NOT_SUPPRESSED = "there is no such entry on the suppression list"
SUPPRESSION_UNKNOWN = "the service has no entry {id} on the suppression list"
SUPPRESSION_ENDS_BEFORE = "the time at which the entry is to end is over"
SUPPRESSIONS_FULL = "the service has {limit} entries made by hand, which is the limit; remove some first"
CALLBACK_WELL = "the callback URL is not suspended, and its last call did not fail: there is nothing to resume"
GO_LIVE_DONE = "the service is live already"
GO_LIVE_WAITS = "the service asked to go live, and waits for the decision"
GO_LIVE_TO_DO = "something is to be done before: see the list"
GO_LIVE_DECIDES_ANOTHER = "you asked for it yourself: somebody else has to decide"
REPLY_TO_VERIFIED = "{address} is confirmed already"
REPLY_TO_UNVERIFIED = "{address} has to be confirmed first"
REPLY_TO_SOON = "a code was sent less than {seconds} seconds ago: wait for it"
RELAY_WRITES_TO_NOBODY = (
    "the relay has no service of its own yet from which the code could come: ask its operators to give a service a "
    "contact, which makes one"
)
BAD_ADDRESS = "the address cannot be used: {reason}"
SES_REFUSED = "SES did not take the domain ({reason}): check the credentials and what they allow"
SES_UNASKABLE = "SES cannot be asked ({reason}): check NOTIFY_RELAY_AWS__REGION, the credentials and the network"

# What to do about what SES has of a domain.
SES_KNOWS_NOT = "SES does not know the domain: register it"
SES_HAS_OTHER = "SES has another key or MAIL FROM, or signs, too: register the domain again"
SES_WAITS = "SES has not found the record of selector {selectors} yet: it looks by itself, for 72 hours"
SES_WAITS_EASY = (
    "SES waits for the records of Easy DKIM, {selectors}: register the domain, so that our record serves both"
)
SES_WAITS_MX = "SES has not found the MX record of {host} yet: it looks by itself, for 72 hours"
SES_EASY = "verified by Easy DKIM: leave its records, or register the domain: ours then serves both"
SES_PREVIOUS = "SES still verifies by selector {selectors}: register the domain before its record goes"

# What AWS has of the senders of texts, and what to do about it.
SMS_IS_OUTBOX = "outbox: no text leaves this machine, each becomes files in {dir}"
SMS_ACCOUNT = "AWS End User Messaging in {region}, at most {dollars} dollars a month"
SMS_SANDBOX = (
    "AWS End User Messaging in {region}, sandbox: verified numbers only, at most {dollars} dollars a month; "
    "ask AWS for production access"
)
SMS_NO_SENDER = "texts have nothing to leave from: add a number or pool that the AWS account has"
SMS_UNASKABLE = (
    "AWS cannot be asked about texts ({reason}): check NOTIFY_RELAY_AWS__REGION, NOTIFY_RELAY_SMS__CONFIGURATION_SET, "
    "the credentials, what they allow, and the network"
)
SENDER_GOOD = "{sender}: AWS would take a text to {country}; {rate} parts a second"
SENDER_UNKNOWN_TO_AWS = "the AWS account has no {sender} in this region: request it there, or remove it here"
SENDER_REFUSED = "AWS would take no text from {sender} to {country} ({reason}): look at the number in the AWS console"
SENDER_TOO_FAST = "AWS grants {sender} {granted} parts a second, not {rate}: change it here, or ask AWS for more"
