"""Dashboards, live: one look in two seconds for all viewers of a process, one read for each service that changed.

A viewer is told when figures change, never more than the latest, and hears a sign of life in between. A stream ends
with the session, the membership or the process; browsers then come back by themselves, or find that they may not.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from auth.people import memberships, sessions
from auth.people.permissions import Permission
from auth.principal import Service
from config.database import Database
from config.words import Words
from delivery.figures.reading import CountReader
from messages.message import Language
from relay.failures import described
from relay.site import layout
from relay.site.dashboard.chart import chart
from relay.site.dashboard.overview import Overview, days_back, overview

LOOK_SECONDS = 2.0
HEARTBEAT_SECONDS = 20.0
_CHECK_SECONDS = 15.0  # how long who was sent away may go on watching
_READ_SECONDS = 30.0  # read again though nothing seems to be new: hours pass, clocks of machines differ
_MAX_APPENDED = 5_000
MAX_STREAMS, MAX_OF_SERVICE, MAX_OF_USER = 1_000, 250, 6  # in a process
_HEARTBEAT = b":\n\n"


@dataclass(eq=False, slots=True)
class Viewer:
    user_id: UUID
    session_id: UUID
    service: Service
    language: Language
    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False

    def end(self) -> None:
        self.is_over = True
        self.news.set()


@dataclass(eq=False, slots=True)
class _Watched:
    """A service while somebody watches it."""

    service: Service
    viewers: set[Viewer] = field(default_factory=set)
    overview: Overview | None = None
    read_at: float = float("-inf")
    said: dict[Language, bytes] = field(default_factory=dict)  # of this overview


class Live:
    """One per process. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, words: Words, now: Callable[[], float]) -> None:
        self._database = database
        self._counts = CountReader(database)
        self._words = words
        self._now = now
        self._watched: dict[UUID, _Watched] = {}
        self._appended: set[tuple[UUID, UUID]] = set()
        self._is_closed = False
        self._log = structlog.get_logger("site")

    # -- Viewers ------------------------------------------------------------------------------------------------------

    def has_room(self, viewer: Viewer) -> bool:
        viewers = self._viewers()
        of_service = len(self._watched[viewer.service.id].viewers) if viewer.service.id in self._watched else 0
        of_user = sum(each.user_id == viewer.user_id for each in viewers)
        full = len(viewers) >= MAX_STREAMS or of_service >= MAX_OF_SERVICE or of_user >= MAX_OF_USER
        return not (full or self._is_closed)

    @contextmanager
    def watching(self, viewer: Viewer) -> Iterator[AsyncIterator[bytes]]:
        """What the viewer is sent."""
        watched = self._watched.setdefault(viewer.service.id, _Watched(viewer.service))
        watched.viewers.add(viewer)
        try:
            yield self._events(viewer, watched)
        finally:
            watched.viewers.discard(viewer)
            if not watched.viewers:
                self._watched.pop(viewer.service.id, None)

    async def _events(self, viewer: Viewer, watched: _Watched) -> AsyncIterator[bytes]:
        # Not all at once, when a process ends.
        yield f"retry: {random.randint(2_000, 8_000)}\n\n".encode()  # noqa: S311
        last = None
        while not (viewer.is_over or self._is_closed):
            viewer.news.clear()
            said = self._said(watched, viewer.language)
            if said is not None and said is not last:
                yield said
            elif last is not None:
                yield _HEARTBEAT
            last = said
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await viewer.news.wait()

    def _said(self, watched: _Watched, language: Language) -> bytes | None:
        if watched.overview is None:
            return None
        if language not in watched.said:
            html = self._html(watched.overview, watched.service, language)
            watched.said[language] = b"".join(b"data: %b\n" % line.encode() for line in html.splitlines()) + b"\n"
        return watched.said[language]

    def _html(self, found: Overview, service: Service, language: Language) -> str:
        values = {"overview": found, "hours": chart(found.hours), "zone": service.time_zone, "read_at": self._now()}
        return layout.render("dashboard/figures.html", language, self._words.translator(language), **values)

    # -- What goes on -------------------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set; then every stream ends. Never raises for an outage."""
        checked_at = self._now()
        while not stopping.is_set():
            try:
                await self.look()
                if self._now() - checked_at >= _CHECK_SECONDS:
                    checked_at = self._now()
                    await self.check()
            except Exception as error:
                self._log.error("site.not_live", **described(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stopping.wait()
        self._is_closed = True
        for viewer in self._viewers():
            viewer.end()

    async def look(self) -> None:
        """Reads what changed, and tells who watches it."""
        if not self._watched:
            return
        appended = await self._counts.appended([*self._watched], _MAX_APPENDED)
        new = {service_id for service_id, _ in appended - self._appended}
        self._appended = appended
        for watched in [*self._watched.values()]:
            old = self._now() - watched.read_at >= _READ_SECONDS
            if old or watched.service.id in new or len(appended) >= _MAX_APPENDED:
                await self._read(watched)

    async def _read(self, watched: _Watched) -> None:
        now, zone = self._now(), watched.service.time_zone
        found = overview(await self._counts.moments(watched.service.id, days_back(now, zone, 6)), zone, now)
        watched.read_at = now
        if found != watched.overview:
            watched.overview = found
            watched.said.clear()
            for viewer in watched.viewers:
                viewer.news.set()

    async def check(self) -> None:
        """Ends the streams of those who may not watch any more: by two reads, for all of them."""
        viewers = self._viewers()
        async with self._database.read() as connection:
            opened = await sessions.open_among(connection, {each.session_id for each in viewers}, self._now())
            allowed = await memberships.holders(connection, [*self._watched], Permission.VIEW_ACTIVITY)
        for each in viewers:
            if each.session_id not in opened or (each.service.id, each.user_id) not in allowed:
                each.end()

    def _viewers(self) -> list[Viewer]:
        return [each for watched in self._watched.values() for each in watched.viewers]
