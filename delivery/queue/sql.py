"""The queue in SQLite and PostgreSQL. The two differ in the claim only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    Select,
    case,
    func,
    select,
    true,
    update,
)

from config.database import Database
from delivery import backoff
from delivery.queue import interventions
from delivery.queue.base import KINDS, NOTHING, Claim, Depth, HoldReason, Kind, Place, Stats, Turn, Waits
from delivery.queue.interventions import scheduled, to_be_released
from delivery.queue.lanes import Lanes
from delivery.queue.turns import DUE, EVERYTHING, Order, by_rank, wanted, wishes
from delivery.store.tables import NOT_BEGUN, holds, queue
from messages.message import Channel, Lane


@dataclass(frozen=True, slots=True)
class Taking:
    """Who claims how much of what, and until when."""

    owner: str
    limit: int
    now: float
    until: float
    wait_seconds: float
    kinds: Collection[Kind]
    under_way: Mapping[Place, int]
    repeatable: Collection[Kind]

    @property
    def values(self) -> dict[str, Any]:
        return {"now": self.now, "owner": self.owner, "until": self.until} | wishes(self.kinds)


class SqlQueue:
    """Implements delivery.queue.base.Queue. See there for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders = {lane.rank: Order() for lane in Lane}
        self._lanes = Lanes()

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
        return await self._claimed(
            Taking(owner, limit, now, now + lease_seconds, unknown_wait_seconds, kinds, under_way, repeatable)
        )

    async def _claimed(self, taking: Taking) -> list[Claim]:
        return await self._claimed_of(wanted(await self._due(taking.now), taking.kinds), taking)

    async def _due(self, now: float) -> dict[int, list[Turn]]:
        return by_rank(await self._database.rows(DUE, {"now": now}))

    async def _claimed_of(self, turns: Mapping[int, Sequence[Turn]], taking: Taking) -> list[Claim]:
        if not turns:
            return []  # an idle worker never takes the write lock
        return await self._database.transact(lambda connection: self._take(connection, turns, taking, self._lanes))

    def _take(
        self, connection: Connection, turns: Mapping[int, Sequence[Turn]], taking: Taking, lanes: Lanes
    ) -> list[Claim]:
        claims: list[Claim] = []
        kept, taken = lanes.kept(turns, taking.limit), dict[int, int]()
        for rank, waiting in turns.items():
            kept.pop(rank, None)
            if (limit := taking.limit - len(claims) - sum(kept.values())) > 0:
                level = {turn: taking.under_way.get((Lane.of(rank), turn), 0) for turn in waiting}
                rows = self._orders[rank].take(connection, level, limit, taking.values | {"rank": rank})
                claims += [_claim(row, rank) for row in rows if _free(row)]
                self._park(connection, [row for row in rows if not _free(row)], taking, Lane.of(rank))
                taken[rank] = len(rows)
        lanes.note(turns, taken)
        return claims

    def _park(self, connection: Connection, rows: Sequence[Row[Any]], taking: Taking, lane: Lane) -> None:
        """Their owner died while it sent them: nobody knows whether they left. Or an outage outlasted their leases."""
        wait = backoff.unknown_wait_seconds(lane, taking.wait_seconds)
        back_at = taking.now + backoff.back_seconds(wait)
        for row in rows:
            statement = update(queue).where(queue.c.message_id == row.message_id)
            is_repeatable = (row.channel, row.test) in taking.repeatable
            until = row.attempted_at if is_repeatable else max(row.attempted_at + wait, back_at)
            connection.execute(statement.values(owner=None, parked=True, available_at=until))

    async def release(self, owner: str, now: float, *, begun: bool = True) -> int:
        async with self._database.write() as connection:
            statement = update(queue).where(queue.c.owner == owner, true() if begun else NOT_BEGUN)
            return (await connection.execute(statement.values(owner=None, available_at=now))).rowcount

    async def give_back(self, message_ids: Sequence[UUID], until: float) -> None:
        async with self._database.write() as connection:
            # Who took one over meanwhile may have begun: its call goes on, and keeps its lease.
            statement = update(queue).where(queue.c.message_id.in_(message_ids), NOT_BEGUN)
            await connection.execute(statement.values(owner=None, available_at=until))

    async def hold(self, service_id: UUID, reason: HoldReason, now: float) -> None:
        async with self._database.write() as connection:
            await interventions.hold(connection, service_id, now, reason=reason)

    async def depth(self, now: float) -> dict[Lane, Depth]:
        statement = (
            select(queue.c.rank, func.count(), func.min(queue.c.available_at))
            .where(queue.c.available_at <= now)
            .group_by(queue.c.rank)
        )
        async with self._database.read() as connection:
            found = {rank: Depth(count, now - oldest) for rank, count, oldest in await connection.execute(statement)}
        return {lane: found.get(lane.rank, Depth(0, 0.0)) for lane in Lane}

    async def stats(self, now: float) -> Stats:
        async with self._database.read() as connection:
            rows = (await connection.execute(_kinds(now))).all()
            held = set((await connection.execute(select(holds.c.service_id))).scalars())
        counts = {(row.rank, row.kind): row.messages for row in rows}
        oldest = {row.rank: now - row.oldest for row in rows if row.kind == "waiting"}
        lanes = {
            lane: Waits(
                waiting=counts.get((lane.rank, "waiting"), 0),
                oldest_seconds=oldest.get(lane.rank, 0.0),
                deferred=counts.get((lane.rank, "deferred"), 0),
                scheduled=counts.get((lane.rank, "scheduled"), 0),
                parked=counts.get((lane.rank, "parked"), 0),
                claimed=counts.get((lane.rank, "claimed"), 0),
                paced=counts.get((lane.rank, "paced"), 0),
                held=counts.get((lane.rank, "held"), 0),
            )
            for lane in Lane
        }
        return Stats(lanes, frozenset(None if each == EVERYTHING else each for each in held))


def _kinds(now: float) -> Select[Any]:
    """How many rows of each rank wait for what, and since when the oldest is due."""
    kind = case(
        (to_be_released(), "held"),
        (queue.c.line.is_not(None), "paced"),
        (queue.c.available_at <= now, "waiting"),
        (queue.c.owner.is_not(None), "claimed"),
        (queue.c.parked, "parked"),
        (scheduled(now), "scheduled"),
        else_="deferred",
    )
    rows = select(queue.c.rank, queue.c.available_at, kind.label("kind")).subquery()
    columns = (rows.c.rank, rows.c.kind, func.count().label("messages"), func.min(rows.c.available_at).label("oldest"))
    return select(*columns).group_by(rows.c.rank, rows.c.kind)


def _claim(row: Row[Any], rank: int) -> Claim:
    turn = Turn(row.service_id, row.test, Channel(row.channel))
    return Claim(row.message_id, Lane.of(rank), turn.channel, row.attempts, row.parked, turn)


def _free(row: Row[Any]) -> bool:
    return row.attempt_id is None or bool(row.parked)
