"""Keys that are slowed: the places that doors take for their messages, and what people ask and change."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery.store.reputations import slowed_keys
from messages.message import Lane

_HOUR_SECONDS = 3600


async def end(connection: AsyncConnection, key_id: UUID) -> bool:
    """Forgets that it is slowed, or was lately. Whether it was."""
    going_on = slowed_keys.c.ended_at.is_(None)
    was_slowed = await connection.scalar(select(going_on).where(slowed_keys.c.key_id == key_id, going_on).limit(1))
    await connection.execute(delete(slowed_keys).where(slowed_keys.c.key_id == key_id))
    return bool(was_slowed)


async def per_hour(connection: AsyncConnection, service_id: UUID) -> dict[UUID, int]:
    """The keys of a service that are slowed, and how far."""
    c = slowed_keys.c
    rows = await connection.execute(
        select(c.key_id, c.per_hour).where(c.service_id == service_id, c.ended_at.is_(None))
    )
    return {row.key_id: row.per_hour for row in rows}


def place(connection: Connection, key_id: UUID, lane: Lane, number: int, now: float) -> float | None:
    """Takes so many places in the line of a slowed key; when the first is due. None: it is slowed no more."""
    taken = _take(connection, key_id, lane, number, now, slowed_keys.c.ended_at.is_(None))
    return None if taken is None else taken.first


def places(connection: Connection, key_id: UUID, lane: Lane, number: int, now: float) -> list[float]:
    """Takes as many again for what lost its own, when each is due; also in a line that ended lately."""
    taken = _take(connection, key_id, lane, number, now)
    return [now] * number if taken is None else [taken.first + at * taken.interval for at in range(number)]


class _Taken(NamedTuple):
    first: float
    interval: float


def _take(
    connection: Connection, key_id: UUID, lane: Lane, number: int, now: float, *which: ColumnElement[bool]
) -> _Taken | None:
    c = slowed_keys.c
    begun = case((c.next_at > now, c.next_at), else_=now)
    mine = update(slowed_keys).where(c.key_id == key_id, c.rank == lane.rank, *which)
    taken = mine.values(next_at=begun + number * _HOUR_SECONDS * 1.0 / c.per_hour).returning(c.next_at, c.per_hour)
    row = connection.execute(taken).one_or_none()
    if row is None:
        return None
    interval = _HOUR_SECONDS / row.per_hour
    return _Taken(row.next_at - number * interval, interval)


def give_back(connection: Connection, key_id: UUID, lane: Lane, number: int) -> None:
    """Places that nothing was stored for."""
    c = slowed_keys.c
    mine = update(slowed_keys).where(c.key_id == key_id, c.rank == lane.rank, c.ended_at.is_(None))
    connection.execute(mine.values(next_at=c.next_at - number * _HOUR_SECONDS * 1.0 / c.per_hour))
