"""What the one handle promises beyond SQLAlchemy, on both databases where both can show it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from config.database import Database, Id

ID = UUID("01a1fff4-984b-73a7-b257-b1d082763ffe")
ids = Table("ids", MetaData(), Column("id", Id, primary_key=True))


@pytest.fixture
async def handle(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(ids.metadata.create_all)
    yield database
    await database.close()


async def count(database: Database) -> int:
    async with database.read() as connection:
        return len((await connection.execute(select(ids))).all())


async def test_ids_come_back_as_they_went_in(handle: Database) -> None:
    async with handle.write() as connection:
        await connection.execute(insert(ids).values(id=ID))

    async with handle.read() as connection:
        assert await connection.scalar(select(ids.c.id).where(ids.c.id == ID)) == ID


async def test_write_is_seen_by_others_when_its_block_ends_and_not_before(handle: Database) -> None:
    async with handle.write() as connection:
        await connection.execute(insert(ids).values(id=ID))
        assert await count(handle) == 0

    assert await count(handle) == 1


async def test_write_that_raises_leaves_nothing(handle: Database) -> None:
    async def fail() -> None:
        async with handle.write() as connection:
            await connection.execute(insert(ids).values(id=ID))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await count(handle) == 0


async def test_write_that_is_cancelled_leaves_nothing_and_keeps_nobody_waiting(handle: Database) -> None:
    inside = asyncio.Event()

    async def slow() -> None:
        async with handle.write() as connection:
            await connection.execute(insert(ids).values(id=ID))
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with asyncio.timeout(60), handle.write() as connection:
        await connection.execute(insert(ids).values(id=ID))
    assert await count(handle) == 1


async def test_sqlite_keeps_ids_in_16_octets_and_commits_to_the_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/relay.db")
    async with database.write() as connection:
        await connection.run_sync(ids.metadata.create_all)
        await connection.execute(insert(ids).values(id=ID))
    async with database.read() as connection:
        journal = await connection.scalar(text("PRAGMA journal_mode"))
        synchronous = await connection.scalar(text("PRAGMA synchronous"))
        deletes = await connection.scalar(text("PRAGMA secure_delete"))
    await database.close()

    assert (journal, synchronous, deletes) == ("wal", 2, 1)  # 2 is FULL
    plain = sqlite3.connect(tmp_path / "relay.db")
    assert plain.execute("SELECT id FROM ids").fetchone() == (ID.bytes,)
    plain.close()


async def test_writers_of_one_sqlite_file_take_turns_over_handles(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/relay.db"
    first, second = Database(url), Database(url)
    order: list[str] = []
    entered = asyncio.Event()

    async def write(database: Database, name: str, seconds: float) -> None:
        async with database.write():
            order.append(f"{name} in")
            entered.set()
            await asyncio.sleep(seconds)
            order.append(f"{name} out")

    task = asyncio.create_task(write(first, "first", 0.1))
    await entered.wait()
    await asyncio.gather(task, write(second, "second", 0))
    await first.close()
    await second.close()

    assert order == ["first in", "first out", "second in", "second out"]


async def test_postgresql_commits_to_the_disk_and_says_who_is_connected(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.read() as connection:
        synchronous = await connection.scalar(text("SHOW synchronous_commit"))
        name = await connection.scalar(text("SHOW application_name"))
    await database.close()

    assert (synchronous, name) == ("on", "notify-relay")


async def test_ping_fails_for_a_database_that_is_not_there(postgres_url: str) -> None:
    database = Database(postgres_url + "_gone")

    with pytest.raises(Exception) as failed:  # noqa: PT011 - the driver's own, unwrapped while it connects
        await database.ping()

    assert isinstance(failed.value, DBAPIError) or type(failed.value).__module__.startswith("asyncpg")
    await database.close()
