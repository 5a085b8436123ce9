"""How much of what strangers and clients send is held at once: one budget for a process, and of it a share for each."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class NoRoomError(Exception):
    """Not now: too much is held already."""


class Portion:
    """What one request holds."""

    def __init__(self, memory: "Memory", holder: Hashable) -> None:
        self._memory = memory
        self._holder = holder
        self.size_bytes = 0

    def add(self, size_bytes: int) -> None:
        """Raises NoRoomError; then nothing was added."""
        self._memory.take(self._holder, size_bytes)
        self.size_bytes += size_bytes


class Memory:
    """Counts bytes; who holds them counts with what it holds elsewhere. Never waits.

    Nobody holds more than is left free: however many take all they can, who comes next finds room.
    """

    def __init__(self, limit_bytes: int, share_bytes: int) -> None:
        self._limit = limit_bytes
        self._share = share_bytes
        self._held: Counter[Hashable] = Counter()
        self._total = 0

    @contextmanager
    def portion(self, holder: Hashable) -> Iterator[Portion]:
        """All of it is free again at the block's end."""
        portion = Portion(self, holder)
        try:
            yield portion
        finally:
            self._give_back(holder, portion.size_bytes)

    def take(self, holder: Hashable, size_bytes: int) -> None:
        free = self._limit - self._total - size_bytes
        if self._held[holder] + size_bytes > min(self._share, free):
            raise NoRoomError
        self._total += size_bytes
        self._held[holder] += size_bytes

    def _give_back(self, holder: Hashable, size_bytes: int) -> None:
        self._total -= size_bytes
        self._held[holder] -= size_bytes
        if self._held[holder] <= 0:
            del self._held[holder]
