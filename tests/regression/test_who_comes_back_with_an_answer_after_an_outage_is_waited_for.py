"""An outage outlasted lease and wait: whoever claimed first after it sent what had left, its answer not yet on disk."""

import asyncio
import time
from collections.abc import Sequence
from mmap import PAGESIZE, mmap
from typing import Any
from uuid import UUID

from config.settings import Email
from delivery.exit.calls import Calls
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.providers.base import Begun, Receipt, nothing
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import providers
from delivery.queue.base import Claim
from delivery.queue.sql import SqlQueue
from delivery.store.attempting import Attempting
from delivery.store.base import Attempt, Record
from messages.message import Channel, Message
from tests.integration.conftest import Works, works  # noqa: F401 - the fixture

LEASE_SECONDS, WAIT_SECONDS, LATER_SECONDS = 0.4, 1.5, 0.8


class Outage:
    """Of the database; whoever has answers comes back a moment later than others."""

    until = 0.0

    def check(self, later: float = 0.0) -> None:
        if time.time() < self.until + later:
            raise ConnectionError


class Carrier:
    """While it takes the first message the database goes."""

    name, idempotent, paced = "carrier", False, False

    def __init__(self, outage: Outage) -> None:
        self.given: list[UUID] = []
        self._outage = outage

    async def send(
        self, message: Message, content: bytes, attempt_id: UUID, origin: str | None = None, begun: Begun = nothing
    ) -> Receipt:
        begun()
        self.given.append(message.id)
        self._outage.until = self._outage.until or time.time() + LEASE_SECONDS + WAIT_SECONDS
        return Receipt(str(message.id))

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None: ...


class Queue(SqlQueue):
    outage: Outage

    async def claim(self, *args: Any, **changes: Any) -> list[Claim]:
        self.outage.check()
        return await super().claim(*args, **changes)


class Store:
    def __init__(self, attempting: Attempting, outage: Outage) -> None:
        self._attempting, self._outage = attempting, outage

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        self._outage.check()
        return await self._attempting.attempt(attempts, owner, lease_until)

    async def record(self, record: Record) -> None:
        self._outage.check(later=LATER_SECONDS)
        await self._attempting.record(record)


async def test_what_has_left_before_an_outage_leaves_once(works: Works) -> None:  # noqa: F811
    message, outage, stopping = await works.put(), Outage(), asyncio.Event()
    carrier, queue = Carrier(outage), Queue(works.database)
    queue.outage = outage
    delivery = works.settings.model_copy(
        update={"lease_seconds": LEASE_SECONDS, "unknown_wait_seconds": WAIT_SECONDS, "concurrency": 4}
    )
    signer = Signer(works.database, works.sealing, Email(provider="ses"), time.time)

    def worker(owner: str) -> Worker:
        return Worker(
            owner,
            searching=works.store.searching,
            contents=works.store.contents,
            attempting=Store(works.store.attempting, outage),
            suppressions=works.store.suppressions,
            queue=queue,
            calls=Calls(mmap(-1, PAGESIZE)),
            sealing=works.sealing_of(signer, delivery),
            providers=providers({Channel.EMAIL: carrier}, SimulatorProvider()),
            settings=delivery,
            metrics=works.metrics,
            now=time.time,
        )

    running = [asyncio.create_task(worker(owner).run(stopping)) for owner in "ab"]
    try:
        await works.wait(message, "sending")
        await asyncio.sleep(2 * WAIT_SECONDS)
    finally:
        stopping.set()
        await asyncio.gather(*running)
    assert carrier.given == [message.id]
