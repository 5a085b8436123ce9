"""What those who write rows and those who ask for it have in common.

The row is the truth: queues, caches and brokers only point at rows. Who writes what, and promises what, stands in the
files beside this one; every method there is one transaction or, where it says so, a read. They run on SQLite and
PostgreSQL with the same statements, held to it by tests/contract. Times are seconds since the epoch.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from auth.limits import Charge
from messages.message import Channel, IdempotencyKey, KeyType, Lane, Message
from messages.status import Status

CONTENT_SECONDS = 7 * 86_400.0  # how long contents and idempotency keys are kept


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
    content: bytes
    charges: tuple[Charge, ...] = ()
    idempotency: IdempotencyKey | None = None


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
    FAILED = "failed"  # settled as technical-failure
    EXPIRED = "expired"  # settled as technical-failure without an attempt
    UNKNOWN = "unknown"  # parked until `until`, then sent again


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one claimed message, written by the worker.

    `status` is set for RELAYED (SENDING, or the end where the provider knows it), `until` for THROTTLED, DEFERRED and
    UNKNOWN. `attempt_id` is None for EXPIRED.
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
class Learned:
    """What a batch of events did."""

    fates: tuple[Fate, ...]  # one for each event, in order
    moved: tuple[Moved, ...]


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
    service_id: UUID | None = None
    key_type: KeyType | None = None
    channels: frozenset[Channel] = frozenset()  # empty: any
    statuses: frozenset[Status] = frozenset()  # empty: any
    since: float | None = None
    until: float | None = None
    older_than: UUID | None = None  # a message: only those before it
    jobs: bool = True  # also messages of jobs


@dataclass(frozen=True, slots=True)
class Found:
    """A message, and why it ended as it did."""

    message: Message
    reason: str | None
