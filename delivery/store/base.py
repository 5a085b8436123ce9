"""What those who write rows and those who ask for it have in common.

The row is the truth: queues, caches and brokers only point at rows. Who writes what, and promises what, stands in the
files beside this one; every method there is one transaction or, where it says so, a read. They run on SQLite and
PostgreSQL with the same statements, held to it by tests/contract. Times are seconds since the epoch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from uuid import UUID

from auth.limits import Charge
from messages.address import Address
from messages.message import Channel, Door, IdempotencyKey, KeyType, Lane, Message
from messages.status import Status

CONTENT_SECONDS = 7 * 86_400.0  # how long idempotency keys, feeds and what services do not say otherwise are kept
APART = 253_402_300_799.0  # the end of the year 9999: held one by one, a message is due when it is released
ROW_SECONDS = 396 * 86_400.0  # 13 months: how long the row of a message is; then only what was counted
SENT_INDEX_SECONDS = 2 * ROW_SECONDS  # since it was sent: how long a complaint finds whose it was


class StoreUnavailable(Exception):  # noqa: N818
    """The database is away, full or too slow: nothing was changed. The cause is chained, for the log only."""


class Repeated(Exception):  # noqa: N818
    """The service used this idempotency key before, for all recipients: nothing was stored, nothing counted.

    `message_id` is what was accepted then, for the first recipient; `same` is False when something else was asked for.
    """

    def __init__(self, message_id: UUID, same: bool) -> None:
        super().__init__("repeated")
        self.message_id = message_id
        self.same = same


@dataclass(frozen=True, slots=True)
class Group:
    """Everything one accepted submission stores: all of it or nothing.

    With an idempotency key per recipient, all of it means the messages of the recipients it was not used for before.
    """

    messages: tuple[Message, ...]
    contents: Mapping[UUID, bytes]  # one for each channel, by `Message.content_id`
    charges: tuple[Charge, ...] = ()
    idempotency: IdempotencyKey | None = None
    due_at: float = 0.0  # not claimed before: of a key that is slowed


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to hand a message to a provider. Its id travels with the message as a tag."""

    id: UUID
    message_id: UUID
    number: int
    provider: str
    started_at: float
    ended_at: float | None = None
    outcome: "Outcome | None" = None  # None: started, and nobody knows how it ended
    reason: str | None = None


class Outcome(StrEnum):
    """How an attempt ended. The value is also the metric's label."""

    RELAYED = "relayed"
    THROTTLED = "throttled"  # the attempt is removed, the message given back
    DEFERRED = "deferred"  # given back until `until`
    FAILED = "failed"  # settled as `status`
    EXPIRED = "expired"  # settled as technical-failure without an attempt
    STOPPED = "stopped"  # settled as permanent-failure without an attempt: the recipient must not be written to
    UNKNOWN = "unknown"  # parked until `until`, then sent again


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one claimed message, written by the worker.

    `status` is set for RELAYED (SENDING, or the end where the provider knows it), FAILED and STOPPED, `until` for
    THROTTLED, DEFERRED and UNKNOWN. `attempt_id` is None for EXPIRED and STOPPED.
    """

    message_id: UUID
    attempt_id: UUID | None
    outcome: Outcome
    at: float
    status: Status | None = None
    provider_id: str | None = None
    reason: str | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A final status that somebody learned. Whether it takes is decided by the table of legal moves."""

    message_id: UUID
    status: Status
    at: float
    reason: str | None = None


class EventKind(StrEnum):
    """What a provider tells of a message. The value is also the metric's label."""

    SEND = "send"  # taken over
    DELIVERY = "delivery"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REJECT = "reject"
    DELAY = "delay"
    FAILURE = "failure"  # the provider could not build it


@dataclass(frozen=True, slots=True)
class Carriage:
    """What a provider tells of a text's way; None: it does not say. Price and fee are of all parts, in US dollars."""

    carrier: str | None = None
    country: str | None = None  # ISO 3166
    encoding: str | None = None
    parts: int | None = None  # that it charges: the truth, whatever we counted
    price: float | None = None
    fee: float | None = None  # of the carrier, beside the price

    def to_json(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})

    @classmethod
    def from_json(cls, text: str) -> "Carriage":
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Event:
    """A provider tells us what became of a message. Told twice, it has the same id."""

    id: UUID
    kind: EventKind
    provider: str
    provider_id: str
    message_id: UUID | None  # from our own tag; without one the message is found by `provider_id`
    attempt_id: UUID | None  # likewise
    at: float  # by the provider's clock
    status: Status | None = None  # what it says about the message's end; None: nothing
    reason: str | None = None  # the provider's own kind of bounce or complaint, in Notify's words
    detail: str | None = None  # the remote server's words; may hold an address
    carriage: Carriage | None = None  # of texts
    several: bool = False  # it names more than one recipient: nobody knows whom of them it is about


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text that somebody sent to one of our numbers. Told twice, it has the same provider id."""

    provider_id: str
    source_number: str  # whose it is, in E.164; may be a short code
    destination_number: str
    message: str
    answers: str | None  # what the provider calls the text that it follows; None: it does not say
    id: UUID | None = None  # by which we know it; None: not kept yet
    service_id: UUID | None = None  # whom it reaches; None: nobody has texted that person from that number
    received_at: float = 0.0


class MailFate(StrEnum):
    """Whether mail that came in is answered, or why it is not (RFC 3834 2)."""

    ANSWERED = "answered"
    NULL_SENDER = "null-sender"
    BAD_SENDER = "bad-sender"  # no address that we write to
    MACHINE = "machine"  # by its sender's name
    AUTOMATIC = "automatic"  # a program's answer, ours too
    LIST = "list"
    HEADERS_CUT = "headers-cut"  # what stood there is not known
    UNCLEAN = "unclean"  # not found to be free of spam and viruses
    UNPROVED = "unproved"  # anybody may have named that sender
    NOBODYS = "nobodys"  # no service has the address
    TRIAL = "trial"
    NO_WRITER = "no-writer"  # the relay has no service of its own yet, from which an answer would leave
    OWN_DOMAIN = "own-domain"
    SUPPRESSED = "suppressed"
    ANSWERED_TODAY = "answered-today"
    OVER_LIMIT = "over-limit"


@dataclass(frozen=True, slots=True)
class InboundMail:
    """Mail that somebody sent to addresses of ours: whom it reaches and what an answer names. Nothing else is kept."""

    recipients: tuple[str, ...]
    sender: Address | None  # of the envelope; None: it is not answered
    message_id: str | None
    refusal: MailFate | None  # why it is not answered, as far as it says so itself


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of mail that came in."""

    fate: MailFate
    service_id: UUID | None  # whom it reaches; None: nobody, or it was not asked


class Fate(StrEnum):
    """What became of an event."""

    SETTLED = "settled"  # the message's status moved
    KEPT = "kept"  # in the history only
    REPEATED = "repeated"  # known already
    PARKED = "parked"  # no message yet that it can be about


@dataclass(frozen=True, slots=True)
class Moved:
    """A message whose status has just changed, as far as metrics and logs need it."""

    message_id: UUID
    service_id: UUID
    channel: Channel
    lane: Lane
    status: Status
    created_at: float
    at: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Miscount:
    """A text that takes other parts than we counted when we accepted it."""

    message_id: UUID
    counted: int
    charged: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What a batch of events did."""

    fates: tuple[Fate, ...]  # one for each event, in order
    moved: tuple[Moved, ...]
    miscounts: tuple[Miscount, ...] = ()


class CallbackKind(StrEnum):
    """What services are told of, at a URL each. The value is also the feed's type."""

    STATUS = "delivery-status"
    COMPLAINT = "complaint"
    INBOUND = "inbound-sms"


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """One call to a service about a message, for its history."""

    kind: CallbackKind
    status: Status | None  # None: a complaint about what was sent
    at: float
    attempts: int
    available_at: float | None  # None: ended
    ended_at: float | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class History:
    """All that is known of one message, for `message show`."""

    message: Message
    reason: str | None  # why it ended as it did
    attempts: tuple[Attempt, ...]
    waiting_until: float | None  # None: not in the queue
    events: tuple[Event, ...] = ()  # by their own time
    callbacks: tuple[CallbackRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """What messages are looked for: all that is given must fit. Times are of their creation."""

    message_id: UUID | None = None
    recipient: str | None = None  # `Recipient.key`
    original_message_id: str | None = None
    reference: str | None = None
    group_id: UUID | None = None
    provider_id: str | None = None
    service_id: UUID | None = None
    services: frozenset[UUID] | None = None  # None: any
    key_type: KeyType | None = None
    key_id: UUID | None = None
    template_id: UUID | None = None
    door: Door | None = None
    channels: frozenset[Channel] | None = None  # None: any
    statuses: frozenset[Status] | None = None  # None: any
    since: float | None = None
    until: float | None = None
    older_than: UUID | None = None  # a message: only those before it
    jobs: bool = True  # also messages of jobs


@dataclass(frozen=True, slots=True)
class Found:
    """A message, and why it ended as it did."""

    message: Message
    reason: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Messages of a service, newest first, and where the search goes on.

    `older_than` is the message to go on from; None: there is nothing older. `looked_back_to` is set where the search
    stopped before the page was full, because it had looked at as many messages as one search may.
    """

    found: tuple[Found, ...]
    older_than: UUID | None = None
    looked_back_to: float | None = None
