"""A provider stamps an end by its clock, and we note its answer a little later: "sent" stood after "completed"."""

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.queue.sql import SqlQueue
from delivery.store.base import EventKind, Outcome, Record
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import event, history, started


@pytest.mark.parametrize("event_is_first", [True, False], ids=["event, answer", "answer, event"])
async def test_it_was_sent_when_its_end_was_at_the_latest(
    database: Database, keyring: Keyring, event_is_first: bool
) -> None:
    store, sent = Store(database, keyring), message()
    attempt = await started(store, SqlQueue(database), sent)
    told = event(EventKind.BOUNCE, Status.PERMANENT_FAILURE, at=NOW + 0.5, message_id=sent.id, attempt_id=attempt.id)
    answer = Record(sent.id, attempt.id, Outcome.RELAYED, NOW + 1, status=Status.SENDING, provider_id="p-1")
    if event_is_first:
        await store.settling.learn([told], NOW + 1)
    await store.attempting.record(answer)
    if not event_is_first:
        await store.settling.learn([told], NOW + 1)

    found = (await history(store, sent)).message
    assert (found.status, found.sent_at, found.completed_at) == (Status.PERMANENT_FAILURE, NOW + 0.5, NOW + 0.5)


async def test_of_two_ends_at_once_the_earlier_counts(database: Database, keyring: Keyring) -> None:
    store, sent = Store(database, keyring), message()
    attempt = await started(store, SqlQueue(database), sent)
    await store.attempting.record(
        Record(sent.id, attempt.id, Outcome.RELAYED, NOW + 1, status=Status.SENDING, provider_id="p-1")
    )
    tags = {"message_id": sent.id, "attempt_id": attempt.id}
    bounced = event(EventKind.BOUNCE, Status.PERMANENT_FAILURE, at=NOW + 0.25, **tags)
    delivered = event(EventKind.DELIVERY, Status.DELIVERED, at=NOW + 0.5, **tags)
    await store.settling.learn([bounced, delivered], NOW + 1)

    assert (await history(store, sent)).message.sent_at == NOW + 0.25


async def test_one_without_an_end_was_sent_when_its_answer_came(database: Database, keyring: Keyring) -> None:
    store, sent = Store(database, keyring), message()
    attempt = await started(store, SqlQueue(database), sent)
    await store.attempting.record(
        Record(sent.id, attempt.id, Outcome.RELAYED, NOW + 1, status=Status.SENDING, provider_id="p-1")
    )
    await store.settling.learn(
        [event(EventKind.DELIVERY, Status.DELIVERED, message_id=sent.id, attempt_id=attempt.id)], NOW + 5
    )

    found = (await history(store, sent)).message
    assert (found.sent_at, found.completed_at) == (NOW + 1, NOW + 5)
