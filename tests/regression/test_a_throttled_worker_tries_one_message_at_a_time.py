"""After a pause one message asks whether the provider takes mail again; a crowd of them would only be turned away."""

import asyncio
import time
from collections.abc import Callable
from mmap import PAGESIZE, mmap
from uuid import UUID

from config.settings import Email
from delivery.exit.calls import Calls
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.providers.base import Begun, Receipt, Throttled, nothing
from delivery.providers.table import providers
from messages.message import Channel, Message
from tests.integration.conftest import Works, works  # noqa: F401 - the fixture


class Closed:
    """Says "too fast" to everybody, after a while."""

    name, idempotent, paced = "closed", False, False

    def __init__(self) -> None:
        self.open, self.most_after_pause, self.refused_at = 0, 0, 0.0

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        begun()
        self.open += 1
        if self.refused_at and time.monotonic() - self.refused_at > 0.25:
            self.most_after_pause = max(self.most_after_pause, self.open)
        await asyncio.sleep(0.2)
        self.open -= 1
        self.refused_at = self.refused_at or time.monotonic()
        raise Throttled("too_fast", 0.5)

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None: ...


def _worker(works: Works, provider: Closed, now: Callable[[], float] = time.time) -> Worker:  # noqa: F811
    return Worker(
        "w",
        searching=works.store.searching,
        contents=works.store.contents,
        attempting=works.store.attempting,
        suppressions=works.store.suppressions,
        queue=works.queue,
        calls=Calls(mmap(-1, PAGESIZE)),
        sealing=works.sealing_of(
            Signer(works.database, works.sealing, Email(provider="ses"), time.time), works.settings
        ),
        providers=providers({Channel.EMAIL: provider}, provider),
        settings=works.settings,
        metrics=works.metrics,
        now=now,
    )


async def test_no_crowd_after_the_pause(works: Works) -> None:  # noqa: F811
    for _ in range(40):
        await works.put()
    provider, stopping = Closed(), asyncio.Event()
    running = asyncio.create_task(_worker(works, provider).run(stopping))
    async with asyncio.timeout(60):
        while not provider.most_after_pause:
            await asyncio.sleep(0.02)
    await asyncio.sleep(1)
    stopping.set()
    await running
    assert provider.most_after_pause == 1


async def test_a_clock_that_is_set_back_does_not_prolong_the_pause(works: Works) -> None:  # noqa: F811
    await works.put()
    step = 0.0
    provider, stopping = Closed(), asyncio.Event()
    running = asyncio.create_task(_worker(works, provider, lambda: time.time() + step).run(stopping))
    step = 600.0  # the clock was ten minutes fast ...
    async with asyncio.timeout(60):
        while not provider.refused_at:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    step = 0.0  # ... and is put right during the pause
    calls = provider.most_after_pause
    await works.put()
    async with asyncio.timeout(60):
        while provider.most_after_pause <= calls:
            await asyncio.sleep(0.02)
    stopping.set()
    await running
