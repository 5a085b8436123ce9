"""What nobody waits for: begun by an answer, and done behind it.

Each waits a while that nobody can foretell, and one is done at a time: neither the answer that began it, nor any that
comes after, tells by its time what there was to do. Ends before the process.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import structlog

from relay.failures import described
from relay.site.errors import Unavailable

_MAX_WAITING = 200  # one network begins at most some twenty in ten minutes; see entry/
_LEAST_WAIT_SECONDS = 0.3  # the answer, and the page that it leads to, are gone by then
_WAIT_MILLISECONDS = 1000  # at most so much more
_SECONDS = 15.0  # for one
_DRAIN_SECONDS = 10.0


class Later:
    """One per process."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()
        self._turn = asyncio.Lock()
        self._log = structlog.get_logger("site")

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Also for work that turns out to be none. Raises Unavailable where too much waits."""
        if len(self._waiting) >= _MAX_WAITING:
            raise Unavailable
        task = asyncio.create_task(self._do(work))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def drain(self) -> None:
        """Does what waits at once, as far as there is time."""
        self._hurry.set()
        if self._waiting:
            await asyncio.wait({*self._waiting}, timeout=_DRAIN_SECONDS)
        self._hurry.clear()

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._wait()
        try:
            async with self._turn, asyncio.timeout(_SECONDS):
                await work()
        except Exception as error:
            self._log.error("site.not_done", **described(error))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LEAST_WAIT_SECONDS + secrets.randbelow(_WAIT_MILLISECONDS) / 1000):
                await self._hurry.wait()
        except TimeoutError:
            pass
