"""A message is cancelled or sent, never both, whoever comes first; a cancelled one is told, counted and entered."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from auth import audit
from auth.audit import Actor
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from delivery.queue.base import Queue
from delivery.store import tables
from delivery.store.base import Attempt, Outcome, Record
from delivery.store.tables import callback_urls, callbacks
from messages.message import Message, new_id
from messages.status import Status
from relay.actions import cancelling
from relay.actions.errors import ActionError, UnknownError
from relay.actions.transaction import Transaction
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

SETTINGS = Settings()


class Desk:
    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database = database
        self._keyring = keyring

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Transaction]:
        async with self.database.write() as c:
            yield Transaction(c, SETTINGS, self._keyring, self._keyring, Actor("operator", "ann"), NOW + 1)

    async def cancel(self, sent: Message, service_id: UUID | None = None) -> None:
        async with self.open() as t:
            await cancelling.cancel(t, sent.id, service_id)

    async def rows(self, statement: Any) -> list[Any]:
        async with self.database.read() as c:
            return list((await c.execute(statement)).all())


@pytest.fixture
def desk(database: Database, keyring: Keyring) -> Desk:
    return Desk(database, keyring)


async def put(store: Store, **changes: Any) -> Message:
    made = message(**changes)
    await store.putting.put(group_of((made,), b"x"))
    return made


def attempt(sent: Message, number: int = 1) -> Attempt:
    return Attempt(new_id(NOW, os.urandom(10)), sent.id, number, "ses", NOW)


async def status(store: Store, sent: Message) -> Status:
    return (await store.searching.load([sent.id]))[sent.id].status


async def test_what_waits_is_cancelled_counted_told_and_entered(desk: Desk, store: Store, queue: Queue) -> None:
    service = uuid4()
    sent = await put(store, service_id=service, scheduled_for=NOW + 3600)
    url = {
        "id": service,
        "service_id": service,
        "url": "https://city.example",
        "bearer_token": b"t",
        "signing_secret": b"s",
        "kind": "delivery-status",
    }
    async with desk.database.write() as c:
        await c.execute(insert(callback_urls).values(**url, created_at=NOW))

    await desk.cancel(sent, service)

    history = await store.searching.history(sent.id)
    assert history
    assert (history.message.status, history.message.completed_at) == (Status.CANCELLED, NOW + 1)
    assert await store.counts(service) == {Status.CREATED: 1, Status.CANCELLED: 1}
    assert await queue.claim("w", 10, NOW + 7200, 60, 0) == []
    assert [row.status for row in await desk.rows(select(callbacks))] == ["cancelled"]
    (entry,) = await desk.rows(select(audit.audit))
    assert (entry.action, entry.object_id, entry.service_id) == ("message.cancel", str(sent.id), service)
    assert (entry.before, entry.after) == ({"status": "created"}, {"status": "cancelled"})


async def test_what_a_worker_claimed_and_has_not_begun_is_cancelled_and_not_sent(
    desk: Desk, store: Store, queue: Queue
) -> None:
    sent = await put(store)
    assert await queue.claim("w", 10, NOW, 60, 0)
    await desk.cancel(sent)
    assert await store.attempting.attempt([attempt(sent)], "w", NOW + 60) == set()


async def test_what_is_being_sent_is_not_cancelled(desk: Desk, store: Store, queue: Queue) -> None:
    sent = await put(store)
    await queue.claim("w", 10, NOW, 60, 0)
    begun = attempt(sent)
    assert await store.attempting.attempt([begun], "w", NOW + 60) == {sent.id}
    with pytest.raises(ActionError, match="being sent"):
        await desk.cancel(sent)
    await store.attempting.record(Record(sent.id, begun.id, Outcome.UNKNOWN, NOW, until=NOW + 900))
    with pytest.raises(ActionError, match="being sent"):  # it may have left
        await desk.cancel(sent)
    assert await status(store, sent) is Status.CREATED


async def test_what_is_to_be_tried_again_is_cancelled(desk: Desk, store: Store, queue: Queue) -> None:
    sent = await put(store)
    await queue.claim("w", 10, NOW, 60, 0)
    begun = attempt(sent)
    await store.attempting.attempt([begun], "w", NOW + 60)
    await store.attempting.record(Record(sent.id, begun.id, Outcome.DEFERRED, NOW, until=NOW + 900))
    await desk.cancel(sent)
    assert await status(store, sent) is Status.CANCELLED


async def test_what_has_ended_and_what_is_nobodys_is_told_apart(desk: Desk, store: Store) -> None:
    sent = await put(store)
    with pytest.raises(UnknownError):
        await desk.cancel(sent, uuid4())
    await desk.cancel(sent)
    with pytest.raises(ActionError, match="it is cancelled"):
        await desk.cancel(sent)
    assert len(await desk.rows(select(audit.audit))) == 1


@pytest.mark.parametrize("first", ["worker", "person"])
async def test_of_an_attempt_and_a_cancellation_one_holds(desk: Desk, store: Store, queue: Queue, first: str) -> None:
    """Both at once, twenty times: the worker claims and begins, the person cancels."""
    for _ in range(20):
        sent = await put(store)

        async def work(sent: Message = sent) -> bool:
            claims = await queue.claim("w", 1, NOW, 60, 0)
            return bool(claims) and bool(await store.attempting.attempt([attempt(sent)], "w", NOW + 60))

        async def cancel(sent: Message = sent) -> bool:
            try:
                await desk.cancel(sent)
            except ActionError:
                return False
            return True

        both = [work(), cancel()] if first == "worker" else [cancel(), work()]
        done = await asyncio.gather(*both)
        assert sorted(done) == [False, True]
        cancelled = done[both[0].__name__ == "work"]
        assert await status(store, sent) is (Status.CANCELLED if cancelled else Status.CREATED)


async def test_of_a_group_what_waits_is_cancelled(desk: Desk, store: Store, queue: Queue) -> None:
    group = uuid4()
    sent = [await put(store, group_id=group) for _ in range(3)]
    async with desk.database.write() as c:
        await c.execute(
            tables.queue.update().where(tables.queue.c.message_id != sent[0].id).values(available_at=NOW + 900)
        )
    await queue.claim("w", 10, NOW, 60, 0)
    await store.attempting.attempt([attempt(sent[0])], "w", NOW + 60)
    async with desk.open() as t:
        done = await cancelling.cancel_group(t, group)
    assert (done.cancelled, done.not_cancelled) == (2, 1)
    assert [await status(store, each) for each in sent] == [Status.CREATED, Status.CANCELLED, Status.CANCELLED]
    async with desk.open() as t:
        with pytest.raises(ActionError, match="no message of group"):
            await cancelling.cancel_group(t, group)
        with pytest.raises(UnknownError):
            await cancelling.cancel_group(t, uuid4())
