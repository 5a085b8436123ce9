"""A worker that dies: what it had not begun goes on at once under its name, what it was calling with waits."""

import asyncio
import time
from uuid import UUID

from sqlalchemy import func, select

from config.settings import Email
from delivery.exit.portions import AT_ONCE
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.providers.base import Receipt
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import providers
from delivery.store.tables import queue
from messages.email.dkim import SigningKey
from messages.message import Channel, Message
from tests.integration.conftest import Works

COUNT = AT_ONCE + 5


class Carrier:
    """Takes what it is given, and answers when `answers` is set."""

    name, idempotent, paced = "carrier", False, False

    def __init__(self) -> None:
        self.given: list[UUID] = []
        self.answers = asyncio.Event()

    async def send(self, message: Message, content: bytes, attempt_id: UUID, origin: str | None = None) -> Receipt:
        self.given.append(message.id)
        await self.answers.wait()
        return Receipt(str(message.id))

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None: ...


class Stuck(Signer):
    """Signs so many, and the others when `goes_on` is set."""

    left = AT_ONCE

    async def seal(self, content: bytes, key: SigningKey) -> bytes:
        self.left -= 1
        if self.left < 0:
            await self.goes_on.wait()
        return await super().seal(content, key)

    goes_on: asyncio.Event


def _worker(works: Works, carrier: Carrier, signer: Signer) -> Worker:
    return Worker(
        "w",
        searching=works.store.searching,
        contents=works.store.contents,
        attempting=works.store.attempting,
        suppressions=works.store.suppressions,
        queue=works.queue,
        sealing=works.sealing_of(signer, works.settings),
        providers=providers({Channel.EMAIL: carrier}, SimulatorProvider()),
        settings=works.settings.model_copy(update={"unknown_wait_seconds": 60.0, "lease_seconds": 60.0}),
        metrics=works.metrics,
        now=time.time,
    )


async def _attempted(works: Works) -> int:
    async with works.database.read() as connection:
        begun = select(func.count()).where(queue.c.attempt_id.is_not(None))
        return await connection.scalar(begun) or 0


async def test_of_a_portion_only_what_is_called_waits_for_news(works: Works) -> None:
    for _ in range(COUNT):
        await works.put()
    mail = Email(provider="ses", default_domain="notification.example.ca")
    first, second, stopping = Carrier(), Carrier(), asyncio.Event()
    stuck = Stuck(works.database, works.sealing, mail, time.time)
    stuck.goes_on = asyncio.Event()
    running = [asyncio.create_task(_worker(works, first, stuck).run(stopping))]
    try:
        async with asyncio.timeout(10):
            while len(first.given) < AT_ONCE:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert await _attempted(works) == AT_ONCE  # all are claimed, and no more are called

        signer = Signer(works.database, works.sealing, mail, time.time)
        running.append(asyncio.create_task(_worker(works, second, signer).run(stopping)))
        second.answers.set()
        async with asyncio.timeout(10):
            while len(second.given) < COUNT - AT_ONCE:
                await asyncio.sleep(0.01)
        assert not set(first.given) & set(second.given)
    finally:
        first.answers.set()
        stuck.goes_on.set()
        stopping.set()
        await asyncio.gather(*running)
    assert len(first.given) + len(second.given) == COUNT
