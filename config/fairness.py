"""One thing at a time for a whole process, services in turn: a long line of one stands before nobody else's."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID


class FairLock:
    """Held by one; who waits is served in order, but of each service one before anybody's second."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = OrderedDict()  # who comes next is first

    @asynccontextmanager
    async def taken(self, service_id: UUID) -> AsyncIterator[None]:
        await self._take(service_id)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, service_id: UUID) -> None:
        if not self._held:
            self._held = True
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(service_id, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was ours already
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            service_id, line = self._waiting.popitem(last=False)
            following = line.popleft()
            if line:
                self._waiting[service_id] = line
            if not following.done():  # else it was cancelled
                following.set_result(None)
                return
        self._held = False
