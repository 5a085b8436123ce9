"""The queue in memory: for tests of the parts around it, held to the same suite as the SQL one."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from delivery.queue.base import Claim, Depth, Stats, Waits
from delivery.store.memory import Memory, Waiting
from messages.message import Lane

_LANE = {lane.rank: lane for lane in Lane}


class MemoryQueue:
    """Implements delivery.queue.base.Queue."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._served: Counter[tuple[UUID, bool]] = Counter()  # when, as a number

    async def claim(
        self, owner: str, limit: int, now: float, lease_seconds: float, unknown_wait_seconds: float
    ) -> list[Claim]:
        held = self._memory.held
        due = [
            (message_id, row)
            for message_id, row in self._memory.waiting.items()
            if row.available_at <= now and None not in held and row.service_id not in held
        ]
        claims = []
        for message_id, row in self._in_turn(due, limit):
            if row.attempt_id is not None and not row.parked:
                row.free(row.attempted_at + unknown_wait_seconds)
                row.parked = True
            else:
                row.owner, row.available_at = owner, now + lease_seconds
                claims.append(Claim(message_id, _LANE[row.rank], row.attempts, unknown=row.parked))
        return claims

    def _in_turn(self, due: list[tuple[UUID, Waiting]], limit: int) -> list[tuple[UUID, Waiting]]:
        """Of each lane the oldest of each turn, then the next of each; who was served longest ago goes first."""
        places: Counter[tuple[UUID, bool]] = Counter()
        order = []
        for entry in sorted(due, key=_order):
            turn = (entry[1].service_id, entry[1].test)
            order.append(((entry[1].rank, places[turn], self._served[turn]), entry, turn))
            places[turn] += 1
        chosen = sorted(order, key=lambda each: each[0])[:limit]
        for _, _, turn in chosen:
            self._served[turn] = max(self._served.values(), default=0) + 1
        return [entry for _, entry, _ in chosen]

    async def release(self, owner: str, now: float) -> int:
        mine = [row for row in self._memory.waiting.values() if row.owner == owner]
        for row in mine:
            row.free(now)
        return len(mine)

    async def give_back(self, message_ids: Sequence[UUID], until: float) -> None:
        for message_id in message_ids:
            if message_id in self._memory.waiting:
                self._memory.waiting[message_id].free(until)

    async def hold(self, service_id: UUID | None) -> None:
        self._memory.held.add(service_id)

    async def unhold(self, service_id: UUID | None) -> None:
        self._memory.held.discard(service_id)

    async def retry(self, now: float, service_id: UUID | None = None) -> int:
        deferred = [
            row
            for message_id, row in self._memory.waiting.items()
            if row.owner is None
            and not row.parked
            and row.available_at > now
            and (self._memory.messages[message_id].scheduled_for or 0) <= now
            and service_id in (None, row.service_id)
        ]
        for row in deferred:
            row.available_at = now
        return len(deferred)

    async def depth(self, now: float) -> dict[Lane, Depth]:
        due = [row for row in self._memory.waiting.values() if row.available_at <= now]
        lanes = {lane: [row.available_at for row in due if row.rank == lane.rank] for lane in Lane}
        return {lane: Depth(len(times), now - min(times, default=now)) for lane, times in lanes.items()}

    async def stats(self, now: float) -> Stats:
        rows = self._memory.waiting.items()
        kinds = Counter((row.rank, self._kind(message_id, row, now)) for message_id, row in rows)
        depths = await self.depth(now)
        lanes = {
            lane: Waits(
                waiting=depths[lane].waiting,
                oldest_seconds=depths[lane].oldest_seconds,
                deferred=kinds[lane.rank, "deferred"],
                scheduled=kinds[lane.rank, "scheduled"],
                parked=kinds[lane.rank, "parked"],
                claimed=kinds[lane.rank, "claimed"],
            )
            for lane in Lane
        }
        return Stats(lanes, frozenset(self._memory.held))

    def _kind(self, message_id: UUID, row: Waiting, now: float) -> str:
        if row.available_at <= now:
            return "waiting"
        if row.owner is not None:
            return "claimed"
        if row.parked:
            return "parked"
        return "scheduled" if (self._memory.messages[message_id].scheduled_for or 0) > now else "deferred"


def _order(entry: tuple[UUID, Waiting]) -> tuple[int, float]:
    return entry[1].rank, entry[1].available_at
