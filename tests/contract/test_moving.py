"""What is decided by the table of legal moves alone, in SQL too; and what that costs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, select
from sqlalchemy import event as hooks

from config.database import Database
from config.keyring import Keyring
from delivery.queue.base import Queue
from delivery.store.attempting import Attempting
from delivery.store.base import Attempt, Event, EventKind, Outcome, Record
from delivery.store.moving import Follower, Heard, Move, advanced
from delivery.store.rows import Codec
from delivery.store.settling import Settling
from delivery.store.tables import messages
from messages.message import Message, new_id
from messages.status import Status, advance
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of


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
    await store.putting.put(group_of(sent, b"hello"))
    await queue.claim("w", 100, NOW, 60, 180)
    attempts = [Attempt(new_id(NOW, os.urandom(10)), each.id, 1, "ses", NOW) for each in sent]
    await store.attempting.attempt(attempts, "w", NOW + 60)
    return attempts


@pytest.mark.parametrize("new", Status)
async def test_a_row_advances_as_the_table_of_moves_says(store: Store, database: Database, new: Status) -> None:
    every = {old: message(status=old) for old in Status}
    await store.putting.put(group_of(tuple(every.values()), b"x"))

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


async def test_each_follower_is_told_of_every_move_in_the_transaction_that_makes_it(
    database: Database, keyring: Keyring, store: Store, queue: Queue
) -> None:
    told: list[tuple[str, Status, Status, UUID]] = []

    def follower(name: str) -> Follower:
        def follow(connection: Connection, moves: Sequence[Move], _: Sequence[Heard], rows: Mapping[UUID, Any]) -> None:
            # What follows sees the message as it is by now.
            status = connection.scalar(select(messages.c.status).where(messages.c.id == moves[0].message_id))
            assert status == moves[0].new.value
            told.extend((name, move.old, move.new, rows[move.message_id].service_id) for move in moves)

        return follow

    followers = (follower("first"), follower("second"))
    settling, attempting = Settling(database, Codec(keyring), followers), Attempting(database, followers)
    failed, delivered, parked, silent = [message() for _ in range(4)]
    for each in (failed, delivered, parked, silent):
        (attempt,) = await started(store, queue, each)
        outcome = Outcome.FAILED if each is failed else Outcome.RELAYED
        status = None if each is failed else Status.SENDING
        await attempting.record(Record(each.id, attempt.id, outcome, NOW + 1, status, f"p-{each.id}"))

    def event(provider_id: str, message_id: UUID | None, status: Status) -> Event:
        return Event(uuid4(), EventKind.DELIVERY, "ses", provider_id, message_id, None, NOW + 2, status)

    await settling.learn([event("x", delivered.id, Status.DELIVERED)], NOW + 2)
    await settling.learn([event("late", None, Status.PERMANENT_FAILURE)], NOW + 2)
    async with database.write() as connection:  # known from now on
        await connection.execute(messages.update().where(messages.c.id == parked.id).values(provider_id="late"))
    await settling.match_parked(NOW + 3)
    await settling.time_out(NOW + 4, NOW + 5)

    moved = [
        (Status.CREATED, Status.TECHNICAL_FAILURE, failed.service_id),
        (Status.SENDING, Status.DELIVERED, delivered.service_id),
        (Status.SENDING, Status.PERMANENT_FAILURE, parked.service_id),
        (Status.SENDING, Status.TEMPORARY_FAILURE, silent.service_id),
    ]
    assert told == [(name, *move) for move in moved for name in ("first", "second")]


async def test_a_move_whose_follower_fails_is_not_made(
    database: Database, keyring: Keyring, store: Store, queue: Queue
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError

    sent = message()
    await started(store, queue, sent)
    told = Event(uuid4(), EventKind.DELIVERY, "ses", "p", sent.id, None, NOW + 1, Status.DELIVERED)
    with pytest.raises(ArithmeticError):
        await Settling(database, Codec(keyring), (fail,)).learn([told], NOW + 2)

    assert (await store.searching.load([sent.id]))[sent.id].status is Status.CREATED
    assert await store.counts(sent.service_id) == {Status.CREATED: 1}
