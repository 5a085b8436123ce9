"""A message that its provider certainly did not take waits for no news, also where its service cannot be held now."""

import asyncio
import time
from mmap import PAGESIZE, mmap
from uuid import UUID

from config.settings import Email
from delivery.exit.calls import Calls
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.providers.base import Begun, Receipt, TenantHeld, nothing
from delivery.providers.table import providers
from delivery.queue.base import HoldReason
from delivery.queue.sql import SqlQueue
from messages.message import Channel, Message
from tests.integration.conftest import Works, works  # noqa: F401 - the fixture


class Paused:
    """Sends nothing of this tenant's."""

    name, idempotent, paced = "paused", False, False

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        begun()
        raise TenantHeld("ses_tenant_paused")

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None: ...


class Away(SqlQueue):
    """Its database is away when the first hold is to be written."""

    asked = 0

    async def hold(self, service_id: UUID, reason: HoldReason, now: float) -> None:
        self.asked += 1
        if self.asked == 1:
            raise OSError("away")
        await super().hold(service_id, reason, now)


async def test_it_is_no_attempt_and_the_hold_comes_with_the_next(works: Works) -> None:  # noqa: F811
    message, queue, stopping = await works.put(), Away(works.database), asyncio.Event()
    worker = Worker(
        "w",
        searching=works.store.searching,
        contents=works.store.contents,
        attempting=works.store.attempting,
        suppressions=works.store.suppressions,
        queue=queue,
        calls=Calls(mmap(-1, PAGESIZE)),
        sealing=works.sealing_of(
            Signer(works.database, works.sealing, Email(provider="ses"), time.time), works.settings
        ),
        providers=providers({Channel.EMAIL: Paused()}, Paused()),
        settings=works.settings,
        metrics=works.metrics,
        now=time.time,
    )
    running = asyncio.create_task(worker.run(stopping))
    async with asyncio.timeout(60):
        while message.service_id not in (await queue.stats(time.time())).held:
            await asyncio.sleep(0.05)
    stopping.set()
    await running
    assert (await works.history(message)).attempts == ()
    assert sum(each.parked for each in (await queue.stats(time.time())).lanes.values()) == 0
