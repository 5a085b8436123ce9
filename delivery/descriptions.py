"""What a status means, in the words that Notify's API and its delivery receipts use, and how they write times. Pure.

`status_description` is for people who read a dashboard; `provider_response` says more where the provider said more.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from messages.message import Channel
from messages.status import Status
from messages.text import Text

# Reasons: the provider does not even try the address.
_SUPPRESSED = "suppressed"
_ON_OUR_LIST = ("on-account-suppression-list", "on-tenant-suppression-list")

IN_TRANSIT = Text("In transit")
DELIVERED = Text("Delivered")
NO_SUCH_ADDRESS = Text("No such address")
BLOCKED = Text("Blocked")
CONTENT_OR_INBOX = Text("Content or inbox issue")
NO_SUCH_NUMBER = Text("No such number")
CARRIER_ISSUE = Text("Carrier issue")
TECH_ISSUE = Text("Tech issue")
CANCELLED = Text("Cancelled")

_DESCRIPTIONS: Mapping[Channel, Mapping[Status, Text]] = {
    Channel.EMAIL: {
        Status.CREATED: IN_TRANSIT,
        Status.SENDING: IN_TRANSIT,
        Status.DELIVERED: DELIVERED,
        Status.PERMANENT_FAILURE: NO_SUCH_ADDRESS,
        Status.TEMPORARY_FAILURE: CONTENT_OR_INBOX,
        Status.TECHNICAL_FAILURE: TECH_ISSUE,
        Status.CANCELLED: CANCELLED,
    },
    Channel.SMS: {
        Status.CREATED: IN_TRANSIT,
        Status.SENDING: IN_TRANSIT,
        Status.DELIVERED: DELIVERED,
        Status.PERMANENT_FAILURE: NO_SUCH_NUMBER,
        Status.TEMPORARY_FAILURE: CARRIER_ISSUE,
        Status.TECHNICAL_FAILURE: TECH_ISSUE,
        Status.CANCELLED: CANCELLED,
    },
}
# Reasons for which a text to a number that exists is not delivered, and will not be.
_TEXTS_BLOCKED = ("opted-out", "on-blocked-list", "blocked-as-spam")
# Programs compare these: English whatever the reader's language.
_PROVIDER_RESPONSES = {
    _SUPPRESSED: "The email address is on our email provider suppression list",
    **dict.fromkeys(_ON_OUR_LIST, "The email address is on the GC Notify suppression list"),
    "attachment-rejected": "The email was rejected because of its attachments",
    # GC Notify's, which are AWS's own words (SNS) but for the last ones.
    "opted-out": "Phone number is opted out",
    "on-blocked-list": "Destination is on a blocked list",
    "blocked-as-spam": "Blocked as spam by phone carrier",
    "invalid-number": "Invalid phone number",
    "invalid-message": "Message body is invalid",
    "blocked": "Phone has blocked SMS",
    "carrier-blocked": "Phone carrier has blocked this message",
    "phone-unreachable": "Phone is currently unreachable/unavailable",
    "carrier-unreachable": "Phone carrier is currently unreachable/unavailable",
    "price-over-threshold": "This delivery would exceed max price",
    "unknown": "Unknown error attempting to reach phone",
    "ttl-expired": "Delivery TTL has expired",
    "protect-blocked": "Blocked by the protect configuration",
}


def status_description(channel: Channel, status: Status, reason: str | None) -> Text:
    """The label of a status; `reason` is why the message ended so, in Notify's words (None: nobody said)."""
    if status is Status.PERMANENT_FAILURE and reason in (_SUPPRESSED, *_ON_OUR_LIST):
        return BLOCKED
    if channel is Channel.SMS and status is Status.PERMANENT_FAILURE and reason in _TEXTS_BLOCKED:
        return BLOCKED
    return _DESCRIPTIONS[channel][status]


def provider_response(reason: str | None) -> str | None:
    """What the provider said of an address or a content, for the reasons of which it says something."""
    return _PROVIDER_RESPONSES.get(reason) if reason else None


def timestamp(seconds: float | None) -> str | None:
    """UTC with six decimals and a Z: Java's client parses them as date-times with a zone."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
