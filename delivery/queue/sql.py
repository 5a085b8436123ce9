"""The queue in SQLite and PostgreSQL. The two differ in the claim only."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    Select,
    case,
    func,
    select,
    update,
)

from config.database import Database
from delivery.queue.base import Claim, Depth, Stats, Waits
from delivery.queue.interventions import scheduled, to_be_released
from delivery.queue.turns import EVERYTHING, Order, Turn, due
from delivery.store.tables import holds, queue
from messages.message import Channel, Lane

_LANE = {lane.rank: lane for lane in Lane}


class SqlQueue:
    """Implements delivery.queue.base.Queue. See there for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders = {rank: Order() for rank in _LANE}

    async def claim(
        self,
        owner: str,
        limit: int,
        now: float,
        lease_seconds: float,
        unknown_wait_seconds: float,
        resting: Collection[Channel] = (),
    ) -> list[Claim]:
        waiting = await self._database.query(partial(due, now=now))
        awake = {rank: [turn for turn in each if turn.channel not in resting] for rank, each in waiting.items()}
        turns = {rank: each for rank, each in awake.items() if each}
        if not turns:
            return []  # an idle worker never takes the write lock
        values = {"now": now, "owner": owner, "until": now + lease_seconds}
        values |= {f"{channel}_awake": channel not in resting for channel in Channel}
        return await self._database.transact(
            lambda connection: self._claim(connection, turns, limit, values, unknown_wait_seconds)
        )

    def _claim(
        self,
        connection: Connection,
        turns: dict[int, list[Turn]],
        limit: int,
        values: dict[str, Any],
        wait_seconds: float,
    ) -> list[Claim]:
        claims: list[Claim] = []
        for rank, waiting in turns.items():
            if len(claims) < limit:
                rows = self._orders[rank].take(connection, waiting, limit - len(claims), values | {"rank": rank})
                claims += [_claim(row, rank) for row in rows if _free(row)]
                self._park(connection, [row for row in rows if not _free(row)], wait_seconds)
        return claims

    def _park(self, connection: Connection, rows: Sequence[Row[Any]], wait_seconds: float) -> None:
        """Their owner died while it sent them: nobody knows whether they left."""
        for row in rows:
            statement = update(queue).where(queue.c.message_id == row.message_id)
            until = row.attempted_at + wait_seconds
            connection.execute(statement.values(owner=None, parked=True, available_at=until))

    async def release(self, owner: str, now: float) -> int:
        async with self._database.write() as connection:
            statement = update(queue).where(queue.c.owner == owner).values(owner=None, available_at=now)
            return (await connection.execute(statement)).rowcount

    async def give_back(self, message_ids: Sequence[UUID], until: float) -> None:
        async with self._database.write() as connection:
            statement = update(queue).where(queue.c.message_id.in_(message_ids))
            await connection.execute(statement.values(owner=None, available_at=until))

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
    return Claim(row.message_id, _LANE[rank], Channel(row.channel), row.attempts, row.parked)


def _free(row: Row[Any]) -> bool:
    return row.attempt_id is None or bool(row.parked)
