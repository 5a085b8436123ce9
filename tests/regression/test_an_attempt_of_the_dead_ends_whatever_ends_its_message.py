"""A worker died in a call. Its attempt was closed by the next one only: without one it stayed open for ever."""

import os

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt, EventKind, Outcome, Record
from messages.message import new_id
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import event, history, started


@pytest.fixture
def store(database: Database, keyring: Keyring) -> Store:
    return Store(database, keyring)


@pytest.fixture
def queue(database: Database) -> SqlQueue:
    return SqlQueue(database)


async def test_an_event_of_the_first_attempt_ends_the_second(store: Store, queue: SqlQueue) -> None:
    sent = message()
    first = await started(store, queue, sent)
    assert await queue.claim("next", 1, NOW + 60, 60, 180) == []
    assert len(await queue.claim("next", 1, NOW + 180, 60, 180)) == 1
    second = Attempt(new_id(NOW, os.urandom(10)), sent.id, 2, "ses", NOW + 180)
    await store.attempting.attempt([second], "next", NOW + 240)

    told = event(EventKind.SEND, message_id=sent.id, attempt_id=first.id, at=NOW + 200)
    await store.settling.learn([told], NOW + 200)

    found = await history(store, sent)
    assert [(each.id, each.outcome) for each in found.attempts] == [
        (first.id, Outcome.RELAYED),
        (second.id, Outcome.UNKNOWN),
    ]
    assert found.waiting_until is None


@pytest.mark.parametrize("outcome", [Outcome.EXPIRED, Outcome.STOPPED])
async def test_so_does_an_end_without_another_attempt(store: Store, queue: SqlQueue, outcome: Outcome) -> None:
    sent = message()
    await started(store, queue, sent)
    await queue.claim("next", 1, NOW + 60, 60, 180)
    assert len(await queue.claim("next", 1, NOW + 180, 60, 180)) == 1
    await store.attempting.record(Record(sent.id, None, outcome, NOW + 181, Status.PERMANENT_FAILURE, reason="said"))

    (attempt,) = (await history(store, sent)).attempts
    assert (attempt.outcome, attempt.ended_at) == (Outcome.UNKNOWN, NOW + 181)
