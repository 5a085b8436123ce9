"""A wrong key of a service that is there took a second, of one that is not half of it: time told which there are."""

import time
from uuid import UUID, uuid4

import pytest

from auth.lookups import ANEW_SECONDS, Lookups
from tests.harness.http_door import Door
from tests.integration.conftest import door, plain  # noqa: F401 - the fixtures


async def seconds(door: Door, headers: dict[str, str]) -> float:  # noqa: F811
    started = time.perf_counter()
    assert (await door.ask("GET", "/v2/notifications", headers)).status == 403
    return time.perf_counter() - started


async def difference(door: Door) -> float:  # noqa: F811
    whole = door.key()["Authorization"]
    known = await seconds(door, {"Authorization": whole[:-36] + str(uuid4())})
    unknown = await seconds(door, {"Authorization": f"{whole[:-73]}{uuid4()}-{uuid4()}"})
    return abs(known - unknown)


async def test_a_guess_takes_as_long_for_a_service_that_is_not_there(door: Door) -> None:  # noqa: F811
    for _ in range(3):  # what disturbs one does not disturb all
        if await difference(door) < ANEW_SECONDS / 2:
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
