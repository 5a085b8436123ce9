"""Slows a key that sends ten times what it sent in its busiest hour of 30 days: its password may be stolen.

Its messages are accepted, and due at that tenfold pace: an owner who really sends so much loses none, and a thief gets
no more out than the service might have sent. Moved behind others they would still leave as fast as nothing else waits.
No key is slowed below FLOOR an hour, nor judged by less than a week: whoever sends little, seldom or since yesterday
has no habit to compare with. A young key is measured by its service.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, delete, func, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import audit, notices
from auth.keys import keys
from auth.notices import Kind, Notice
from config.database import INSERT, Database
from delivery.figures.tables import count_changes, key_counts
from delivery.guard.reputation import ACTOR
from delivery.metrics import GuardMetrics
from delivery.store import slowing
from delivery.store.reputations import busiest_hours, slowed_keys
from messages.message import KeyType, Lane
from messages.status import Status

TIMES = 10
FLOOR = 1_000  # messages an hour
_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400
_REMEMBERED_DAYS = 30
_HABIT_DAYS = 7
_HOURS_KEPT_SECONDS = 3 * _DAY_SECONDS


class Hour(NamedTuple):
    """What a key sent in an hour that began then."""

    service_id: UUID
    key_id: UUID
    start: int
    messages: int


@dataclass(frozen=True, slots=True)
class Habit:
    """What is remembered of a holder: its busiest hour, and since when it is looked at (days since 1970)."""

    busiest: int
    since_day: int


def busiest(key: Habit | None, service: Habit | None, today: int) -> int | None:
    """The busiest hour that a key is measured by; None: too little is known."""
    known = [each for each in (key, service) if each is not None]
    if all(today - each.since_day < _HABIT_DAYS for each in known):
        return None
    if key is not None and today - key.since_day >= _HABIT_DAYS:
        known = [key]
    return max(each.busiest for each in known)


async def unslow(connection: AsyncConnection, key_id: UUID, now: float) -> bool:
    """Somebody says that it is no thief: what the key sent is its habit. Whether it was slowed."""
    was_slowed = await slowing.end(connection, key_id)
    if was_slowed:  # of the hour that goes on, too: else it is slowed for the same messages again
        await connection.run_sync(_remember_now, key_id, now)
    return was_slowed


class KeyGuard:
    """One process of all machines is at it at a time."""

    def __init__(self, database: Database, metrics: GuardMetrics, now: Callable[[], float]) -> None:
        self._database = database
        self._metrics = metrics
        self._now = now
        self._back_seconds = _HOURS_KEPT_SECONDS  # as far as hours are told apart; then to the last ones only
        self._log = structlog.get_logger("guard")

    async def step(self) -> None:
        """Remembers the hours that are over, and judges the one that goes on."""
        now = self._now()
        since = int(now - self._back_seconds)
        hours, slowed = await self._database.query(lambda c: (_hours(c, since), _slowed(c)))
        over = [each for each in hours if each.start + _HOUR_SECONDS <= now and not _is_odd(each, slowed)]
        await self._database.transact(lambda c: _remember(c, over, now))
        lately = _lately(hours, now)
        for key_id, row in slowed.items():
            if row.ended_at is None and lately.get(key_id, 0) <= row.per_hour:
                await self._database.transact(lambda c, key_id=key_id: _end(c, key_id, now))  # type: ignore[misc]
        going_on = [each for each in hours if each.start + _HOUR_SECONDS > now and each.messages > FLOOR]
        for each in going_on:
            if each.key_id not in slowed or slowed[each.key_id].ended_at is not None:
                await self._judge(each, now)
        self._back_seconds = 3 * _HOUR_SECONDS

    async def _judge(self, hour: Hour, now: float) -> None:
        if await self._database.query(lambda c: _is_hidden(c, hour.key_id)):
            return
        key, service = await self._database.query(lambda c: (_habit(c, hour.key_id), _habit(c, hour.service_id)))
        before = busiest(key, service, int(now // _DAY_SECONDS))
        if before is None or hour.messages <= (most := max(FLOOR, TIMES * before)):
            return
        async with self._database.write() as connection:
            await connection.run_sync(_slow, hour, most, now)
            await _tell(connection, hour, before, most, now)
        self._metrics.slowed.inc()
        self._log.warning("guard.key_slowed", key_id=str(hour.key_id), messages=hour.messages, per_hour=most)


def _is_odd(hour: Hour, slowed: Mapping[UUID, Row[Any]]) -> bool:
    """Whether the key was slowed in it: that is no habit."""
    row = slowed.get(hour.key_id)
    if row is None:
        return False
    return bool(hour.start + _HOUR_SECONDS > row.since and (row.ended_at is None or hour.start < row.ended_at))


def _lately(hours: Sequence[Hour], now: float) -> dict[UUID, int]:
    """What each key sent in this hour and the one before."""
    sums: dict[UUID, int] = {}
    for each in hours:
        if each.start > now - 2 * _HOUR_SECONDS:
            sums[each.key_id] = sums.get(each.key_id, 0) + each.messages
    return sums


async def _tell(connection: AsyncConnection, hour: Hour, before: int, most: int, now: float) -> None:
    name = await connection.scalar(select(keys.c.name).where(keys.c.id == hour.key_id))
    said = {"change": "slowed", "key": name or "", "key_id": str(hour.key_id), "sent": hour.messages}
    said |= {"busiest": before, "per_hour": most}
    notice = Notice(Kind.REPUTATION, f"{hour.key_id} slowed {now}", hour.service_id, said, now)
    await connection.run_sync(notices.note, [notice])
    after = {"per_hour": most, "sent": hour.messages}
    await audit.add(
        connection,
        ACTOR,
        now,
        action="key.slow",
        object_kind="key",
        object_id=hour.key_id,
        service_id=hour.service_id,
        before=None,
        after=after,
    )


# -- In a transaction ----------------------------------------------------------------------------------------------
def _hours(connection: Connection, since: int) -> list[Hour]:
    """Those that began since then, of keys that send for real. It costs by the hours in which keys sent."""
    folded, appended = key_counts.c, count_changes.c
    hour = appended.start - appended.start % _HOUR_SECONDS
    asked = union_all(
        select(folded.service_id, folded.key_id, folded.start.label("start"), folded.messages).where(
            folded.span == "hour",
            folded.start >= since,
            folded.status == Status.CREATED.value,
            folded.key_type != KeyType.TEST.value,
        ),
        select(appended.service_id, appended.key_id, hour.label("start"), appended.messages).where(
            appended.start >= since,
            appended.status == Status.CREATED.value,
            appended.key_type != KeyType.TEST.value,
        ),
    ).subquery()
    c = asked.c
    summed = select(c.service_id, c.key_id, c.start, func.sum(c.messages)).group_by(c.service_id, c.key_id, c.start)
    return [Hour(row[0], row[1], int(row[2]), int(row[3])) for row in connection.execute(summed)]


def _slowed(connection: Connection) -> dict[UUID, Row[Any]]:
    return {row.key_id: row for row in connection.execute(select(slowed_keys))}


def _remember(connection: Connection, hours: Sequence[Hour], now: float) -> None:
    of_services: dict[tuple[UUID, int], int] = {}
    for each in hours:
        of_services[each.service_id, each.start] = of_services.get((each.service_id, each.start), 0) + each.messages
    busiest: dict[tuple[UUID, int], int] = {}
    of_keys = ((each.key_id, each.start, each.messages) for each in hours)
    for holder, start, number in (*of_keys, *((holder, start, n) for (holder, start), n in of_services.items())):
        place = holder, start // _DAY_SECONDS
        busiest[place] = max(busiest.get(place, 0), number)
    c = busiest_hours.c
    known = select(busiest_hours).where(c.day >= int((now - _HOURS_KEPT_SECONDS) // _DAY_SECONDS))
    before = {(row.holder, row.day): row.messages for row in connection.execute(known)}
    rows = [
        {"holder": holder, "day": day, "messages": number}
        for (holder, day), number in sorted(busiest.items())
        if number > before.get((holder, day), -1)
    ]
    if rows:
        statement = INSERT[connection.dialect.name](busiest_hours)
        statement = statement.on_conflict_do_update(
            index_elements=list(busiest_hours.primary_key), set_={"messages": statement.excluded.messages}
        )
        connection.execute(statement, rows)
    connection.execute(delete(busiest_hours).where(c.day < int(now // _DAY_SECONDS) - _REMEMBERED_DAYS))
    gone = slowed_keys.c.ended_at < now - _HOURS_KEPT_SECONDS
    connection.execute(delete(slowed_keys).where(gone))


def _remember_now(connection: Connection, key_id: UUID, now: float) -> None:
    going_on = [each for each in _hours(connection, int(now - _HOUR_SECONDS)) if each.key_id == key_id]
    _remember(connection, going_on, now)


def _habit(connection: Connection, holder: UUID) -> Habit | None:
    c = busiest_hours.c
    busiest, since = connection.execute(select(func.max(c.messages), func.min(c.day)).where(c.holder == holder)).one()
    return None if busiest is None else Habit(int(busiest), int(since))


def _is_hidden(connection: Connection, key_id: UUID) -> bool:
    """By which the relay itself and the web site send: nobody knows its secret, and nobody can revoke it."""
    return bool(connection.scalar(select(keys.c.hidden).where(keys.c.id == key_id)))


def _slow(connection: Connection, hour: Hour, most: int, now: float) -> None:
    connection.execute(delete(slowed_keys).where(slowed_keys.c.key_id == hour.key_id))
    row = {"key_id": hour.key_id, "service_id": hour.service_id, "per_hour": most, "since": now, "next_at": now}
    connection.execute(slowed_keys.insert(), [row | {"rank": lane.rank} for lane in Lane])


def _end(connection: Connection, key_id: UUID, now: float) -> None:
    connection.execute(update(slowed_keys).where(slowed_keys.c.key_id == key_id).values(ended_at=now))
