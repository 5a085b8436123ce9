"""Databases with the newest schema. On SQLite each is a copy of one file that was migrated once per process."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import make_url

from config.database import Database
from delivery import schema


async def migrated(url: str, **options: Any) -> Database:
    """`options` are Database's; whoever asks closes it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).write_bytes(template())
        return Database(url, **options)
    database = Database(url, **options)
    await schema.upgrade(database)
    return database


@cache
def template() -> bytes:
    """The octets of a migrated SQLite file without any rows of ours."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as apart:
        path = Path(folder, "relay.db")
        apart.submit(asyncio.run, _migrate(path)).result()
        return path.read_bytes()


async def _migrate(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}", synchronous="OFF")
    await schema.upgrade(database)
    await database.close()
