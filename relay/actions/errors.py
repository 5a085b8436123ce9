"""What whoever asks is told of an action that cannot be done, beside what auth and delivery refuse.

In the words of what is administered: which option or field of a form it was given in, only the caller knows.
"""

from messages.text import TextError


class ActionError(TextError):
    """Nothing was changed."""


class UnknownError(ActionError):
    """There is none, or none of the service that was named."""


NOTHING_NAMED = "nothing is named that is to change"
KEY_EXPIRES_BEFORE = "the time at which the key is to end is over; to end it now, revoke it"
KEY_NOT_IN_FORCE = "service {id} has no such key that is in force; make one first"
MAX_BYTES_BEYOND = "the door takes messages of at most {limit} octets; choose a smaller limit for the key"
GUEST_ID_UNKNOWN = "the guest list has no entry {id}"
TEMPLATE_UNKNOWN = "the service has no template {id}"
MESSAGE_UNKNOWN = "there is no message {id}"
MESSAGE_NOT_WAITING = "message {id} does not wait to be sent, it is {status}: only what waits can be cancelled"
MESSAGE_LEAVING = "message {id} is being sent, and can be cancelled no more"
GROUP_UNKNOWN = "there is no group {id}"
GROUP_NOT_WAITING = "no message of group {id} waits to be sent: only what waits can be cancelled"
BAD_ADDRESS = "the address cannot be used: {reason}"
TEMPLATE_EMAIL_ONLY = "texts (SMS) are not sent yet, and nothing could use the template: make one for email"
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
