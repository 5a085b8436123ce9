"""What takes a while to read and may be old by a while: read once for all who ask meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """`now` gives seconds since the epoch."""

    def __init__(self, read: Callable[[], Awaitable[T]], seconds: float, now: Callable[[], float]) -> None:
        self._read = read
        self._seconds = seconds
        self._now = now
        self._turn = asyncio.Lock()
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """Raises what reading raises; then nothing is kept."""
        async with self._turn:
            if self._kept is None or self._now() - self._kept[0] > self._seconds:
                self._kept = self._now(), await self._read()
            return self._kept[1]
