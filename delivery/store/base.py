"""What a store promises. One behaviour suite (tests/contract/test_store.py) holds every implementation to it.

The row is the truth: queues, caches and brokers only point at rows. Every method is one transaction or, where it says
so, a read. Times are seconds since the epoch.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from auth.limits import Charge
from messages.address import Address
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


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """One thing that a service is told about a message, for its history."""

    status: Status
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
    recipient: str | None = None  # `Address.key`
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


class Store(Protocol):
    """Messages, contents, attempts and counters."""

    async def put(self, group: Group) -> tuple[Message, ...]:
        """Stores a group with its queue rows; when it returns, the group is on disk.

        Returns the messages that it stored: all of them or, with an idempotency key per recipient, those of recipients
        that it was not used for before (exact over all processes); only these count.
        Raises Refused when a charge goes over its limit (exact over all processes; nothing is stored, nothing counted),
        Repeated when its idempotency key leaves nothing to store (likewise), StoreUnavailable when the database cannot
        take it now. A caller that is cancelled leaves all or nothing behind.
        """
        ...

    async def repeated(self, service_id: UUID, key: IdempotencyKey, recipients: Sequence[Address]) -> Repeated | None:
        """What `put` would raise for this idempotency key; None when it would store something. A read."""
        ...

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        """Messages by id; one that does not open (damaged) is missing. A read."""
        ...

    async def contents(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]:
        """Contents by id; one that retention dropped is missing, one that does not open (damaged) is None. A read."""
        ...

    async def sent_as(self, message: Message, originals: Sequence[str]) -> dict[str, str]:
        """Of these Message-IDs, those that the service sent to the message's recipient before: their provider ids.

        A read.
        """
        ...

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        """Commits that these attempts are about to start, and leases their messages until `lease_until`.

        Returns the messages that `owner` still holds and that no other attempt of that number was made for: only those
        may be sent. The others' leases ran out meanwhile.
        """
        ...

    async def record(self, record: Record) -> None:
        """Writes what came of an attempt; concurrent calls share a commit.

        A message that is known to have left, by whichever attempt, neither fails nor goes back into the queue.
        """
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> tuple[Moved, ...]:
        """Applies final statuses by the table of legal moves; returns the messages that moved.

        Status, counters and the callback rows of services that have a callback URL change together.
        """
        ...

    async def learn(self, events: Sequence[Event], now: float) -> Learned:
        """Keeps what providers tell, each event once, and settles what it says; all in one transaction.

        An event also proves that its attempt was taken: the message leaves the queue, and is not sent again however
        another attempt that is under way ends. One whose message is not known is parked.
        """
        ...

    async def match_parked(self, now: float) -> tuple[Moved, ...]:
        """Gives parked events to messages that are known by now, and drops those parked for longer than a day.

        A limited number of each: what is left is for the next call.
        """
        ...

    async def time_out(self, sent_before: float, now: float, limit: int = 500) -> tuple[Moved, ...]:
        """Settles as temporary-failure at most `limit` messages sent before then of which no end was ever told."""
        ...

    async def find(self, search: Search, limit: int) -> list[Found]:
        """At most `limit` messages, newest first. A read."""
        ...

    async def history(self, message_id: UUID) -> History | None:
        """A read."""
        ...

    async def group(self, group_id: UUID) -> list[UUID]:
        """The messages of a group, oldest first. A read."""
        ...

    async def counts(self, service_id: UUID) -> dict[Status, int]:
        """The service's messages by status, test keys apart. A read."""
        ...

    async def sweep(self, content_before: float, now: float, limit: int = 500) -> int:
        """Drops at most `limit` contents: made before `content_before`, or pointed at by no message (a day back).

        Returns how many went. Contents of queued messages stay.
        """
        ...

    async def forget(self, before: float, now: float, limit: int = 500) -> int:
        """Drops past limit windows, and at most `limit` idempotency keys and ended callbacks each, made before then.

        Returns how many of the latter two went.
        """
        ...
