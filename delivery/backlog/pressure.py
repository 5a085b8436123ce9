"""What a door knows of who is pushed back: read each second, asked for every message, and never a question then."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from uuid import UUID

import structlog
from sqlalchemy import Connection, select

from config.database import OUTAGES, Database
from delivery.backlog.foreseeing import Place, mark_seconds, retry_seconds
from delivery.backlog.measuring import FRESH_SECONDS
from delivery.rounds import outlived
from delivery.store import slowing
from delivery.store.backlogs import backlogs
from delivery.store.reputations import slowed_keys
from messages import reply
from messages.message import Channel, KeyType, Lane
from messages.reply import Refused

_EVERY_SECONDS = 1.0


class Pressure:
    """One per door process. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._waits: dict[Place, float] = {}  # of those that are pushed back
        self._slowed: frozenset[UUID] = frozenset()  # keys
        self._log = structlog.get_logger("backlog")

    async def run(self) -> None:
        """Until cancelled. What was known last holds over an outage of the database."""
        while True:
            with outlived("backlog"):
                await self.read()
            await asyncio.sleep(_EVERY_SECONDS)

    async def read(self) -> None:
        self._waits = await self._read()
        slowed = select(slowed_keys.c.key_id).where(slowed_keys.c.ended_at.is_(None)).distinct()
        self._slowed = frozenset(row.key_id for row in await self._database.rows(slowed))

    async def _read(self) -> dict[Place, float]:
        c = backlogs.c
        asked = select(c.service_id, c.rank, c.channel, c.wait_seconds)
        now = self._now()
        is_fresh = c.measured_at.between(now - FRESH_SECONDS, now + FRESH_SECONDS)  # the clock may have been set back
        rows = await self._database.rows(asked.where(c.pushed_back, is_fresh))
        return {Place(row.service_id, Lane.of(row.rank), Channel(row.channel)): row.wait_seconds for row in rows}

    def check(self, service_id: UUID, key_type: KeyType, lane: Lane, channels: Collection[Channel]) -> None:
        """Raises Refused where the queue of one of these channels is full for the service in that lane."""
        if key_type is KeyType.TEST or not self._waits:
            return
        waits = [self._waits.get(Place(service_id, lane, channel)) for channel in channels]
        full = [seconds for seconds in waits if seconds is not None]
        if full:
            raise Refused(reply.QUEUE_FULL, lane=lane.value, seconds=retry_seconds(lane, max(full)))

    async def due_at(
        self, key_id: UUID, lane: Lane, number: int, now: float, lifetime_seconds: float | None = None
    ) -> float:
        """When so many messages of a key may leave: 0 is at once. Raises Refused where that is too late for them."""
        if key_id not in self._slowed:
            return 0.0

        def take(connection: Connection) -> float:
            due_at = slowing.place(connection, key_id, lane, number, now)
            if due_at is not None and due_at - now > mark_seconds(lane, lifetime_seconds):
                raise Refused(reply.KEY_SLOWED, lane=lane.value, seconds=retry_seconds(lane, due_at - now))
            return due_at or 0.0

        return await self._database.transact(take)

    async def give_back(self, key_id: UUID, lane: Lane, number: int) -> None:
        """Of what `due_at` took; while the database is away they are lost, and what comes next is later."""
        if number:
            with contextlib.suppress(*OUTAGES):
                await self._database.transact(lambda connection: slowing.give_back(connection, key_id, lane, number))
