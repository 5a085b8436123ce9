"""Events of many messages from many learners at once, and of messages that waited long before they were sent."""

import asyncio
import os
import random
from uuid import UUID, uuid4

from delivery.queue.base import Queue
from delivery.store.base import Attempt, Event, EventKind, History, Outcome, Record
from messages.message import Message, new_id
from messages.status import Status
from tests.contract.conftest import Pair
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

DELIVERED, GONE, LATER = Status.DELIVERED, Status.PERMANENT_FAILURE, Status.TEMPORARY_FAILURE


def event(of: Message, status: Status, attempt: UUID) -> Event:
    return Event(uuid4(), EventKind.DELIVERY, "ses", f"p-{of.id}", of.id, attempt, NOW + 1, status)


async def started(store: Store, queue: Queue, *messages: Message) -> list[Attempt]:
    """Messages in the middle of a provider call."""
    await store.putting.put(group_of(messages, b"hello"))
    await queue.claim("w", 5000, NOW, 60, 180)
    attempts = [Attempt(new_id(NOW, os.urandom(10)), each.id, 1, "ses", NOW) for each in messages]
    await store.attempting.attempt(attempts, "w", NOW + 60)
    return attempts


def sent(attempt: Attempt) -> Record:
    provider_id = f"p-{attempt.message_id}"
    return Record(attempt.message_id, attempt.id, Outcome.RELAYED, NOW + 1, Status.SENDING, provider_id)


async def seen(store: Store, of: Message) -> History:
    history = await store.searching.history(of.id)
    assert history is not None
    return history


async def test_a_message_that_was_scheduled_long_ahead_is_timed_out_too(store: Store, queue: Queue) -> None:
    early = NOW - 7 * 86400
    one = message(id=new_id(early, os.urandom(10)), created_at=early, scheduled_for=NOW)
    (attempt,) = await started(store, queue, one)
    await store.attempting.record(sent(attempt))

    assert [m.message_id for m in await store.settling.time_out(NOW + 2, NOW + 72 * 3600)] == [one.id]


async def test_learners_and_workers_at_once_end_as_one_after_the_other_would(pair: Pair) -> None:
    """Every event three times, in batches of several learners, while the sends are still being recorded."""
    store, dice = pair.store, random.Random(11)
    messages = [message() for _ in range(200)]
    attempts = await started(store, pair.queue, *messages)
    ends = [(DELIVERED,), (DELIVERED, GONE), (LATER, DELIVERED), (GONE, LATER)]
    events = [
        event(each, status, attempt.id)
        for number, (each, attempt) in enumerate(zip(messages, attempts, strict=True))
        for status in ends[number % 4]
    ] * 3
    dice.shuffle(events)
    batches = [events[at : at + 10] for at in range(0, len(events), 10)]
    recording = [store.attempting.record(sent(attempt)) for attempt in dice.sample(attempts, len(attempts))]
    await asyncio.gather(*recording, *(store.settling.learn(batch, NOW) for batch in batches))
    for number, each in enumerate(messages):
        history = await seen(store, each)
        assert history.message.status is (DELIVERED, GONE, DELIVERED, GONE)[number % 4]
        assert history.waiting_until is None
        assert len(history.events) == len(ends[number % 4])
