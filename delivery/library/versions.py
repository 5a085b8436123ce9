"""What is kept in versions that never change, as doors and workers read it: each version once, the latest one anew.

Knows nothing of what it is.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar
from uuid import UUID

FRESH_SECONDS = 2.0


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


class Versions(Generic[V]):
    """`load` reads a version, the latest unless one is named; `now` gives seconds since the epoch.

    The latest version is read again after 2 seconds; who asks while it is read waits for the same answer. Of a version
    read by its number, `archived` may be out of date.
    """

    def __init__(
        self,
        load: Callable[[UUID, int | None], Awaitable[V | None]],
        now: Callable[[], float],
        max_entries: int,
    ) -> None:
        self._load = load
        self._now = now
        self._max_entries = max_entries
        self._versions: OrderedDict[tuple[UUID, int], V] = OrderedDict()
        self._latest: OrderedDict[UUID, tuple[float, V]] = OrderedDict()  # asked at
        self._loading: dict[tuple[UUID, int | None], asyncio.Task[V | None]] = {}

    async def find(self, id_: UUID, version: int | None = None) -> V | None:
        """A version, the latest unless one is named; None when there is none such."""
        found = self._remembered(id_, version)
        if found is None:
            # Shielded and shared: each would take a connection, and one who leaves must not end it for the others.
            found = await asyncio.shield(self._look(id_, version))
        return found

    def _look(self, id_: UUID, version: int | None) -> "asyncio.Task[V | None]":
        """The look-up that runs for it, started if none does."""
        wanted = id_, version
        task = self._loading.get(wanted)
        if task is None:
            task = self._loading[wanted] = asyncio.create_task(self._ask(id_, version))
            task.add_done_callback(lambda done: self._looked(wanted, done))
        return task

    def _looked(self, wanted: tuple[UUID, int | None], task: "asyncio.Task[V | None]") -> None:
        del self._loading[wanted]
        if not task.cancelled():
            task.exception()  # taken note of: nobody may be waiting for it

    async def _ask(self, id_: UUID, version: int | None) -> V | None:
        asked_at = self._now()
        found = await self._load(id_, version)
        if found is not None:
            self._remember(id_, found, version, asked_at)
        return found

    def _remembered(self, id_: UUID, version: int | None) -> V | None:
        if version is not None:
            if (id_, version) in self._versions:
                self._versions.move_to_end((id_, version))
            return self._versions.get((id_, version))
        asked_at, found = self._latest.get(id_, (0.0, None))
        return found if 0 <= self._now() - asked_at < FRESH_SECONDS else None

    def _remember(self, id_: UUID, found: V, version: int | None, asked_at: float) -> None:
        self._versions[id_, found.version] = found
        if version is None:
            self._latest.pop(id_, None)
            self._latest[id_] = (asked_at, found)
        for entries in (self._versions, self._latest):
            while len(entries) > self._max_entries:
                entries.popitem(last=False)
