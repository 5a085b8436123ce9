"""What nobody waits for: begun by an answer, and done behind it. Its time tells the visitor nothing.

Bounded: what comes when too much is under way is left out, and whoever needs it asks again. Ends before the process.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from relay.failures import described

_MAX_UNDER_WAY = 200


class Later:
    """One per process."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("site")

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._under_way) >= _MAX_UNDER_WAY:
            work.close()
            return
        task = asyncio.create_task(self._done(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Returns when nothing is under way."""
        await asyncio.gather(*self._under_way)

    async def _done(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._log.error("site.not_done", **described(error))
