"""Watches: somebody looks on while a product is set up, and the SMTP door tells what it sees of that key, step by step.

A watch ends by itself. Each process of the door learns once a second which keys are watched, and writes what it saw:
a session asks nobody, and where nobody looks on nothing is noted. What is told of a session names no person, no secret.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.keys import keys
from auth.principal import Key
from auth.verify import fold
from config.database import Database, Id, metadata

WATCH_SECONDS = 15 * 60.0
SHARED_SECONDS = 1.0
KEPT_SECONDS = 3600.0
MAX_SIGHTINGS = 100  # kept of a key, and noted of a service in a second: the newest
MAX_OF_SERVICE = 20  # watches at once
_MAX_WATCHES = 2_000  # that a process looks out for
_TIMEOUT_SECONDS = 3.0

watches = Table(
    "watches",
    metadata,
    Column("key_id", Id, ForeignKey("keys.id"), primary_key=True),
    Column("service_id", Id, ForeignKey("services.id"), nullable=False),
    Column("ends_at", Double, nullable=False),
    Index("watches_end", "ends_at"),
)
sightings = Table(
    "sightings",
    metadata,
    Column("session", Id, primary_key=True),
    Column("number", Integer, primary_key=True),  # within the session
    Column("key_id", Id, nullable=False),
    Column("at", Double, nullable=False),
    Column("step", Text, nullable=False),
    Column("said", Text, nullable=False),  # JSON
    Index("sightings_key", "key_id", "at"),
    Index("sightings_at", "at"),
)
_w, _s = watches.c, sightings.c

_RUNNING = (
    select(keys.c.smtp_username, _w.key_id, _w.service_id, _w.ends_at)
    .join_from(watches, keys)
    .where(_w.ends_at > bindparam("now"))
    .order_by(_w.ends_at.desc())
    .limit(_MAX_WATCHES)
)
_OLDEST_KEPT = (
    select(_s.at).where(_s.key_id == bindparam("key")).order_by(_s.at.desc()).offset(MAX_SIGHTINGS - 1).limit(1)
)
_SUPERFLUOUS = delete(sightings).where(_s.key_id == bindparam("key"), _s.at < _OLDEST_KEPT.scalar_subquery())


class Step(StrEnum):
    """What a session did, or heard."""

    CONNECTED = "connected"
    TLS = "tls"
    LOGGED_IN = "logged-in"
    SENDER = "sender"
    RECIPIENT = "recipient"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Watch:
    key_id: UUID
    service_id: UUID
    ends_at: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """`said` holds what its words name: domains, networks and numbers, of nobody's person."""

    key_id: UUID
    session: UUID
    number: int
    at: float
    step: Step
    said: Mapping[str, Any]


async def begin(connection: AsyncConnection, key: Key, now: float) -> Watch:
    """Somebody looks on from now; one that runs is made longer. Sweeps what nobody looks at any more."""
    watch = Watch(key.id, key.service_id, now + WATCH_SECONDS)
    made = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(watches)
    values = {"key_id": watch.key_id, "service_id": watch.service_id, "ends_at": watch.ends_at}
    await connection.execute(
        made.values(**values).on_conflict_do_update(index_elements=["key_id"], set_={"ends_at": watch.ends_at})
    )
    mine = _w.service_id == watch.service_id
    beyond = select(_w.key_id).where(mine).order_by(_w.ends_at.desc()).offset(MAX_OF_SERVICE).limit(MAX_OF_SERVICE)
    await connection.execute(delete(watches).where(_w.key_id.in_(list(await connection.scalars(beyond)))))
    await connection.execute(delete(watches).where(_w.ends_at < now - KEPT_SECONDS))
    await connection.execute(delete(sightings).where(_s.at < now - KEPT_SECONDS))
    return watch


async def running(connection: AsyncConnection, key_id: UUID, now: float) -> Watch | None:
    """The watch of a key; None when nobody looks on."""
    mine = select(watches).where(_w.key_id == key_id, _w.ends_at > now)
    row = (await connection.execute(mine)).one_or_none()
    return None if row is None else Watch(row.key_id, row.service_id, row.ends_at)


async def seen(connection: AsyncConnection, key_id: UUID, now: float) -> list[Sighting]:
    """What the door saw of a key within the hour, oldest first."""
    mine = select(sightings).where(_s.key_id == key_id, _s.at >= now - KEPT_SECONDS)
    rows = await connection.execute(mine.order_by(_s.at.desc(), _s.number.desc()).limit(MAX_SIGHTINGS))
    found = [
        Sighting(row.key_id, row.session, row.number, row.at, Step(row.step), json.loads(row.said)) for row in rows
    ]
    return found[::-1]


class Watches:
    """One per process of the door; `run()` beside it learns and shares. `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float], *, default_domain: str) -> None:
        self._database = database
        self._clock = clock
        self._default_domain = default_domain
        self._running: dict[str, Watch] = {}  # by user name
        self._noted: dict[UUID, deque[Sighting]] = {}  # by service: each has its share
        self._log = structlog.get_logger("auth")

    def of(self, username: str) -> Watch | None:
        """Whether somebody looks on who uses this name."""
        if not self._running:
            return None
        watch = self._running.get(fold(username, self._default_domain))
        return watch if watch is not None and watch.ends_at > self._clock() else None

    def note(self, watch: Watch, session: UUID, number: int, step: Step, said: Mapping[str, Any], ago: float) -> None:
        """Something that a session did, `ago` seconds before now; `run()` writes it."""
        noted = self._noted.setdefault(watch.service_id, deque(maxlen=MAX_SIGHTINGS))
        noted.append(Sighting(watch.key_id, session, number, self._clock() - ago, step, said))

    async def run(self) -> None:
        """Until cancelled; an outage costs nothing but what those who look on miss."""
        try:
            while True:
                await self.share()
                await asyncio.sleep(SHARED_SECONDS)
        finally:
            await self.share()

    async def share(self) -> None:
        """Writes what was noted, and learns which keys are watched now. Never raises but when cancelled."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._write()
                self._running = await self._database.query(self._learn)
        except Exception as error:  # whatever it is, the door goes on
            self._log.debug("watches.not_shared", error=type(error).__name__)

    async def _write(self) -> None:
        noted, self._noted = self._noted, {}
        rows = [_row(each) for of_service in noted.values() for each in of_service]
        if rows:
            await self._database.transact(lambda connection: _add(connection, rows))

    def _learn(self, connection: Connection) -> dict[str, Watch]:
        rows = connection.execute(_RUNNING, {"now": self._clock()})
        return {row.smtp_username: Watch(row.key_id, row.service_id, row.ends_at) for row in rows}


def _row(sighting: Sighting) -> dict[str, object]:
    return {
        "session": sighting.session,
        "number": sighting.number,
        "key_id": sighting.key_id,
        "at": sighting.at,
        "step": sighting.step.value,
        "said": json.dumps(sighting.said, sort_keys=True),
    }


def _add(connection: Connection, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(sightings), rows)
    for key_id in {row["key_id"] for row in rows}:
        connection.execute(_SUPERFLUOUS, {"key": key_id})
