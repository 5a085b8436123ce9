"""Drops what has ended: sessions, drafts, accounts that nobody proved, and what was written to the operator long ago.

Each process, now and then.
"""

import asyncio
from collections.abc import Callable

import structlog

from auth.people import codes, devices, drafts, enquiries, invitations, sessions, users
from config.database import Database
from relay.failures import described

_EVERY_SECONDS = 600.0


class Sweeping:
    """`now` gives seconds since the epoch."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._log = structlog.get_logger("site")

    async def run(self) -> None:
        """Until cancelled. Never raises for an outage."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self.sweep()
            except Exception as error:
                self._log.error("site.not_swept", **described(error))

    async def sweep(self) -> None:
        now = self._now()
        for each in (sessions, codes, devices, drafts, enquiries, invitations):
            async with self._database.write() as connection:
                await each.sweep(connection, now)
        dropped = 1
        while dropped:  # in small steps: audit and others write between them
            async with self._database.write() as connection:
                dropped = await users.sweep(connection, now)
