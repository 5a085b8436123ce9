"""A worker slower than its lease finds a message expired, or stopped, that its successor is sending."""

import os

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt, Outcome, Record
from messages.message import new_id
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import history, put


@pytest.mark.parametrize("outcome", [Outcome.EXPIRED, Outcome.STOPPED])
async def test_what_is_sent_is_sending(database: Database, keyring: Keyring, outcome: Outcome) -> None:
    store, queue, sent = Store(database, keyring), SqlQueue(database), message()
    await put(store, sent)
    await queue.claim("slow", 1, NOW, 60, 180)
    await queue.claim("quick", 1, NOW + 61, 60, 180)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW + 61)
    await store.attempting.attempt([attempt], "quick", NOW + 121)

    await store.attempting.record(Record(sent.id, None, outcome, NOW + 62, Status.PERMANENT_FAILURE, reason="said"))
    await store.attempting.record(Record(sent.id, attempt.id, Outcome.RELAYED, NOW + 63, Status.SENDING, "p-1"))

    assert (await history(store, sent)).message.status is Status.SENDING
