"""The last calls of a service's callbacks: what was answered, when, and how long it took."""

import os
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from config.database import Database
from config.keyring import Keyring
from delivery.callbacks import deliveries, urls
from delivery.callbacks.calls import CallOutcome
from delivery.callbacks.claims import CallbackClaim, Claims, Verdict
from delivery.store.tables import callbacks
from messages.message import new_id

NOW = time.time()


async def listen(database: Database, keyring: Keyring, service: UUID) -> None:
    url: dict[str, Any] = {"url": "https://receiver.example/", "bearer_token": "a-token-of-theirs"}
    async with database.write() as connection:
        await urls.put(connection, keyring, service, NOW, **url, allow_private=False)


async def rows(database: Database, *services: UUID) -> list[UUID]:
    """One that is due for each service in order."""
    made: list[dict[str, Any]] = [
        {"id": new_id(at, os.urandom(10)), "service_id": service, "at": at, "attempts": 0, "available_at": at}
        for at, service in ((NOW - 10 + place, service) for place, service in enumerate(services))
    ]
    told = [row | {"message_id": uuid4(), "status": "delivered", "position": 1} for row in made]
    async with database.write() as connection:
        await connection.execute(insert(callbacks), told)
    return [row["id"] for row in told]


async def claim(database: Database, owner: str = "a") -> CallbackClaim:
    (ours,) = await Claims(database).claim(owner, 1, 4, {}, NOW + 2, 30)
    return ours


async def called(database: Database, place: int, outcome: CallOutcome, **said: object) -> None:
    """The one row that is due is called, a second after the others."""
    ours = await claim(database)
    await Claims(database).record(Verdict(ours, outcome, NOW + place, **said))  # type: ignore[arg-type]


async def test_calls_are_listed_newest_first_with_their_answers(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    first, second = await rows(database, service, service)
    await called(database, 1, CallOutcome.DONE, http_status=204, seconds=0.25)
    await called(database, 2, CallOutcome.DEFERRED, reason="http-503", until=NOW + 60, http_status=503, seconds=1.5)

    async with database.read() as connection:
        newest, oldest = await deliveries.last(connection, service)
        assert await deliveries.last(connection, uuid4()) == []

    assert (oldest.id, oldest.outcome, oldest.http_status, oldest.seconds) == (first, CallOutcome.DONE, 204, 0.25)
    assert (oldest.called_at, oldest.next_at, oldest.reason) == (NOW + 1, None, None)
    assert (newest.id, newest.outcome, newest.http_status, newest.reason) == (
        second,
        CallOutcome.DEFERRED,
        503,
        "http-503",
    )
    assert (newest.attempts, newest.next_at, newest.seconds) == (1, NOW + 60, 1.5)


async def test_one_that_was_never_called_is_not_listed(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    await rows(database, service)
    await called(database, 1, CallOutcome.DEFERRED, reason="unreadable", until=NOW + 60, called=False)

    async with database.read() as connection:
        assert await deliveries.last(connection, service) == []


async def test_a_try_without_a_call_leaves_the_last_call_as_it_was(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    await rows(database, service)
    await called(database, 1, CallOutcome.DEFERRED, reason="timeout", until=NOW - 1, seconds=5.0)
    again = await claim(database, "b")
    await Claims(database).record(Verdict(again, CallOutcome.DEFERRED, NOW + 3, "unreadable", NOW + 60, called=False))

    async with database.read() as connection:
        (only,) = await deliveries.last(connection, service)

    assert (only.called_at, only.seconds, only.attempts) == (NOW + 1, 5.0, 2)


@pytest.mark.parametrize("limit", [1, 3])
async def test_as_many_are_listed_as_are_asked_for(database: Database, keyring: Keyring, limit: int) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    made = await rows(database, *[service] * 4)
    for place in range(4):
        await called(database, place, CallOutcome.DONE, http_status=200)

    async with database.read() as connection:
        listed = await deliveries.last(connection, service, limit)

    assert [each.id for each in listed] == made[::-1][:limit]
