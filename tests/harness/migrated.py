"""Databases with the newest schema: copies of one migrated once, a process (SQLite) or a server (PostgreSQL)."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
from sqlalchemy import URL, make_url

from config.database import Database
from delivery import schema
from tests.harness.once import once

_TEMPLATE = "migrated"


async def migrated(url: str, **options: Any) -> Database:
    """In place of the empty one at `url`; `options` are Database's, and whoever asks closes it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).write_bytes(template())
    else:
        await copy(parsed)
    return Database(url, **options)


@cache
def template() -> bytes:
    """The octets of a migrated SQLite file without any rows of ours."""
    return once("relay.db", make).read_bytes()


def make(path: Path) -> None:
    """The file."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as apart:
        made = Path(folder, "relay.db")
        apart.submit(asyncio.run, _migrate(f"sqlite+aiosqlite:///{made}")).result()
        made.rename(path)


async def copy(url: URL) -> None:
    """A database of PostgreSQL at `url`, in place of one that is there."""
    await migrate(url)
    async with connected(url.set(database="postgres")) as server:
        await server.execute(f"DROP DATABASE IF EXISTS {url.database}")
        await server.execute(f"CREATE DATABASE {url.database} TEMPLATE {_TEMPLATE}")


async def migrate(url: URL) -> None:
    """The template on the server at `url`, unless it is there."""
    async with connected(url.set(database="postgres")) as server:
        if not await server.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", _TEMPLATE):
            await server.execute(f"CREATE DATABASE {_TEMPLATE}")
            await _migrate(url.set(database=_TEMPLATE).render_as_string())


@asynccontextmanager
async def connected(url: URL) -> AsyncIterator[asyncpg.Connection]:
    """To a database of PostgreSQL, past what we are made of."""
    connection = await asyncpg.connect(host=url.host, port=url.port, user=url.username, database=url.database)
    try:
        yield connection
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    database = Database(url, synchronous="OFF")
    await schema.upgrade(database)
    await database.close()
