"""Round after round of work until it is time to stop: what the loops that claim and then work have in common.

An outage of the database costs a pause, never the loop. Knows nothing of the work.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from config.database import OUTAGES

OUTAGE_SECONDS = 1.0


@contextmanager
def outlived(loop: str) -> Iterator[None]:
    """One round of a loop: an outage of the database, or a bug, ends the round only. The log says whose it was."""
    log = structlog.get_logger()
    try:
        yield
    except OUTAGES as error:
        log.warning("round.database_unavailable", loop=loop, error=type(error).__name__)
    except Exception as error:
        log.error("round.bug", loop=loop, error=type(error).__name__)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, for so long at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


class Rounds:
    """One per loop. `on_outage` is told of each outage, for the log."""

    def __init__(self, on_outage: Callable[[Exception], None]) -> None:
        self._on_outage = on_outage
        self._changed = asyncio.Event()  # something ended, or it is time to stop
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def until(self, stopping: asyncio.Event) -> AsyncIterator[None]:
        """Within it `stopping` ends a sleep; at its end all that was started is waited for."""
        stopper = asyncio.create_task(self._wake_on(stopping))
        try:
            yield
        finally:
            stopper.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _wake_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.wake()

    async def outlive(self, step: Callable[[], Awaitable[None]]) -> None:
        """Takes a step; when the database is away, sleeps instead."""
        try:
            await step()
        except OUTAGES as error:
            self._on_outage(error)
            await self.sleep(OUTAGE_SECONDS)

    async def insist(self, write: Callable[[], Awaitable[None]], worthwhile: Callable[[], bool] = lambda: True) -> None:
        """Writes, when the database is away again and again: what was done once is not to be done again.

        Gives up when it would be too late.
        """
        while True:
            try:
                return await write()
            except OUTAGES as error:
                self._on_outage(error)
                if not worthwhile():
                    return None
                await asyncio.sleep(OUTAGE_SECONDS)

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Goes on with `work` beside the rounds."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def working(self) -> bool:
        """Whether something that was started goes on."""
        return bool(self._tasks)

    def wake(self) -> None:
        self._changed.set()

    async def sleep(self, seconds: float) -> None:
        """Ends early when woken."""
        self._changed.clear()
        await wait(self._changed, seconds)
