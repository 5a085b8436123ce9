"""Which processes run, and which root secrets each of them reads: whether what an older root wrote may be forgotten.

A process leaves a row while it lives, and renews it; of one that was killed, the row is soon too old to count. Roots
are told apart by hashes that tell nothing else.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Column, Double, Table, Text, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import PROCESSES_BEHIND, AuthError
from config.database import OUTAGES, Database, Id, metadata
from config.keyring import Keyring

RENEW_SECONDS = 20.0
GONE_SECONDS = 90.0  # a database may be away for a while

processes = Table(
    "processes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("host", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("roots", Text, nullable=False),  # name:hash, separated by spaces
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Present:
    host: str
    role: str
    started_at: float

    def __str__(self) -> str:
        """For people of any language: role, host, and since when."""
        return f"{self.role}@{self.host} ({datetime.fromtimestamp(self.started_at, UTC):%Y-%m-%dT%H:%M:%SZ})"


@asynccontextmanager
async def announced(
    database: Database, role: str, roots: Mapping[str, Keyring], now: Callable[[], float]
) -> AsyncIterator[None]:
    """Says that this process runs and reads these roots, until the block ends."""
    row = {
        "id": uuid4(),
        "host": socket.gethostname(),
        "role": role,
        "roots": " ".join(f"{name}:{each}" for name, keyring in roots.items() for each in keyring.ids),
        "started_at": now(),
    }
    async with database.write() as connection:
        await connection.execute(delete(processes).where(processes.c.seen_at < now() - GONE_SECONDS))
        await connection.execute(insert(processes).values(**row, seen_at=now()))
    renewing = asyncio.create_task(_renew(database, row, now))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with suppress(*OUTAGES):
            async with database.write() as connection:
                await connection.execute(delete(processes).where(processes.c.id == row["id"]))


async def check_none_behind(connection: AsyncConnection, roots: Mapping[str, Keyring], now: float) -> None:
    """Raises AuthError when a process runs that could not read what the first root of each list writes."""
    running = await connection.execute(
        select(processes).where(processes.c.seen_at >= now - GONE_SECONDS).order_by(processes.c.started_at)
    )
    writing = {name: keyring.ids[0] for name, keyring in roots.items()}
    behind = []
    for row in running:
        read = {name for name, _, _ in map(_parts, row.roots.split())}
        current = {name for name, _, root in map(_parts, row.roots.split()) if writing.get(name) == root}
        if read - current:
            behind.append(Present(row.host, row.role, row.started_at))
    if behind:
        raise AuthError(PROCESSES_BEHIND, processes=", ".join(dict.fromkeys(map(str, behind))))


def _parts(root: str) -> tuple[str, str, str]:
    return root.partition(":")


async def _renew(database: Database, row: Mapping[str, object], now: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        with suppress(*OUTAGES):  # whoever needs the database more will say so
            async with database.write() as connection:
                mine = processes.c.id == row["id"]
                renewed = await connection.execute(update(processes).where(mine).values(seen_at=now()))
                if not renewed.rowcount:  # it was taken for gone
                    await connection.execute(insert(processes).values(**row, seen_at=now()))
