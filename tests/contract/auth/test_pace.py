"""What reaches others has one pace, however many processes count it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from auth import limits, pace
from config.database import Database
from config.keyring import Keyring

NOW = 1_800_000_000.0


@pytest.fixture
async def other(database: Database, database_url: str) -> AsyncIterator[Database]:
    """That of another process."""
    found = Database(database_url, synchronous="OFF")
    yield found
    await found.close()


async def take(database: Database, keyring: Keyring, *whose: str, now: float = NOW, what: str = "invitation") -> bool:
    async with database.write() as connection:
        return await pace.take(connection, keyring, what, whose, 4, 3600, now)


async def test_two_processes_at_once_do_it_as_often_as_one_may(
    database: Database, other: Database, keyring: Keyring
) -> None:
    each = (database, other)
    done = await asyncio.gather(*(take(each[n % 2], keyring, "ann") for n in range(12)))
    assert sum(done) == 4
    assert not any([await take(one, keyring, "ann", now=NOW + 3599) for one in each])
    assert await take(other, keyring, "ben")
    assert await take(other, keyring, "ann", what="contact")


async def test_it_may_be_done_again_once_so_long_has_passed_since_the_first(
    database: Database, keyring: Keyring
) -> None:
    done = [await take(database, keyring, "ann", now=NOW + 1000 * n) for n in range(5)]
    assert done == [True, True, True, True, True]  # the fifth is more than an hour after the first
    assert [await take(database, keyring, "ann", now=NOW + 4001) for _ in range(4)] == [True, True, True, False]


async def test_who_may_not_uses_up_nothing_of_another(database: Database, keyring: Keyring) -> None:
    for _ in range(4):
        assert await take(database, keyring, "ann")
    for _ in range(4):
        assert not await take(database, keyring, "ann", "the service")
    assert [await take(database, keyring, "the service", "ben") for _ in range(5)] == [True, True, True, True, False]


async def test_those_who_share_two_wait_for_each_other_in_no_ring(
    database: Database, other: Database, keyring: Keyring
) -> None:
    names = [str(uuid4()) for _ in range(4)]
    orders = [(database, names), (other, names[::-1])] * 6
    assert sum(await asyncio.gather(*(take(one, keyring, *order) for one, order in orders))) == 4


async def test_what_has_passed_is_swept(database: Database, keyring: Keyring) -> None:
    await take(database, keyring, "ann")
    async with database.write() as connection:
        await limits.forget(connection, NOW + 7201)
        assert not (await connection.execute(select(func.count()).select_from(limits.limits))).scalar_one()
