"""A bug that met the end of one message stopped all that was claimed with it, and ended the sweep of what expires."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from delivery.exit import expiring as exit_expiring
from delivery.exit.expiring import Expiring
from delivery.exit.recording import Recording
from delivery.metrics import DeliveryMetrics
from delivery.queue.selecting import Selecting
from delivery.store.attempting import Attempting
from delivery.store.base import Attempt, Record
from messages.message import Message
from messages.status import Status
from tests.integration.conftest import Works, works  # noqa: F401 - the fixture


class Erring:
    """Meets a bug with one message."""

    def __init__(self, attempting: Attempting, message_id: UUID) -> None:
        self._attempting, self._message_id = attempting, message_id

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        return await self._attempting.attempt(attempts, owner, lease_until)

    async def record(self, record: Record) -> None:
        if record.message_id == self._message_id:
            raise KeyError
        await self._attempting.record(record)


async def _expired(works: Works) -> Message:  # noqa: F811
    now = time.time()
    return await works.put(created_at=now - 7200, expires_at=now - 3600)


async def test_what_was_claimed_with_it_is_sent(works: Works) -> None:  # noqa: F811
    bad, other, good = await _expired(works), await _expired(works), await works.put()
    works.store.attempting = Erring(works.store.attempting, bad.id)  # type: ignore[assignment]
    async with works.worker(lease_seconds=600):
        await works.wait(good, "sending")
        await works.wait(other, "technical-failure")


async def test_what_expires_behind_it_ends(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(exit_expiring, "_AT_ONCE", 1)
    bad, good = await _expired(works), await _expired(works)
    recording = Recording(Erring(works.store.attempting, bad.id), None, DeliveryMetrics(CollectorRegistry()))
    selecting, stopping = Selecting(works.database, works.keyring), asyncio.Event()
    running = asyncio.create_task(
        Expiring(works.database, selecting, works.store.searching, recording, 180, time.time).run(stopping)
    )
    try:
        await works.wait(good, "technical-failure")
    finally:
        stopping.set()
        await running
    assert (await works.history(bad)).message.status is Status.CREATED
