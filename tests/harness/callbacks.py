"""Services that listen, messages that end, and senders in between, on one database."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from config.database import Database
from config.keyring import Keyring
from config.settings import Callbacks
from delivery.callbacks import urls
from delivery.callbacks.sender import Sender, open_sender
from delivery.metrics import CallbackMetrics
from delivery.store.base import CallbackRecord
from delivery.store.tables import callbacks
from messages.message import Message
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.clock import Clock
from tests.harness.relay import Credentials, Relay
from tests.harness.store import Store, group_of

TOKEN = "a-token-of-theirs"
SETTINGS = Callbacks(allow_private=True, timeout_seconds=0.4, concurrency=8)


@dataclass
class CallbackDesk:
    """A database, and services that listen."""

    database: Database
    keyring: Keyring
    store: Store
    clock: Clock = field(default_factory=Clock)
    metrics: CallbackMetrics = field(default_factory=lambda: CallbackMetrics(CollectorRegistry()))

    async def listen(self, service: UUID, url: str) -> bytes:
        """Returns the secret that signs."""
        async with self.database.write() as connection:
            issued = await urls.put(
                connection, self.keyring, service, time.time(), url=url, bearer_token=TOKEN, allow_private=True
            )
        return base64.b64decode(issued.signing_secret)

    async def message(self, url: str | None, **changes: Any) -> Message:
        """A stored message whose service listens there."""
        sent = make_message(**changes)
        if url is not None:
            await self.listen(sent.service_id, url)
        await self.store.putting.put(group_of((sent,), b"hello"))
        return sent

    async def settle(self, sent: Message, *statuses: Status) -> None:
        for status in statuses:
            await self.store.settle(sent.id, status, self.clock())

    async def delivered(self, url: str) -> Message:
        sent = await self.message(url)
        await self.settle(sent, Status.DELIVERED)
        return sent

    async def callbacks(self, sent: Message) -> tuple[CallbackRecord, ...]:
        history = await self.store.searching.history(sent.id)
        assert history is not None
        return history.callbacks

    async def wait(self, sent: Message, fits: Callable[[CallbackRecord], bool], seconds: float = 10) -> CallbackRecord:
        """The message's last callback, once it fits."""
        async with asyncio.timeout(seconds):
            while not fits(found := (await self.callbacks(sent))[-1]):
                await asyncio.sleep(0.02)
        return found

    async def ended(self, sent: Message, seconds: float = 10) -> CallbackRecord:
        return await self.wait(sent, lambda record: record.ended_at is not None, seconds)

    async def deferred(self, sent: Message, attempts: int = 1) -> CallbackRecord:
        """The message's last callback, once so many attempts were made and no other is under way."""
        under_way = select(callbacks.c.owner).where(callbacks.c.message_id == sent.id).order_by(callbacks.c.id.desc())
        while True:
            record = await self.wait(sent, lambda r: r.attempts == attempts and r.outcome is not None)
            async with self.database.read() as connection:
                if await connection.scalar(under_way.limit(1)) is None:
                    return (await self.callbacks(sent))[-1]
            assert record.ended_at is None

    @contextlib.asynccontextmanager
    async def sender(self, owner: str = "a", **settings: Any) -> AsyncIterator[None]:
        """A sender that runs for the length of the block."""
        async with (
            open_sender(
                owner,
                database=self.database,
                keyring=self.keyring,
                searching=self.store.searching,
                settings=SETTINGS.model_copy(update=settings),
                metrics=self.metrics,
                now=self.clock,
            ) as sender,
            running(sender),
        ):
            yield

    def metric(self, outcome: str) -> float:
        (family,) = self.metrics.callbacks.collect()
        return next(s.value for s in family.samples if s.name == "callbacks_total" and s.labels == {"outcome": outcome})


@contextlib.asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(sender.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


def listen(relay: Relay, key: Credentials, url: str) -> bytes:
    """Returns the secret that signs."""
    file = relay.folder / "token"
    file.write_text("a-token-of-theirs\n")
    named = ("callback", "set", key.service_id, "--url", url, "--bearer-token-file", str(file))
    return base64.b64decode(str(relay.json("service", *named)["signing_secret"]))
