"""A form with an error begins a session to keep it. Neither one that ended nor a second click makes that an outage."""

import asyncio

import pytest

from auth.people import sessions
from auth.people.sessions import WHOLE_SECONDS, Session
from config.database import Database
from tests.fakes.auth import NOW


async def begin(database: Database, token: str, now: float) -> Session:
    async with database.write() as connection:
        return await sessions.of_nobody(connection, token, now, device="Firefox", network="192.0.2.1")


async def test_a_session_that_ended_and_was_not_swept_gives_way(database: Database) -> None:
    token = sessions.new_token()
    before = await begin(database, token, NOW)

    after = await begin(database, token, NOW + WHOLE_SECONDS + 1)

    assert after.id != before.id
    async with database.read() as connection:
        assert await sessions.find(connection, token, NOW + WHOLE_SECONDS + 2) == after


@pytest.mark.parametrize("times", [4])
async def test_requests_at_once_begin_one_session(database: Database, times: int) -> None:
    token = sessions.new_token()

    begun = await asyncio.gather(*(begin(database, token, NOW) for _ in range(times)))

    assert len({each.id for each in begun}) == 1
