"""Look-ups that many wait for: cached, shared, and renewed behind the back of those who ask.

An entry is fresh for 2 s, then served while one look-up renews it, and after 4 s waited for. When the database is away
it is served for half a second more: what was changed is known everywhere within 5 s. Knows nothing of keys or services.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

FRESH_SECONDS = 2.0
RENEWED_SECONDS = 4.0
USABLE_SECONDS = 4.5
UNKNOWN_SECONDS = 1.0
ANEW_SECONDS = 0.5
TIMEOUT_SECONDS = 3.0
MAX_ENTRIES = 10_000

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value")


class Unavailable(Exception):  # noqa: N818
    """Nothing usable is known, and nobody can be asked now. The cause is chained."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value | None  # None: there is nothing of that name
    asked_at: float  # before the query: what it found is not older than this


class Lookups(Generic[Name, Value]):
    """What `look_up` finds, by name. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        look_up: Callable[[Name], Awaitable[Value | None]],
        clock: Callable[[], float],
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._look_up = look_up
        self._clock = clock
        self._max_entries = max_entries
        self._known: OrderedDict[Name, _Entry[Value]] = OrderedDict()
        self._unknown: OrderedDict[Name, _Entry[Value]] = OrderedDict()  # apart: guesses push out nothing that is
        self._loading: dict[Name, asyncio.Task[_Entry[Value]]] = {}

    async def find(self, name: Name) -> Value | None:
        """Raises Unavailable."""
        entry = self._cached(name, RENEWED_SECONDS)
        if entry is not None:
            if not self._is_younger(entry, FRESH_SECONDS):
                self._load(name)
            return entry.value
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                entry = await asyncio.shield(self._load(name))  # shared: one waiter's end is not the others'
        except Exception as error:  # whatever keeps us from looking is our trouble, never that of whoever asks
            entry = self._cached(name, USABLE_SECONDS)
            if entry is None:
                raise Unavailable from error
        return entry.value

    async def find_anew(self, name: Name) -> Value | None:
        """What a look-up finds that begins after this call, for who misses something in what is known.

        Shared by all who wait for it, and begun twice a second at most, whoever guesses. Raises Unavailable.
        """
        called_at, running = self._clock(), self._loading.get(name)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                if running is not None:
                    await asyncio.wait([running])  # it may have read before
                await asyncio.sleep(self._pause(name))
                found = self._last(name)
                if found is not None and found.asked_at > called_at:
                    return found.value
                entry = await asyncio.shield(self._load(name))
        except Exception as error:
            raise Unavailable from error
        return entry.value

    def known(self, name: Name) -> Value | None:
        """What is remembered, without a look-up."""
        entry = self._known.get(name)
        return entry.value if entry is not None else None

    def _pause(self, name: Name) -> float:
        last = self._last(name)
        age = self._clock() - last.asked_at if last is not None else ANEW_SECONDS
        return ANEW_SECONDS - age if 0 <= age < ANEW_SECONDS else 0.0

    def _last(self, name: Name) -> _Entry[Value] | None:
        """What the last look-up found: nothing too, which takes as long, or its time would tell what there is."""
        entries = [each[name] for each in (self._known, self._unknown) if name in each]
        return max(entries, key=lambda entry: entry.asked_at, default=None)

    async def close(self) -> None:
        """Ends look-ups that still run."""
        loading = list(self._loading.values())
        for task in loading:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*loading, return_exceptions=True)

    def _cached(self, name: Name, seconds: float) -> _Entry[Value] | None:
        entry = self._known.get(name)
        if entry is not None and self._is_younger(entry, seconds):
            self._known.move_to_end(name)
            return entry
        unknown = self._unknown.get(name)
        if unknown is not None and self._is_younger(unknown, UNKNOWN_SECONDS):
            return unknown
        return None

    def _is_younger(self, entry: _Entry[Value], seconds: float) -> bool:
        return 0 <= self._clock() - entry.asked_at < seconds  # below 0 when the clock was set back: not to be trusted

    def _load(self, name: Name) -> asyncio.Task[_Entry[Value]]:
        """The look-up that runs for this name, started if none does."""
        task = self._loading.get(name)
        if task is None:
            task = self._loading[name] = asyncio.create_task(self._ask(name))
            task.add_done_callback(lambda done: self._loaded(name, done))
        return task

    def _loaded(self, name: Name, task: asyncio.Task[_Entry[Value]]) -> None:
        del self._loading[name]
        if not task.cancelled():
            task.exception()  # taken note of: nobody may be waiting for it

    async def _ask(self, name: Name) -> _Entry[Value]:
        asked_at = self._clock()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            entry = _Entry(await self._look_up(name), asked_at)
        if entry.value is None:
            self._known.pop(name, None)
        cache = self._unknown if entry.value is None else self._known
        cache[name] = entry
        cache.move_to_end(name)
        if len(cache) > self._max_entries:
            cache.popitem(last=False)
        return entry
