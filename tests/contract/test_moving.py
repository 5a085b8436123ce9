"""What is decided by the table of legal moves alone, in SQL too; and what that costs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select
from sqlalchemy import event as hooks

from config.database import Database
from delivery.queue.base import Queue
from delivery.store.base import Attempt, Event, EventKind, Group, Outcome, Record
from delivery.store.moving import advanced
from delivery.store.tables import messages
from messages.message import Message, new_id
from messages.status import Status, advance
from tests.contract.conftest import NOW, message
from tests.harness.store import Store


@contextmanager
def reads() -> Iterator[list[str]]:
    """The statements that read message rows meanwhile."""
    found: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT messages.id, messages.service_id"):
            found.append(statement)

    hooks.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        hooks.remove(Engine, "before_cursor_execute", note)


async def started(store: Store, queue: Queue, *sent: Message) -> list[Attempt]:
    await store.putting.put(Group(sent, b"hello"))
    await queue.claim("w", 100, NOW, 60, 180)
    attempts = [Attempt(new_id(NOW, os.urandom(10)), each.id, 1, "ses", NOW) for each in sent]
    await store.attempting.attempt(attempts, "w", NOW + 60)
    return attempts


@pytest.mark.parametrize("new", Status)
async def test_a_row_advances_as_the_table_of_moves_says(store: Store, database: Database, new: Status) -> None:
    every = {old: message(status=old) for old in Status}
    await store.putting.put(Group(tuple(every.values()), b"x"))

    async with database.read() as connection:
        rows = await connection.execute(select(messages.c.id, advanced(new)))
        assert {row[0]: row[1] for row in rows} == {every[old].id: advance(old, new).value for old in Status}


async def test_a_batch_of_events_reads_its_messages_once(store: Store, queue: Queue) -> None:
    sent = [message() for _ in range(3)]
    await started(store, queue, *sent)
    told = [
        Event(uuid4(), EventKind.DELIVERY, "ses", f"p-{each.id}", each.id, None, NOW + 1, Status.DELIVERED)
        for each in sent
    ]
    with reads() as found:
        learned = await store.settling.learn(told, NOW + 2)

    assert len(learned.moved) == 3
    assert len(found) == 1


@pytest.mark.parametrize(
    ("outcome", "status", "expected", "count"),
    [
        (Outcome.RELAYED, Status.SENDING, Status.SENDING, 0),
        (Outcome.RELAYED, Status.DELIVERED, Status.DELIVERED, 1),
        (Outcome.FAILED, None, Status.TECHNICAL_FAILURE, 1),
    ],
)
async def test_what_came_of_an_attempt_reads_its_message_once_at_most(
    store: Store, queue: Queue, outcome: Outcome, status: Status | None, expected: Status, count: int
) -> None:
    sent = message()
    (attempt,) = await started(store, queue, sent)
    with reads() as found:
        await store.attempting.record(Record(sent.id, attempt.id, outcome, NOW + 1, status, "p-1"))

    assert (await store.searching.load([sent.id]))[sent.id].status is expected
    assert len(found) == count
