"""Counts what waits, every few seconds, and writes who is pushed back: one door process of all machines at a time.

The count reads each row of the queue's index once, for all doors together: as it grows it is done less often. What the
provider takes is measured while there is more than it takes: attempts of the last seconds that it accepted.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, delete, func, insert, select

from config.database import Database
from delivery.backlog.foreseeing import Backlog, Foreseen, Place, foresee
from delivery.queue.base import HoldReason
from delivery.queue.turns import EVERYTHING
from delivery.rounds import outlived
from delivery.store.backlogs import backlogs, drains
from delivery.store.base import Outcome
from delivery.store.tables import attempts, holds, messages, queue
from messages.message import Channel, KeyType, Lane, first_id

FRESH_SECONDS = 60.0  # older ones say nothing of now: who measures is gone, and doors take all
_EVERY_SECONDS = 5.0
_AT_MOST_SECONDS = 30.0  # between two counts: what was measured is still fresh then
_SHARE = 0.02  # of the time spent on counting
_HALF_LIFE_SECONDS = 3600.0  # of what a provider took at best: a pause of it is none of its rate
_LEAST = 50  # waiting in a channel: with fewer, it is not the provider that is slow
_Last = Mapping[Place, tuple[int, bool]]  # how many waited, and whether they were pushed back


class Measuring:
    """Held by every door process. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._every = _EVERY_SECONDS  # by how long a count took here last
        self._log = structlog.get_logger("backlog")

    async def run(self) -> None:
        """Until cancelled. Never raises for an outage."""
        while True:
            with outlived("backlog"):
                await self.measure()
            await asyncio.sleep(_EVERY_SECONDS)

    async def measure(self) -> float:
        """Unless somebody did lately, as long as that takes; the seconds that it took."""
        began, now = time.perf_counter(), self._now()
        async with self._database.alone("backlog") as is_mine:
            if not is_mine or await self._database.query(lambda c: _is_fresh(c, now, self._every)):
                return 0.0
            last, waiting, rates, taken = await self._database.query(lambda c: _read(c, now))
            if not (last or waiting):
                return 0.0  # where nothing waits, nothing is written
            before = {place for place, (_, pushed_back) in last.items() if pushed_back}
            foreseen = foresee(waiting, rates, before, taken)
            await self._database.transact(lambda c: _write(c, foreseen, rates, now))
        after = {each.backlog.place: each for each in foreseen if each.pushed_back}
        for place in sorted(before ^ after.keys()):
            self._say(place, after.get(place))
        took = time.perf_counter() - began
        self._every = min(max(took / _SHARE, _EVERY_SECONDS), _AT_MOST_SECONDS)
        return took

    def _say(self, place: Place, pushed_back: Foreseen | None) -> None:
        said = {"service_id": str(place.service_id), "lane": place.lane.value, "channel": place.channel.value}
        if pushed_back is None:
            self._log.warning("backlog.taken_again", **said)
            return
        seconds = round(pushed_back.wait_seconds)
        self._log.warning("backlog.pushed_back", **said, waiting=pushed_back.backlog.waiting, wait_seconds=seconds)


# -- In a transaction ----------------------------------------------------------------------------------------------
def _is_fresh(connection: Connection, now: float, every: float) -> bool:
    last = connection.scalar(select(func.max(drains.c.measured_at)))
    return last is not None and 0 <= now - last < every * 0.9  # the clock may have been set back


def _read(connection: Connection, now: float) -> tuple[_Last, list[Backlog], dict[Channel, float], dict[Place, float]]:
    """What was written last, what waits now, and what each provider takes in a second, of all and of whom."""
    rows = connection.execute(select(backlogs)).all()
    last = {_place(row): (int(row.waiting), bool(row.pushed_back)) for row in rows}
    waiting = _waiting(connection, now)
    return last, waiting, *_rates(connection, last, waiting, now)


def _place(row: Row[Any]) -> Place:
    return Place(row.service_id, Lane.of(row.rank), Channel(row.channel))


def _waiting(connection: Connection, now: float) -> list[Backlog]:
    """All that is due, by the index of turns alone; texts in line for their pace wait, too."""
    c = queue.c
    names = (c.rank, c.service_id, c.channel)
    due = select(*names, func.count().label("number"), func.min(c.available_at).label("oldest"))
    # Grouped as the index is, it is read in its order and nothing is sorted.
    due = due.where(~c.test, c.available_at <= now).group_by(c.rank, c.service_id, c.test, c.channel)
    found: dict[Place, tuple[int, float]] = {}
    for row in connection.execute(due):
        found[_place(row)] = row.number, now - row.oldest
    lined_up = select(*names, func.count().label("number")).where(c.line.is_not(None), ~c.test).group_by(*names)
    for row in connection.execute(lined_up):
        place = _place(row)
        number, oldest = found.get(place, (0, 0.0))
        found[place] = number + row.number, oldest
    held = {
        (row.service_id, row.rank, channel)
        for row in connection.execute(select(holds))
        for channel in (Channel if row.reason == HoldReason.OPERATOR.value else (Channel.EMAIL,))
    }
    return [Backlog(place, *each, held=_is_held(place, held)) for place, each in found.items()]


def _is_held(place: Place, held: Collection[tuple[UUID, int, Channel]]) -> bool:
    return any((owner, place.lane.rank, place.channel) in held for owner in (place.service_id, EVERYTHING))


def _rates(
    connection: Connection, last: _Last, waiting: Sequence[Backlog], now: float
) -> tuple[dict[Channel, float], dict[Place, float]]:
    """Where something waited all the time since they were measured last they are measured anew."""
    known = {Channel(row.channel): row for row in connection.execute(select(drains))}
    rates: dict[Channel, float] = {channel: row.per_second for channel, row in known.items()}
    shares: dict[Place, float] = {}
    for channel, row in known.items():
        before = {place: number for place, (number, _) in last.items() if place.channel is channel}
        after = sum(each.waiting for each in waiting if each.place.channel is channel and not each.held)
        seconds = now - row.measured_at
        if min(sum(before.values()), after) >= _LEAST and 0 < seconds <= FRESH_SECONDS:
            taken = _taken(connection, channel, row.measured_at, now)
            rates[channel] = max(sum(taken.values()) / seconds, row.per_second * 0.5 ** (seconds / _HALF_LIFE_SECONDS))
            shares |= {place: taken[place] / seconds for place, number in before.items() if number >= _LEAST}
    return {channel: rates.get(channel, 0.0) for channel in Channel}, shares


def _taken(connection: Connection, channel: Channel, since: float, now: float) -> Counter[Place]:
    """Messages that the channel's provider took: it costs by their number, not by what waits."""
    c, m = attempts.c, messages.c
    lately = (c.id >= first_id(since), c.id < first_id(now), c.outcome == Outcome.RELAYED.value)
    real = (m.channel == channel.value, m.key_type != KeyType.TEST.value)
    joined = select(m.service_id, m.lane, func.count().label("number")).join_from(
        attempts, messages, m.id == c.message_id
    )
    rows = connection.execute(joined.where(*lately, *real).group_by(m.service_id, m.lane))
    return Counter({Place(row.service_id, Lane(row.lane), channel): row.number for row in rows})


def _write(connection: Connection, foreseen: Sequence[Foreseen], rates: Mapping[Channel, float], now: float) -> None:
    connection.execute(delete(backlogs))
    if rows := [_row(each, now) for each in foreseen]:
        connection.execute(insert(backlogs), rows)
    connection.execute(delete(drains))
    taken = [{"channel": channel.value, "per_second": rate, "measured_at": now} for channel, rate in rates.items()]
    connection.execute(insert(drains), taken)


def _row(each: Foreseen, now: float) -> dict[str, Any]:
    service_id, lane, channel = each.backlog.place
    return {
        "service_id": service_id,
        "rank": lane.rank,
        "channel": channel.value,
        "waiting": each.backlog.waiting,
        "wait_seconds": each.wait_seconds,
        "pushed_back": each.pushed_back,
        "measured_at": now,
    }
