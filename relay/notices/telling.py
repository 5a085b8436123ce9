"""Tells what was noted to whom it concerns: each kind of notice in its own way.

Any process of a door does it, at any time: a notice is a row until it is told, and what tells it is stored once.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol
from uuid import UUID

import structlog

from auth import notices
from auth.notices import Kind, Notice
from config.database import Database
from relay.failures import described

_EVERY_SECONDS = 5.0
_AGAIN_SECONDS = 60.0  # after one that could not be told


class Way(Protocol):
    """How notices of one kind are told."""

    async def tell(self, notice: Notice) -> UUID | None:
        """The message that tells it, which is on disk, of one notice always the same; None: there is nobody to tell.

        Raises as `accept` does: it is tried again.
        """
        ...


class Telling:
    """`now` gives seconds since the epoch."""

    def __init__(self, database: Database, ways: Mapping[Kind, Way], now: Callable[[], float]) -> None:
        self._database = database
        self._ways = ways
        self._now = now
        self._log = structlog.get_logger("notices")

    async def run(self) -> None:
        """Until cancelled. Never raises for an outage."""
        while True:
            try:
                await self.tell()
            except Exception as error:  # outage or bug: what was not told is still a row
                self._log.error("notice.not_told", **described(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def tell(self) -> None:
        """Tells what is due; what cannot be told now is due again in a minute."""
        for kind in self._ways:
            async with self._database.read() as connection:
                found = await notices.due(connection, self._now(), kind)
            for notice in found:
                await self._told(notice)

    async def _told(self, notice: Notice) -> None:
        named = {"kind": notice.kind.value, "service_id": notice.service_id and str(notice.service_id), **notice.said}
        try:
            message_id = await self._ways[notice.kind].tell(notice)
        except Exception as error:  # a refusal, too: its service may be on hold, and is released again
            self._log.error("notice.not_told", **named, **described(error))
            async with self._database.write() as connection:
                await notices.defer(connection, notice, self._now() + _AGAIN_SECONDS)
            return
        async with self._database.write() as connection:
            await notices.end(connection, notice, self._now(), message_id)
        told = {} if message_id is None else {"message_id": str(message_id)}
        self._log.warning("notice.told", **named, **told)
