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
from messages.message import Message
from messages.status import Status


class StoreUnavailable(Exception):  # noqa: N818
    """The database is away, full or too slow: nothing was changed. The cause is chained, for the log only."""


@dataclass(frozen=True, slots=True)
class Group:
    """Everything one accepted submission stores: all of it or nothing."""

    messages: tuple[Message, ...]
    content: bytes
    charges: tuple[Charge, ...] = ()


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


@dataclass(frozen=True, slots=True)
class History:
    """All that is known of one message, for `message show`."""

    message: Message
    reason: str | None  # why it ended as it did
    attempts: tuple[Attempt, ...]
    waiting_until: float | None  # None: not in the queue


class Store(Protocol):
    """Messages, contents, attempts and counters."""

    async def put(self, group: Group) -> None:
        """Stores a group with its queue rows; when it returns, the group is on disk.

        Raises Refused when a charge goes over its limit (exact over all processes; nothing is stored, nothing counted),
        StoreUnavailable when the database cannot take it now. A caller that is cancelled leaves all or nothing behind.
        """
        ...

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        """Messages by id; one that does not open (damaged) is missing. A read."""
        ...

    async def contents(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]:
        """Contents by id; one that retention dropped is missing, one that does not open (damaged) is None. A read."""
        ...

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        """Commits that these attempts are about to start, and leases their messages until `lease_until`.

        Returns the messages that `owner` still holds and that no other attempt of that number was made for: only those
        may be sent. The others' leases ran out meanwhile.
        """
        ...

    async def record(self, record: Record) -> None:
        """Writes what came of an attempt; concurrent calls share a commit."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """Applies final statuses by the table of legal moves; returns how many messages moved."""
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

        Also past limit windows. Returns how many contents went. Contents of queued messages stay.
        """
        ...
