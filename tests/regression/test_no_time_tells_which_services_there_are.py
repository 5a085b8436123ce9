"""A wrong key of a service that is there took a second, of one that is not half of it: time told which there are."""

import asyncio
import time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from auth import keys, services
from auth.lookups import ANEW_SECONDS, Lookups
from config.settings import Limits
from messages.message import KeyType
from tests.harness.http_door import DOMAIN, Door
from tests.integration.conftest import door, plain  # noqa: F401 - the fixtures


async def seconds(door: Door, service_id: UUID) -> float:  # noqa: F811
    """What a wrong key of that service takes."""
    started = time.perf_counter()
    headers = {"Authorization": f"{door.key()['Authorization'][:-73]}{service_id}-{uuid4()}"}
    assert (await door.ask("GET", "/v2/notifications", headers)).status == 403
    return time.perf_counter() - started


async def difference(door: Door, age: float) -> float:  # noqa: F811
    """Between a service and none, both asked for before, so long ago; or never."""
    async with door.database.write() as connection:
        name = uuid4().hex
        service = await services.create(connection, Limits(), 0, name=name, email_from=name, domain=DOMAIN)
        await keys.create(connection, door.keyring, Limits(), service, 0, name=name, type=KeyType.NORMAL)
    both = (service.id, uuid4())
    if age:
        await asyncio.gather(*(seconds(door, each) for each in both))
    async with door.database.write() as connection:  # its key was used meanwhile: what is found anew is not the same
        of_it = keys.keys.c.service_id == service.id
        await connection.execute(update(keys.keys).where(of_it).values(last_used_at=door.clock()))
    door.clock.ahead_seconds += age
    known, unknown = await asyncio.gather(*(seconds(door, each) for each in both))
    return abs(known - unknown)


# What there is, is fresh for two seconds; that there is nothing is remembered for one.
@pytest.mark.parametrize("age", [0.0, 0.6, 1.2])
async def test_a_guess_takes_as_long_for_a_service_that_is_not_there(door: Door, age: float) -> None:  # noqa: F811
    for _ in range(3):  # what disturbs one does not disturb all
        if await difference(door, age) < ANEW_SECONDS / 2:
            return
    pytest.fail("time tells which services there are")


async def test_what_was_made_since_nobody_was_found_is_found_by_who_asks_anew() -> None:
    made: dict[UUID, str] = {}
    asked: list[float] = []

    async def look_up(name: UUID) -> str | None:
        asked.append(time.monotonic())
        return made.get(name)

    lookups, name = Lookups(look_up, time.monotonic), uuid4()
    assert await lookups.find(name) is None
    made[name] = "Passports"
    assert await lookups.find(name) is None  # remembered
    assert await lookups.find_anew(name) == "Passports"
    assert asked[1] - asked[0] >= ANEW_SECONDS * 0.9  # guesses at names that are not there cost no more than others
