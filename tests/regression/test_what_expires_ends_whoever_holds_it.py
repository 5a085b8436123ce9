"""Mail that nobody may claim - held, slowed, put off, parked - ends when it expires, and its service is told."""

import asyncio
import itertools
import os
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, insert, select, update

from auth import notices
from auth.notices import Kind
from config.database import Database
from config.keyring import Keyring
from delivery.exit import expiring as exit_expiring
from delivery.exit.expiring import Expiring
from delivery.exit.recording import Recording
from delivery.metrics import DeliveryMetrics
from delivery.queue import interventions
from delivery.queue.base import HoldReason
from delivery.queue.selecting import Selecting
from delivery.queue.sql import SqlQueue
from delivery.store.base import APART, Attempt, Outcome, Record
from delivery.store.tables import callback_urls, callbacks, messages, queue
from messages.message import Lane, Message, Occasion, new_id
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import history, put

LATER = NOW + 3601  # they expire after an hour


async def swept(store: Store, database: Database, keyring: Keyring, now: float = LATER) -> int:
    metrics = DeliveryMetrics(CollectorRegistry())
    recording = Recording(store.attempting, None, metrics)
    ticks = itertools.count()
    expiring = Expiring(
        database, Selecting(database, keyring), store.searching, recording, 180, lambda: now + next(ticks) / 1e4
    )
    return await expiring.sweep(asyncio.Event())


async def status(store: Store, sent: Message) -> tuple[Status, str | None]:
    found = await history(store, sent)
    return found.message.status, found.reason


@pytest.mark.parametrize("reason", HoldReason)
async def test_mail_of_a_held_lane_ends_and_its_service_and_sender_are_told(
    database: Database, keyring: Keyring, reason: HoldReason
) -> None:
    store, sent = Store(database, keyring), message(notify=frozenset({Occasion.FAILURE}))
    await put(store, sent)
    async with database.write() as connection:
        await interventions.hold(connection, sent.service_id, NOW, tuple(Lane), reason)
        url = {"id": UUID(int=9), "service_id": sent.service_id, "kind": "delivery-status", "url": "https://a.example/"}
        url |= {"bearer_token": b"", "signing_secret": b"", "created_at": NOW}
        await connection.execute(insert(callback_urls), [url])

    assert await swept(store, database, keyring, NOW + 3599) == 0
    assert await swept(store, database, keyring) == 1
    assert await status(store, sent) == (Status.TECHNICAL_FAILURE, "expired")
    assert (await history(store, sent)).waiting_until is None
    assert await store.counts(sent.service_id) == {Status.CREATED: 1, Status.TECHNICAL_FAILURE: 1}
    async with database.read() as connection:
        told = (await connection.execute(select(callbacks.c.status).where(callbacks.c.message_id == sent.id))).scalars()
        assert list(told) == [Status.TECHNICAL_FAILURE.value]
        assert len(await notices.of_service(connection, sent.service_id, Kind.SENDER)) == 1
    assert await swept(store, database, keyring) == 0


@pytest.mark.parametrize("until", [APART, LATER + 86_400])
async def test_a_message_that_is_due_after_its_end_only_ends(
    database: Database, keyring: Keyring, until: float
) -> None:
    """Held by itself, slowed, or put off until then."""
    store, sent = Store(database, keyring), message()
    await put(store, sent)
    async with database.write() as connection:
        await connection.execute(update(queue).values(available_at=until))

    assert await swept(store, database, keyring) == 1
    assert await status(store, sent) == (Status.TECHNICAL_FAILURE, "expired")


async def test_what_is_under_way_is_left_until_nobody_waits_for_it_any_more(
    database: Database, keyring: Keyring
) -> None:
    store, claims, sent = Store(database, keyring), SqlQueue(database), message()
    await put(store, sent)
    await claims.claim("w", 1, LATER - 5, 60, 180)
    assert await swept(store, database, keyring) == 0  # claimed
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", LATER)
    await store.attempting.attempt([attempt], "w", LATER + 60)
    assert await swept(store, database, keyring) == 0  # attempted
    await store.attempting.record(Record(sent.id, attempt.id, Outcome.UNKNOWN, LATER, reason="x", until=LATER + 180))
    assert await swept(store, database, keyring, LATER + 179) == 0  # parked
    async with database.write() as connection:
        await interventions.hold(connection, sent.service_id, NOW)

    assert await swept(store, database, keyring, LATER + 181) == 1
    assert await status(store, sent) == (Status.TECHNICAL_FAILURE, "expired")


async def test_what_a_dead_worker_was_sending_ends_when_nobody_waits_for_news_of_it(
    database: Database, keyring: Keyring
) -> None:
    """In a held lane no claim parks it."""
    store, claims, sent = Store(database, keyring), SqlQueue(database), message()
    await put(store, sent)
    await claims.claim("dead", 1, LATER - 5, 60, 180)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", LATER)
    await store.attempting.attempt([attempt], "dead", LATER + 60)
    async with database.write() as connection:
        await interventions.hold(connection, sent.service_id, NOW)
    await claims.release("dead", LATER + 1)

    for found_late in (180, 182, 201):
        assert await swept(store, database, keyring, LATER + found_late) == 0
    assert await swept(store, database, keyring, LATER + 203) == 1
    assert await status(store, sent) == (Status.TECHNICAL_FAILURE, "expired")
    (ended,) = (await history(store, sent)).attempts
    assert ended.outcome is Outcome.UNKNOWN


async def test_what_has_left_before_an_outage_did_not_end_though_it_expired_in_it(
    database: Database, keyring: Keyring
) -> None:
    """Whose answer comes a moment after the sweep."""
    store, claims, sent = Store(database, keyring), SqlQueue(database), message()
    await put(store, sent)
    await claims.claim("away", 1, LATER - 5, 60, 180)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", LATER)
    await store.attempting.attempt([attempt], "away", LATER + 60)

    assert await swept(store, database, keyring, LATER + 600) == 0
    answer = Record(sent.id, attempt.id, Outcome.RELAYED, LATER + 1, status=Status.SENDING, provider_id="1")
    await store.attempting.record(answer)
    assert await status(store, sent) == (Status.SENDING, None)


async def test_a_scheduled_message_lives_as_long_as_after_its_time(database: Database, keyring: Keyring) -> None:
    store, sent = Store(database, keyring), message(scheduled_for=NOW + 7200, expires_at=NOW + 10_800)
    await put(store, sent)

    assert await swept(store, database, keyring, NOW + 10_799) == 0
    assert await swept(store, database, keyring, NOW + 10_801) == 1


async def test_many_end_and_those_that_live_wait_on(database: Database, keyring: Keyring) -> None:
    store = Store(database, keyring)
    ours, theirs = ([message(service_id=UUID(int=n)) for _ in range(130)] for n in (1, 2))
    alive = [message(service_id=UUID(int=1), expires_at=LATER + 60) for _ in range(5)]
    await put(store, *ours, *theirs, *alive)
    async with database.write() as connection:
        await interventions.hold(connection, None, NOW)

    assert await swept(store, database, keyring) == 260
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(queue)) == len(alive)


async def test_one_service_s_thousands_keep_no_other_s_few_waiting(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exit_expiring, "_SHARE", 10)
    store = Store(database, keyring)
    many, few = ([message(service_id=UUID(int=n)) for _ in range(count)] for n, count in ((1, 45), (2, 3)))
    await put(store, *many, *few)
    async with database.write() as connection:
        await interventions.hold(connection, None, NOW)

    assert await swept(store, database, keyring) == 48
    async with database.read() as connection:
        asked = select(messages.c.service_id).order_by(messages.c.completed_at)
        ended = [each.int for each in await connection.scalars(asked)]
    assert max(at for at, service in enumerate(ended) if service == 2) < 13


class Away:
    """Writes nothing down."""

    async def record(self, record: Record) -> None:
        raise ConnectionError


async def test_a_worker_that_stops_while_the_database_is_away_does_not_wait_for_it(
    database: Database, keyring: Keyring
) -> None:
    """Else it was killed after 18 s: what has expired is found again, and of no use to anybody who waits."""
    store, stopping = Store(database, keyring), asyncio.Event()
    await put(store, message())
    recording = Recording(Away(), None, DeliveryMetrics(CollectorRegistry()))
    selecting = Selecting(database, keyring)
    expiring = Expiring(database, selecting, store.searching, recording, 180, lambda: LATER)
    running = asyncio.create_task(expiring.run(stopping))
    await asyncio.sleep(0.5)
    stopping.set()
    await asyncio.wait_for(running, 15)
