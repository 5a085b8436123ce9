"""A batch that took longer to build than a lease lasts was taken over, built anew and taken over again, for ever."""

import asyncio
import time
from mmap import PAGESIZE, mmap
from pathlib import Path

from config.settings import Email
from delivery.exit.calls import Calls
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.providers.outbox import OutboxProvider
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import providers
from messages.email.dkim import SigningKey
from messages.message import Channel
from tests.integration.conftest import Works, works  # noqa: F401 - the fixture


class Slow(Signer):
    """Takes its time."""

    async def seal(self, content: bytes, key: SigningKey) -> bytes:
        await asyncio.sleep(0.25)
        return await super().seal(content, key)


def _worker(works: Works, owner: str, outbox: Path) -> Worker:  # noqa: F811
    return Worker(
        owner,
        searching=works.store.searching,
        contents=works.store.contents,
        attempting=works.store.attempting,
        suppressions=works.store.suppressions,
        queue=works.queue,
        calls=Calls(mmap(-1, PAGESIZE)),
        sealing=works.sealing_of(Slow(works.database, works.sealing, Email(), time.time), works.settings),
        providers=providers({Channel.EMAIL: OutboxProvider(outbox)}, SimulatorProvider()),
        settings=works.settings.model_copy(update={"lease_seconds": 1, "concurrency": 12}),
        metrics=works.metrics,
        now=time.time,
    )


async def test_two_workers_send_a_batch_that_takes_three_leases(works: Works, tmp_path: Path) -> None:  # noqa: F811
    messages = [await works.put() for _ in range(12)]
    stopping = asyncio.Event()
    running = [asyncio.create_task(_worker(works, owner, tmp_path / "outbox").run(stopping)) for owner in "ab"]
    try:
        for message in messages:
            await works.wait(message, "delivered")
    finally:
        stopping.set()
        await asyncio.gather(*running)
