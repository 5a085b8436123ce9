"""What whoever asks is told of an action that cannot be done, beside what auth and delivery refuse.

In the words of what is administered: which option or field of a form it was given in, only the caller knows.
"""

from messages.text import TextError


class ActionError(TextError):
    """Nothing was changed."""


NOTHING_NAMED = "nothing is named that is to change"
KEY_EXPIRES_BEFORE = "the time at which the key is to end is over; to end it now, revoke it"
MAX_BYTES_BEYOND = "the door takes messages of at most {limit} octets; choose a smaller limit for the key"
TEMPLATE_EMAIL_ONLY = "texts (SMS) are not sent yet, and nothing could use the template: make one for email"
