"""What a queue promises: pointers to messages that wait, claimed under a lease.

The rows are put by `Putting.put` and taken away by `Attempting.record`, in their own transactions: a lost or doubled
pointer is harmless. tests/contract/test_queue.py holds every implementation to this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol
from uuid import UUID

from messages.message import Channel, Lane


class Kind(NamedTuple):
    """What is claimed apart from each other, and taken by one provider: by one channel, and test keys' apart."""

    channel: Channel
    test: bool


KINDS = frozenset(Kind(channel, test) for channel in Channel for test in (False, True))


class Turn(NamedTuple):
    """Messages that stand behind each other: one service's of one kind."""

    service_id: UUID
    test: bool
    channel: Channel

    @property
    def kind(self) -> Kind:
        return Kind(self.channel, self.test)


Place = tuple[Lane, Turn]
NOTHING: Mapping[Place, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Slot:
    """When a message may leave: `at`, by time.monotonic(), and `tolerance_seconds` later."""

    at: float
    tolerance_seconds: float


@dataclass(frozen=True, slots=True)
class LineSlot(Slot):
    """A text's, of the origination identity that it leaves from."""

    line: UUID  # the identity
    origin: str  # the same as its provider knows it


@dataclass(frozen=True, slots=True)
class Claim:
    """The right, until the lease ends, to attempt one message."""

    message_id: UUID
    lane: Lane
    channel: Channel
    attempts: int  # so far, the throttled ones not counted
    unknown: bool  # the last attempt's end was never learned, and its wait is over
    turn: Turn | None = None  # None: of one that waited in a line
    slot: Slot | None = None  # of what leaves at a rate


@dataclass(frozen=True, slots=True)
class Depth:
    """How full one lane is: what waits now, and since when the oldest of it has been due."""

    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Waits:
    """How many messages of one lane wait for what."""

    waiting: int  # due: for a worker, or for the end of a hold
    oldest_seconds: float
    deferred: int  # for their next attempt
    scheduled: int  # for the time that their sender named
    parked: int  # for news of an attempt whose end was never learned
    claimed: int  # for the end of the attempt under way
    paced: int = 0  # in line, for the pace of the number that they leave from
    held: int = 0  # for their release, one by one; what a hold of a lane stops is `waiting`


class HoldReason(StrEnum):
    """Why a lane is held: an operator holds all of it, any other reason mail only. The values are seen by people."""

    OPERATOR = "operator"
    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    TENANT = "tenant"  # the provider has paused what the service sends there


@dataclass(frozen=True, slots=True)
class Hold:
    """What is not claimed, and why."""

    service_id: UUID | None  # None: of all services
    lane: Lane
    reason: HoldReason
    since: float


@dataclass(frozen=True, slots=True)
class Stats:
    """The whole queue, for people. None in `held` stands for all services."""

    lanes: dict[Lane, Waits]
    held: frozenset[UUID | None]  # in one lane at least


class Queue(Protocol):
    async def claim(
        self,
        owner: str,
        limit: int,
        now: float,
        lease_seconds: float,
        unknown_wait_seconds: float,
        kinds: Collection[Kind] = KINDS,
        under_way: Mapping[Place, int] = NOTHING,
        repeatable: Collection[Kind] = (),
    ) -> list[Claim]:
        """Up to `limit` due messages of these kinds, each to one owner only until its lease ends.

        Priority lanes come first, but for what lanes behind them are kept (delivery.queue.lanes); in a lane those come
        first of whom the fewest are `under_way` with this owner.

        A message whose earlier owner died after its attempt began is not returned but parked for `unknown_wait_seconds`
        (its lane's share of them) after that attempt's start, and not at all where its kind is `repeatable`: sent twice
        is sent once. One whose owner died before it is returned at once when the lease is over.
        """
        ...

    async def release(self, owner: str, now: float, *, begun: bool = True) -> int:
        """Ends an owner's leases that is known to be dead, or those of what it has not `begun`; returns how many."""
        ...

    async def give_back(self, message_ids: Sequence[UUID], until: float) -> None:
        """Unclaims messages that were not attempted; they are due again at `until`. Attempts under way go on."""
        ...

    async def hold(self, service_id: UUID, reason: HoldReason, now: float) -> None:
        """Claims nothing more of a service until that is over."""
        ...

    async def depth(self, now: float) -> dict[Lane, Depth]:
        """A read."""
        ...

    async def stats(self, now: float) -> Stats:
        """A read of every row: for now and then."""
        ...
