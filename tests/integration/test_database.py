"""Transactions that may run in a thread, beside those that do not, on SQLite and on PostgreSQL."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from config.database import Database


@pytest.fixture
async def counter(database: Database) -> Database:
    """A table `counter` with one row, n = 0."""
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))
    return database


def _count(connection: Connection) -> int:
    for_update = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
    n = int(connection.scalar(text(f"SELECT n FROM counter{for_update}")) or 0)
    connection.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})
    return n + 1


async def _counted(database: Database) -> int:
    return await database.query(lambda connection: int(connection.scalar(text("SELECT n FROM counter")) or 0))


async def test_transact_returns_what_its_work_returned_once_it_is_written(counter: Database) -> None:
    assert await counter.transact(_count) == 1
    assert await _counted(counter) == 1


async def test_transact_writes_nothing_when_its_work_raises(counter: Database) -> None:
    def fail(connection: Connection) -> None:
        _count(connection)
        raise LookupError

    with pytest.raises(LookupError):
        await counter.transact(fail)
    assert await counter.transact(_count) == 1


async def test_transact_and_write_never_overlap(counter: Database) -> None:
    async def write() -> None:
        async with counter.write() as connection:
            await connection.run_sync(_count)

    await asyncio.gather(*(step() for _ in range(20) for step in (write, lambda: counter.transact(_count))))
    assert await _counted(counter) == 40


async def test_a_cancelled_transact_is_written_whole_and_passes_its_turn_on(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/relay.db")
    started, goes_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE first (n INTEGER)"))
        started.set()
        goes_on.wait(60)
        connection.execute(text("INSERT INTO first VALUES (1)"))

    def behind(connection: Connection) -> int:
        return int(connection.scalar(text("SELECT count(*) FROM first")) or 0)

    cancelled = asyncio.create_task(database.transact(slow))
    await asyncio.to_thread(started.wait, 60)
    waiting = asyncio.create_task(database.transact(behind))
    cancelled.cancel()
    await asyncio.sleep(0.05)
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await waiting == 1
    await database.close()
