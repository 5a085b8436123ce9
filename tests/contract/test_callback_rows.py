"""Callback URLs and callback rows, on SQLite and on PostgreSQL."""

import asyncio
import base64
import itertools
import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from config.database import Database
from config.keyring import Keyring
from delivery import rotation
from delivery.callbacks import claims, urls
from delivery.callbacks.calls import CallOutcome
from delivery.callbacks.claims import CallbackClaim, Claims, Verdict
from delivery.callbacks.urls import CallbackUrlError, Receiver
from delivery.store.base import CallbackKind
from delivery.store.tables import callback_urls, callbacks
from messages.message import new_id
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.store import Store, group_of

TOKEN = "a-token-of-theirs"
URL = "https://receiver.example/notify"
NOW = time.time()
POSITIONS = itertools.count(1)
NOBODY: Mapping[UUID, int] = {}


async def listen(database: Database, keyring: Keyring, service: UUID, url: str = URL, token: str = TOKEN) -> str:
    async with database.write() as connection:
        issued = await urls.put(connection, keyring, service, NOW, url=url, bearer_token=token, allow_private=False)
    return issued.signing_secret


async def receivers(database: Database, keyring: Keyring, *services: UUID) -> dict[UUID, Receiver | None]:
    found = await database.query(lambda c: urls.load(c, keyring, services))
    assert {kind for _, kind in found} <= {CallbackKind.STATUS}
    return {service: receiver for (service, _), receiver in found.items()}


async def rows(database: Database, *services: UUID, message: UUID | None = None, **values: Any) -> list[UUID]:
    """A row that is due, for each service in order, a millisecond after the other."""
    made = [
        {
            "id": new_id(NOW - 10 + place / 1000, os.urandom(10)),
            "service_id": service,
            "position": next(POSITIONS),
            "message_id": message or uuid4(),
            "status": "delivered",
            "at": NOW - 10,
            "attempts": 0,
            "available_at": NOW - 10 + place / 1000,
            **values,
        }
        for place, service in enumerate(services)
    ]
    async with database.write() as connection:
        await connection.execute(insert(callbacks), made)
    return [row["id"] for row in made]


async def row(database: Database, callback_id: UUID) -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(callbacks).where(callbacks.c.id == callback_id))).one()


async def claim(database: Database, owner: str = "a", limit: int = 10, now: float = NOW) -> list[CallbackClaim]:
    return await Claims(database).claim(owner, limit, 4, NOBODY, now, 30)


# -- URLs ----------------------------------------------------------------------------------------------------------


async def test_url_is_set_loaded_and_removed(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    secret = await listen(database, keyring, service)

    assert await receivers(database, keyring, service, uuid4()) == {
        service: Receiver(URL, TOKEN, base64.b64decode(secret))
    }
    assert len(base64.b64decode(secret)) == 32
    async with database.write() as connection:
        shown = await urls.find(connection, service)
        assert (shown.url, shown.created_at) == (URL, NOW)
        await urls.remove(connection, service)
        with pytest.raises(CallbackUrlError, match="has no callback URL"):
            await urls.find(connection, service)
        with pytest.raises(CallbackUrlError, match="has no callback URL"):
            await urls.remove(connection, service)
    assert await receivers(database, keyring, service) == {}


async def test_url_set_again_replaces_url_token_and_secret(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    first = await listen(database, keyring, service)
    second = await listen(database, keyring, service, "https://other.example/", "another-token")

    assert first != second
    found = (await receivers(database, keyring, service))[service]
    assert found == Receiver("https://other.example/", "another-token", base64.b64decode(second))


@pytest.mark.parametrize(
    "token", ["", "ninechars", "with a space in it", "t" * 1001, "beyond-ascii-é", "line\nbreak-in"]
)
async def test_token_that_no_header_can_carry_is_refused(database: Database, keyring: Keyring, token: str) -> None:
    with pytest.raises(CallbackUrlError, match="bearer token"):
        await listen(database, keyring, uuid4(), token=token)


async def test_token_and_secret_are_neither_readable_in_the_database_nor_printed(
    database: Database, keyring: Keyring
) -> None:
    service = uuid4()
    secret = await listen(database, keyring, service)
    async with database.read() as connection:
        stored = repr((await connection.execute(select(callback_urls))).all())
    found = (await receivers(database, keyring, service))[service]
    assert TOKEN not in stored + repr(found)
    assert repr(base64.b64decode(secret))[2:-1] not in stored + repr(found)


async def test_rotated_roots_still_open_them_and_other_roots_keep_nobody_else_waiting(
    database: Database, keyring: Keyring, sealing: Keyring
) -> None:
    service = uuid4()
    secret = await listen(database, keyring, service)
    assert await receivers(database, sealing, service) == {service: None}

    new = Keyring.generate()
    roots = (os.urandom(32), os.urandom(32))
    old_ring, both, new_ring = Keyring(roots[1:]), Keyring(roots), Keyring(roots[:1])
    other = uuid4()
    await listen(database, old_ring, other)
    async with database.write() as connection:
        await urls.remove(connection, service)
    assert await rotation.rotate(database, both, Keyring.parse(new), lambda: NOW) == 2
    opened = (await receivers(database, new_ring, other))[other]
    assert opened is not None
    assert opened.bearer_token == TOKEN
    assert secret


# -- Rows ----------------------------------------------------------------------------------------------------------


async def test_settling_makes_a_row_that_is_due_now_and_made_now_whenever_the_status_was_reached(
    database: Database, keyring: Keyring
) -> None:
    store, sent = Store(database, keyring), make_message()
    await listen(database, keyring, sent.service_id)
    await store.putting.put(group_of((sent,), b"hello"))
    before, long_ago, far_ahead = time.time(), NOW - 3 * 86400, NOW + 1e9
    await store.settle(sent.id, Status.DELIVERED, long_ago)
    await store.settle(sent.id, Status.PERMANENT_FAILURE, far_ahead, "suppressed")
    (first,) = await claim(database, now=time.time())
    assert (first.told.status, first.told.reason, first.told.at, first.attempt) == (Status.DELIVERED, None, long_ago, 1)
    assert before - 1 < first.made_at <= time.time()
    await Claims(database).record(Verdict(first, CallOutcome.DONE, NOW))
    (second,) = await claim(database, now=time.time())
    assert (second.told.status, second.told.reason, second.told.at) == (
        Status.PERMANENT_FAILURE,
        "suppressed",
        far_ahead,
    )


async def test_claimed_row_is_nobody_elses_until_its_lease_ends(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    (made,) = await rows(database, service)

    (first,) = await claim(database)
    assert (first.id, first.attempt, first.until) == (made, 1, NOW + 30)
    assert await claim(database, "b", now=NOW + 29) == []
    (second,) = await claim(database, "b", now=NOW + 31)
    assert (second.id, second.attempt) == (made, 2)


async def test_word_of_an_owner_whose_lease_ended_counts_no_more(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    (made,) = await rows(database, service)
    (late,) = await claim(database)
    (current,) = await claim(database, "b", now=NOW + 31)

    await Claims(database).record(Verdict(late, CallOutcome.FAILED, NOW + 32, "http-400"))
    assert (await row(database, made)).owner == "b"
    await Claims(database).record(Verdict(current, CallOutcome.DONE, NOW + 33))
    await Claims(database).record(Verdict(late, CallOutcome.FAILED, NOW + 34, "http-400"))
    ended = await row(database, made)
    assert (ended.outcome, ended.ended_at, ended.available_at, ended.owner) == ("done", NOW + 33, None, None)


async def test_deferred_row_comes_again_when_it_is_due(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    (made,) = await rows(database, service)
    (first,) = await claim(database)
    await Claims(database).record(Verdict(first, CallOutcome.DEFERRED, NOW, "http-503", NOW + 12))

    waiting = await row(database, made)
    assert (waiting.outcome, waiting.ended_at, waiting.available_at) == ("deferred http-503", None, NOW + 12)
    assert await claim(database, now=NOW + 11) == []
    assert [each.id for each in await claim(database, now=NOW + 12)] == [made]


async def test_many_claimers_get_each_row_once(database: Database, keyring: Keyring) -> None:
    services = [uuid4() for _ in range(5)]
    for service in services:
        await listen(database, keyring, service)
    made = await rows(database, *services * 20)

    async def claim_all(owner: str) -> list[CallbackClaim]:
        found: list[CallbackClaim] = []
        while claimed := await claim(database, owner):
            found += claimed
        return found

    taken = [each.id for found in await asyncio.gather(*map(claim_all, "abcd")) for each in found]
    assert sorted(taken) == sorted(made)


async def test_no_service_takes_more_than_its_share(database: Database, keyring: Keyring) -> None:
    busy, quiet = uuid4(), uuid4()
    await listen(database, keyring, busy)
    await listen(database, keyring, quiet)
    await rows(database, *[busy] * 50, quiet)

    found = await Claims(database).claim("a", 10, 4, {busy: 1}, NOW, 30)
    assert Counter(each.service_id for each in found) == {busy: 3, quiet: 1}
    assert await Claims(database).claim("a", 10, 4, {busy: 4}, NOW, 30) == []


async def test_whoever_has_nothing_under_way_comes_first(database: Database, keyring: Keyring) -> None:
    slow, quick = uuid4(), uuid4()
    await listen(database, keyring, slow)
    await listen(database, keyring, quick)
    await rows(database, *[slow] * 50, quick)

    (found,) = await Claims(database).claim("a", 1, 4, {slow: 3}, NOW, 30)
    assert found.service_id == quick


@pytest.mark.parametrize("order", [("delivered", "permanent-failure"), ("technical-failure", "delivered")])
async def test_later_status_of_a_message_waits_for_the_earlier_one(
    database: Database, keyring: Keyring, order: tuple[str, str]
) -> None:
    service, message = uuid4(), uuid4()
    await listen(database, keyring, service)
    (earlier,) = await rows(database, service, message=message, status=order[0], available_at=NOW + 5)
    (later,) = await rows(database, service, message=message, status=order[1], available_at=NOW - 99)
    (other,) = await rows(database, service)

    assert [each.id for each in await claim(database)] == [other]
    (first,) = await claim(database, now=NOW + 6)
    assert first.id == earlier
    assert await claim(database, now=NOW + 7) == []
    await Claims(database).record(Verdict(first, CallOutcome.FAILED, NOW + 8, "http-404"))
    assert [each.id for each in await claim(database, now=NOW + 9)] == [later]


async def test_rows_of_a_removed_url_end_and_those_of_others_stay(database: Database, keyring: Keyring) -> None:
    gone, there = uuid4(), uuid4()
    await listen(database, keyring, there)
    ended, *_ = await rows(database, gone, there)
    sender = Claims(database)

    assert [each.service_id for each in await claim(database)] == [there]
    assert (await sender.end_removed(NOW), await sender.end_removed(NOW)) == (1, 0)
    found = await row(database, ended)
    assert (found.outcome, found.ended_at, found.available_at) == ("removed", NOW, None)


async def test_idle_sender_takes_no_write_lock(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await listen(database, keyring, service)
    await rows(database, service, available_at=NOW + 60)
    async with database.write():  # whoever else writes now would wait for us
        async with asyncio.timeout(30):
            assert await claim(database) == []
            assert await Claims(database).end_removed(NOW) == 0


async def test_what_waits_and_what_failed_can_be_seen(database: Database, keyring: Keyring) -> None:
    service, other = uuid4(), uuid4()
    ended: dict[str, Any] = {"available_at": None, "attempts": 1}
    await rows(database, service, service)
    await rows(database, service, **ended, outcome="failed http-400", ended_at=NOW - 60)
    await rows(database, service, **ended, outcome="failed timeout", ended_at=NOW - 90_000)
    await rows(database, other, **ended, outcome="failed http-400", ended_at=NOW - 60)
    await rows(database, *[uuid4()] * 50, service, **ended, outcome="done", ended_at=NOW - 1)
    async with database.read() as connection:
        assert await claims.backlog(connection, service, CallbackKind.STATUS, NOW) == claims.Backlog(2, 1, "done")
        assert await claims.backlog(connection, uuid4(), CallbackKind.STATUS, NOW) == claims.Backlog(0, 0, None)
