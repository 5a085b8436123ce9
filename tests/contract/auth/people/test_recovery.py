"""Recovery codes: ten, hashed, each once, and new ones end the old."""

import asyncio
from uuid import UUID

from sqlalchemy import select

from auth.people import recovery
from auth.people.recovery import COUNT, Made, Standing
from config.database import Database
from tests.fakes.auth import NOW


async def put(database: Database, user_id: UUID, now: float = NOW) -> Made:
    made = await recovery.make()
    async with database.write() as connection:
        await recovery.put(connection, user_id, made, now)
    return made


async def use(database: Database, user_id: UUID, code: str) -> bool:
    async with database.read() as connection:
        found = await recovery.hashed(connection, user_id, code)
    async with database.write() as connection:
        return found is not None and await recovery.use(connection, user_id, found, NOW)


async def standing(database: Database, user_id: UUID) -> Standing | None:
    async with database.read() as connection:
        return await recovery.standing(connection, user_id)


async def test_asvs_6_5_1_each_works_once(database: Database, user_id: UUID) -> None:
    """ASVS 6.5.1."""
    made = await put(database, user_id)
    assert len(set(made.codes)) == COUNT
    assert await use(database, user_id, made.codes[3])
    assert not await use(database, user_id, made.codes[3])
    assert await standing(database, user_id) == Standing(COUNT - 1, NOW)


async def test_of_those_who_use_one_at_once_one_gets_in(database: Database, user_id: UUID) -> None:
    made = await put(database, user_id)
    assert (await asyncio.gather(*(use(database, user_id, made.codes[0]) for _ in range(4)))).count(True) == 1


async def test_new_ones_end_the_old(database: Database, user_id: UUID) -> None:
    assert await standing(database, user_id) is None
    old = await put(database, user_id)
    new = await put(database, user_id, NOW + 1)
    assert not await use(database, user_id, old.codes[0])
    assert await use(database, user_id, new.codes[0])
    assert await standing(database, user_id) == Standing(COUNT - 1, NOW + 1)


async def test_a_code_is_its_users_alone(database: Database, user_id: UUID, other_user_id: UUID) -> None:
    made = await put(database, user_id)
    assert not await use(database, other_user_id, made.codes[0])  # who has none
    await put(database, other_user_id)
    assert not await use(database, other_user_id, made.codes[0])


async def test_they_are_read_however_they_are_typed(database: Database, user_id: UUID) -> None:
    made = await put(database, user_id)
    assert await use(database, user_id, made.codes[0].lower())
    assert await use(database, user_id, f" {made.codes[1].replace('-', ' ')}\n")
    assert await use(database, user_id, made.codes[2].replace("-", ""))
    assert not await use(database, user_id, "")
    assert not await use(database, user_id, "é" * 10_000)


async def test_asvs_6_5_2_6_5_3_they_are_random_and_hashed_with_a_salt(
    database: Database, user_id: UUID, other_user_id: UUID
) -> None:
    """ASVS 6.5.2: as passwords are, since each has fewer than 112 bits; 6.5.3: they are random, of 58 bits."""
    made, other = await put(database, user_id), await put(database, other_user_id)
    assert made.salt != other.salt
    assert len(made.salt) >= 4
    async with database.read() as connection:
        rows = (await connection.execute(select(recovery.recovery_codes))).all()
    kept = repr(rows)
    assert [code for code in made.codes if code in kept or code.replace("-", "") in kept] == []
    assert made.codes[0] not in repr(made)
