"""What flows: a Submission comes in at a door, Messages (one per recipient) come out of it.

Knows nothing of doors, stores or providers.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from messages.address import Address
from messages.envelope import Envelope
from messages.phone import PhoneNumber
from messages.recipient import Channel as Channel  # noqa: PLC0414 - a word of messages: found here, too
from messages.recipient import Recipient
from messages.status import Status

MAX_SUBJECT_CHARACTERS = 998


# A number was checked when it was accepted: tables of numbers change, and what is stored stays readable.
_RECIPIENTS: dict[Channel, Callable[[str], Recipient]] = {Channel.EMAIL: Address.parse, Channel.SMS: PhoneNumber}


def recipient_of(channel: Channel, text: str) -> Recipient:
    """Whom `str` wrote. Raises ValueError."""
    return _RECIPIENTS[channel](text)


class KeyType(StrEnum):
    NORMAL = "normal"
    TEAM = "team"
    TEST = "test"
    ADMIN = "admin"  # manages what its service has, and sends nothing

    @property
    def sends(self) -> bool:
        return self is not KeyType.ADMIN


class Door(StrEnum):
    """Where a message came in."""

    SMTP = "smtp"
    HTTP = "http"
    SITE = "site"
    RELAY = "relay"  # nowhere: the relay itself says it, in letters, codes and answers to keywords


class Language(StrEnum):
    EN = "en"
    FR = "fr"
    BOTH = "both"


class ContentKind(StrEnum):
    """What a message's stored content is."""

    RAW = "raw"  # a MIME message: these octets are sent, and our signature before them
    RENDERED = "rendered"  # what its template is filled with: the MIME message is built at the exit
    TEXT = "text"  # a text message: who it names as its sender, and what it says
    ANSWER = "answer"  # likewise, our own answer to a keyword: whoever texted STOP gets this one all the same
    NOTICE = "notice"  # which message a notice is about: the notice is built at the exit


class Lane(StrEnum):
    """Which line a message waits in. A lane is served before those behind it."""

    PRIORITY = "priority"
    NORMAL = "normal"
    BULK = "bulk"

    @property
    def rank(self) -> int:
        """0 is served first."""
        return _RANKS[self]

    @classmethod
    def of(cls, rank: int) -> "Lane":
        """Raises KeyError for a rank that no lane has."""
        return _OF_RANK[rank]

    @property
    def lifetime_seconds(self) -> int:
        """How long after its creation a message is still worth sending, unless its sender says otherwise."""
        return _LIFETIMES[self]


_RANKS = {Lane.PRIORITY: 0, Lane.NORMAL: 1, Lane.BULK: 2}
_OF_RANK = {rank: lane for lane, rank in _RANKS.items()}
_LIFETIMES = {Lane.PRIORITY: 3600, Lane.NORMAL: 24 * 3600, Lane.BULK: 72 * 3600}

# What a sender may ask for at most, by whichever door.
MAX_LIFETIME_SECONDS = 30 * 24 * 3600
MAX_AHEAD_SECONDS = 96 * 3600  # for which a message may be scheduled; Notify's limit
MAX_REFERENCE_CHARACTERS = 1000  # Notify's
MAX_IDEMPOTENCY_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Trace:
    """What the door knows of the client for the Received field (RFC 5321 4.4)."""

    helo: str
    client_ip: str
    protocol: str  # RFC 3848: ESMTPSA, or HTTP
    by: str
    product: str = ""  # what an HTTP client calls itself; for the log


@dataclass(frozen=True, slots=True)
class Personalised:
    """Content as a template of the service and what to fill it with."""

    template_id: UUID
    personalisation: Mapping[str, Any]  # text, numbers, truth values and lists of them, by name
    sanitised: tuple[str, ...] = ()  # names of values whose Markdown is not to count
    one_click_unsubscribe_url: str | None = None  # RFC 8058


@dataclass(frozen=True, slots=True)
class Answer:
    """Content as our own answer to a text that is a keyword: no client can ask for it."""

    words: str


class Occasion(StrEnum):
    """What of a message's way its sender asks to be told (RFC 3461 4.1)."""

    FAILURE = "FAILURE"
    DELAY = "DELAY"
    SUCCESS = "SUCCESS"


@dataclass(frozen=True, slots=True)
class DeliveryNotice:
    """Content as a notice (RFC 3464) to the sender of a message: no client can ask for it."""

    about: UUID  # the message
    occasion: Occasion
    at: float  # when it was learned
    status: Status | None  # that the message came to; None: it is still under way
    reason: str | None
    subject: str
    language: Language  # that stands first
    service_id: UUID  # whose message it is, and
    place: UUID  # where its sender hears of it: notices of both are counted


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """Content as our own answer to mail that nobody reads: no client can ask for it."""

    subject: str
    said: str
    answers: str | None  # the Message-ID of that mail


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a client calls a submission, so that it may send it again without being accepted twice.

    With a `body_hash` it names the whole submission: the same key for something else is a mistake. Without one it names
    what each recipient gets, whatever that is: who was told to send the rest in another transaction sends the same
    header section, and relays on the way add fields to it.
    """

    key: str
    body_hash: bytes | None  # of all that it asks for

    @staticmethod
    def is_usable(key: str) -> bool:
        """Whether a client may use this as its key."""
        return 0 < len(key) <= MAX_IDEMPOTENCY_CHARACTERS and key.isascii() and key.isprintable()

    @property
    def is_per_recipient(self) -> bool:
        return self.body_hash is None

    def names(self, recipient: Recipient) -> str:
        """What a recipient's message is called beside the key: empty where the key names all of them as one."""
        return recipient.key if self.is_per_recipient else ""


@dataclass(frozen=True, slots=True)
class Dsn:
    """What a client asks to be told of one recipient's message (RFC 3461 4), as it sent it but for the encoding."""

    ret: str | None = None  # FULL or HDRS: what of the message a notice returns
    envid: str | None = None  # the client's name for the transaction
    notify: tuple[str, ...] = ()  # NEVER, or some of SUCCESS, FAILURE, DELAY; empty: as servers do by themselves
    orcpt: str | None = None  # type;address: whom the client sent to at first

    def __str__(self) -> str:
        parameters = {"RET": self.ret, "ENVID": self.envid, "NOTIFY": ",".join(self.notify), "ORCPT": self.orcpt}
        return " ".join(f"{name}={value}" for name, value in parameters.items() if value)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Dsn":
        values = json.loads(text)
        return cls(**{**values, "notify": tuple(values["notify"])})


@dataclass(frozen=True, slots=True)
class Submission:
    """A client hands us a message: what every door builds and `accept()` takes. Its channels are its recipients'.

    Times are seconds since the epoch. None means "as the key, else the service, says".
    """

    envelope: Envelope
    content: bytes | Personalised | Answer | DeliveryNotice | MailAnswer
    trace: Trace
    door: Door
    reference: str | None = None
    lane: Lane | None = None
    language: Language | None = None
    branding: str | None = None
    reply_to: str | None = None
    sender_id: UUID | None = None  # the origination identity that a text leaves from
    scheduled_for: float | None = None
    lifetime_seconds: int | None = None  # from now, or from the time for which it is scheduled
    idempotency: IdempotencyKey | None = None
    dsn: Mapping[str, Dsn] = field(default_factory=dict)  # by `Recipient.key`
    created_by: UUID | None = None  # the person of the web site who sends it


@dataclass(frozen=True, slots=True)
class Message:
    """One recipient's unit: one row, one provider call, one provider id. Times are seconds since the epoch."""

    id: UUID  # UUIDv7, of its creation: the id that callers ask by
    group_id: UUID  # the same for all messages of one submission
    service_id: UUID  # who sends
    key_id: UUID  # that the client showed; where it showed none, the service's hidden one
    key_type: KeyType  # of that key, as it was then: decides which provider gets the message
    channel: Channel  # the recipient's
    door: Door  # that it came in by
    lane: Lane  # which it waits in until it is sent
    template_id: UUID  # for mail that came with its content, the service's hidden template
    template_version: int  # of that template, from 1
    reference: str | None  # the client's own name for it, not unique; None: it gave none
    reverse_path: str  # where failures are returned to (RFC 5321 4.4); empty: the null reverse-path
    recipient: Recipient  # whom it is for: a mailbox or a phone, as the channel says
    subject: str  # as text, decoded and shortened; empty: it has none
    original_message_id: str | None  # the Message-ID it came with, which its provider may replace; None: it had none
    signing_domain: str  # d= of our DKIM signature: the domain of the rewritten header From; empty: not mail
    content_id: UUID  # what it says, shared by the messages of its group and channel
    content_bytes: int  # of what is stored: octets
    status: Status  # as far as it has come
    created_at: float  # when it was accepted
    expires_at: float  # from then on it is not sent any more
    content_kind: ContentKind = ContentKind.RAW  # how what is stored becomes what is sent
    scheduled_for: float | None = None  # it does not leave before; None: at once
    job_id: UUID | None = None  # the list that it is a line of; None: sent by itself
    sender_id: UUID | None = None  # the origination identity that its sender asked for; None: as its service has it
    provider_id: str | None = None  # what the provider calls it; None: it is not known to have taken it
    billable_units: int = 0  # parts of a text message that are charged; 0: none are, as for mail
    sent_at: float | None = None  # when the provider took it; None: it is not known to have
    completed_at: float | None = None  # when it came to its present end; None: it has none yet
    dsn: Dsn | None = None  # what its client asked to be told (RFC 3461); None: it asked nothing
    notify: frozenset[Occasion] = frozenset()  # what its sender is told of; empty: nothing, whatever was asked
    created_by: UUID | None = None  # the person of the web site who sent it; None: a program did

    def evolve(self, **changes: Any) -> "Message":
        return replace(self, **changes)

    def log_context(self) -> dict[str, str]:
        """What every log line about it says: whose and which it is, and nobody's address."""
        return {"message_id": str(self.id), "group_id": str(self.group_id), "service_id": str(self.service_id)}


def new_id(now: float, entropy: bytes) -> UUID:
    """A UUIDv7 (RFC 9562 5.7) from a time in seconds and 10 random bytes: ids sort by time of creation."""
    value = int(now * 1000) << 80 | int.from_bytes(entropy[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def first_id(at: float) -> UUID:
    """The id that stands before all that are made from that time on, in seconds: ids of a span are found by it."""
    return new_id(at, bytes(10))


def id_time(made: UUID) -> float:
    """When an id of ours was made, in seconds."""
    return (made.int >> 80) / 1000  # RFC 9562 5.7: its first 48 bits


_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def parse_time(text: str) -> float:
    """Seconds since the epoch of a time in ISO 8601; without an offset it is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def parse_id(text: object) -> UUID | None:
    """A UUID written with its hyphens (RFC 9562 4); None for all else. `UUID()` takes braces, URNs and bare digits."""
    return UUID(text) if isinstance(text, str) and _ID.fullmatch(text) else None
