"""Messages on their way through a store, and what a provider tells of them."""

import os
from typing import Any
from uuid import uuid4

from delivery.queue.base import Queue
from delivery.store.base import Attempt, Event, EventKind, History, Outcome, Record
from messages.message import Message, new_id
from messages.status import Status
from tests.harness.noon import NOW
from tests.harness.store import Store, group_of


def event(kind: EventKind, status: Status | None = None, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "provider": "ses",
        "provider_id": "p-1",
        "at": NOW + 5,
        "message_id": None,
        "attempt_id": None,
    }
    return Event(id=uuid4(), kind=kind, status=status, **(values | changes))


async def put(store: Store, *messages: Message) -> None:
    for each in messages:
        await store.putting.put(group_of((each,), b"hello"))


async def started(store: Store, queue: Queue, sent: Message) -> Attempt:
    await put(store, sent)
    await queue.claim("w", 1, NOW, 60, 180)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW)
    await store.attempting.attempt([attempt], "w", NOW + 60)
    return attempt


async def relayed(store: Store, queue: Queue, sent: Message, provider_id: str = "p-1") -> Attempt:
    attempt = await started(store, queue, sent)
    outcome = Record(sent.id, attempt.id, Outcome.RELAYED, NOW + 1, status=Status.SENDING, provider_id=provider_id)
    await store.attempting.record(outcome)
    return attempt


async def history(store: Store, sent: Message) -> History:
    found = await store.searching.history(sent.id)
    assert found is not None
    return found
