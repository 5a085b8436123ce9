"""Whether the relay can accept messages right now, as far as this process sees: it asks the database, seldom."""

import asyncio
import time
from typing import Protocol
from uuid import UUID

from config.database import OUTAGES
from delivery.store.base import Found, Search

_KEPT_SECONDS = 5.0  # however many ask
_PATIENCE_SECONDS = 2.0
_NOBODY = Search(message_id=UUID(int=0))


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def find(self, search: Search, limit: int) -> list[Found]: ...


class Pulse:
    def __init__(self, searching: Searching) -> None:
        self._searching = searching
        self._looked_at = float("-inf")
        self._accepting = False
        self._turn = asyncio.Lock()

    async def is_accepting(self) -> bool:
        async with self._turn:
            if time.monotonic() - self._looked_at > _KEPT_SECONDS:
                self._accepting = await self._look()
                self._looked_at = time.monotonic()
        return self._accepting

    async def _look(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._searching.find(_NOBODY, 1)
        except OUTAGES:
            return False
        return True
