"""Group commit over a real SQLite."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from config.database import Database
from delivery.commit import GroupCommit


class Numbers:
    """Writes numbers into a table that takes each once; refuses odd ones politely where asked to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.batches: list[list[int]] = []
        self.commit: GroupCommit[int, None] = GroupCommit(
            database.transact, self.apply, is_outage=lambda error: isinstance(error, OSError), limit=50
        )

    def apply(self, connection: Connection, numbers: Sequence[int]) -> Sequence[Exception | None]:
        self.batches.append(list(numbers))
        if 13 in numbers:
            raise ConnectionResetError
        good = [number for number in numbers if number >= 0]
        if good:
            connection.execute(text("INSERT INTO numbers VALUES (:n)"), [{"n": number} for number in good])
        return [None if number >= 0 else ValueError("negative") for number in numbers]

    async def stored(self) -> set[int]:
        async with self.database.read() as connection:
            return set(await connection.scalars(text("SELECT n FROM numbers")))


@pytest.fixture
async def numbers(tmp_path: Path) -> AsyncIterator[Numbers]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/n.db")
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
    yield Numbers(database)
    await database.close()


async def test_those_who_come_together_share_a_commit(numbers: Numbers) -> None:
    await asyncio.gather(*(numbers.commit.submit(n) for n in range(100, 140)))

    assert len(numbers.batches) <= 2
    assert await numbers.stored() == set(range(100, 140))


async def test_a_batch_has_at_most_its_limit(numbers: Numbers) -> None:
    await asyncio.gather(*(numbers.commit.submit(n) for n in range(100, 220)))

    assert max(map(len, numbers.batches)) == 50


async def test_one_refused_member_leaves_the_others_written(numbers: Numbers) -> None:
    results = await asyncio.gather(*(numbers.commit.submit(n) for n in (1, -1, 2)), return_exceptions=True)

    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    assert await numbers.stored() == {1, 2}


async def test_a_member_that_breaks_the_transaction_fails_alone(numbers: Numbers) -> None:
    await numbers.commit.submit(7)
    results = await asyncio.gather(*(numbers.commit.submit(n) for n in (1, 7, 2)), return_exceptions=True)

    assert [type(result) for result in results] == [type(None), IntegrityError, type(None)]
    assert await numbers.stored() == {1, 2, 7}


async def test_an_outage_is_told_to_all_of_the_batch_at_once(numbers: Numbers) -> None:
    results = await asyncio.gather(*(numbers.commit.submit(n) for n in (1, 13, 2)), return_exceptions=True)

    assert {type(result) for result in results} == {ConnectionResetError}
    assert len(numbers.batches) == 1
    assert await numbers.stored() == set()


async def test_a_cancelled_submitter_does_not_take_its_item_back(numbers: Numbers) -> None:
    task = asyncio.create_task(numbers.commit.submit(5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await numbers.commit.drain()

    assert await numbers.stored() == {5}
