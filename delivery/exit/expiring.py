"""What expires while nobody may claim it ends all the same: held, slowed, scheduled or put off past its time.

One worker of all machines looks after that, oldest first and some of each service, in steps of some milliseconds.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement

from config.database import Database
from delivery.exit.recording import Recording
from delivery.queue import interventions
from delivery.queue.selecting import Selection, Waiting
from delivery.rounds import outlived, wait
from delivery.store.base import Outcome, Record
from messages.message import Message

_EVERY_SECONDS = 30.0
_RESTS = 20  # times as long as it looked: a million that wait take some twenty seconds to look through
_AT_ONCE = 100  # each is counted and told
_SHARE = 1_000  # of each service, before the next one's


class Selecting(Protocol):
    """What this needs of delivery.queue.selecting."""

    def walk(
        self, selection: Selection, which: ColumnElement[bool], now: float
    ) -> AsyncIterator[Collection[Waiting]]: ...


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]: ...


@dataclass(frozen=True, slots=True)
class Expiring:
    """One per machine. `now` gives seconds since the epoch."""

    database: Database
    selecting: Selecting
    searching: Searching
    recording: Recording
    unknown_wait_seconds: float
    now: Callable[[], float]

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set. Never raises for an outage, nor for a bug that one round meets."""
        log, loop = structlog.get_logger("worker"), asyncio.get_running_loop()
        while not stopping.is_set():
            began = loop.time()
            with outlived("expiring"):
                async with self.database.alone("expiring") as is_mine:
                    if is_mine and (ended := await self.sweep(stopping)):
                        log.info("worker.expired", messages=ended)
            await wait(stopping, max(_EVERY_SECONDS, _RESTS * (loop.time() - began)))

    async def sweep(self, stopping: asyncio.Event) -> int:
        """Until nothing waits that has expired; how many ended. Raises as the database does."""
        ended, goes_on = 0, True
        while goes_on and not stopping.is_set():
            number, goes_on = await self._round(stopping)
            ended += number
        return ended

    async def _round(self, stopping: asyncio.Event) -> tuple[int, bool]:
        """Once over all that waits, each service's share; how many ended, and whether some are left for the next."""
        ended, now, taken = 0, self.now(), Counter[UUID]()
        which = interventions.to_be_expired(now, self.unknown_wait_seconds)
        async for found in self.selecting.walk(Selection(), which, now):
            ids = []
            for each in found:
                taken[each.service_id] += 1
                if taken[each.service_id] <= _SHARE:
                    ids.append(each.message_id)
            ended += await self._end_all(ids, stopping)
            if stopping.is_set():
                break
        return ended, ended > 0 and any(number > _SHARE for number in taken.values())

    async def _end_all(self, message_ids: Sequence[UUID], stopping: asyncio.Event) -> int:
        ended, loop = 0, asyncio.get_running_loop()
        for start in range(0, len(message_ids), _AT_ONCE):
            began = loop.time()
            ended += await self._end(message_ids[start : start + _AT_ONCE])
            await wait(stopping, 2 * (loop.time() - began))  # two thirds of the time the database is others'
            if stopping.is_set():
                break
        return ended

    async def _end(self, message_ids: Sequence[UUID]) -> int:
        async with self.database.write() as connection:
            left = await interventions.park_left(connection, message_ids, self.now(), self.unknown_wait_seconds)
        known = (await self.searching.load([each for each in message_ids if each not in left])).values()
        ends = [(Record(each.id, None, Outcome.EXPIRED, self.now(), reason="expired"), each) for each in known]
        return sum(await asyncio.gather(*(self.recording.end(*each) for each in ends)))
