"""Services that listen, messages that end, and senders in between, on one database."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from config.database import Database
from config.keyring import Keyring
from config.settings import Callbacks
from delivery.callbacks import health, urls
from delivery.callbacks.feed import Feed
from delivery.callbacks.health import Health
from delivery.callbacks.owner import Inform, nobody
from delivery.callbacks.sender import Sender, open_sender
from delivery.metrics import CallbackMetrics
from delivery.store.base import CallbackKind, CallbackRecord, Event, EventKind
from delivery.store.tables import callbacks
from messages.message import KeyType, Message
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.clock import Clock
from tests.harness.relay import Credentials, Relay
from tests.harness.store import Store, group_of

TOKEN = "a-token-of-theirs"
IDLE_SECONDS = 0.05
QUIET_SECONDS = 0.3  # long after an idle sender has looked
SETTINGS = Callbacks(allow_private=True, timeout_seconds=10, concurrency=8)
IMPATIENT_SECONDS = 0.4  # for who waits for a receiver that hangs; a busy machine takes as long for one that does not


@dataclass
class CallbackDesk:
    """A database, and services that listen."""

    database: Database
    keyring: Keyring
    store: Store
    clock: Clock = field(default_factory=Clock)
    metrics: CallbackMetrics = field(default_factory=lambda: CallbackMetrics(CollectorRegistry()))

    async def listen(self, service: UUID, url: str, kind: CallbackKind = CallbackKind.STATUS) -> bytes:
        """Returns the secret that signs."""
        named: Any = {"kind": kind, "url": url, "bearer_token": TOKEN, "allow_private": True}
        async with self.database.write() as connection:
            issued = await urls.put(connection, self.keyring, service, time.time(), **named)
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

    async def complain(self, sent: Message, kind: str | None = "abuse", status: Status | None = None) -> UUID:
        """A complaint about it, as its provider tells; returns its id."""
        told = Event(uuid4(), EventKind.COMPLAINT, "ses", "p", sent.id, None, self.clock(), status, kind)
        await self.store.settling.learn([told], self.clock())
        return told.id

    async def health(self, sent: Message, kind: CallbackKind = CallbackKind.STATUS) -> Health:
        """Of the URL of its service."""
        async with self.database.read() as connection:
            found = await health.show(connection, sent.service_id, kind)
        assert found is not None
        return found

    async def until(self, fits: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not await fits():
                await asyncio.sleep(0.02)

    async def feed(self, sent: Message, key_type: KeyType = KeyType.NORMAL, limit: int = 250) -> list[Any]:
        """Its service's, to the end."""
        feed, found, after = Feed(self.database, self.store.sources), [], 0
        while True:
            page, last = await feed.page(sent.service_id, key_type, after, self.clock() - 7 * 86_400, limit)
            if last is None:
                return found
            found += page
            after = last

    async def delivered(self, url: str) -> Message:
        sent = await self.message(url)
        await self.settle(sent, Status.DELIVERED)
        return sent

    async def callbacks(self, sent: Message) -> tuple[CallbackRecord, ...]:
        history = await self.store.searching.history(sent.id)
        assert history is not None
        return history.callbacks

    async def wait(self, sent: Message, fits: Callable[[CallbackRecord], bool], seconds: float = 60) -> CallbackRecord:
        """The message's last callback, once it fits."""
        async with asyncio.timeout(seconds):
            while not fits(found := (await self.callbacks(sent))[-1]):
                await asyncio.sleep(0.02)
        return found

    async def ended(self, sent: Message, seconds: float = 60) -> CallbackRecord:
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
    async def sender(self, owner: str = "a", *, inform: Inform = nobody, **settings: Any) -> AsyncIterator[None]:
        """A sender that runs for the length of the block."""
        async with (
            open_sender(
                owner,
                database=self.database,
                keyring=self.keyring,
                sources=self.store.sources,
                settings=SETTINGS.model_copy(update=settings),
                metrics=self.metrics,
                now=self.clock,
                inform=inform,
                idle_seconds=IDLE_SECONDS,
            ) as sender,
            running(sender),
        ):
            yield

    def metric(self, outcome: str) -> float:
        (family,) = self.metrics.callbacks.collect()
        return next(s.value for s in family.samples if s.name == "callbacks_total" and s.labels == {"outcome": outcome})

    def changes(self, change: str) -> float:
        """How often a URL was suspended, or resumed."""
        (family,) = self.metrics.urls.collect()
        return next(s.value for s in family.samples if s.name.endswith("_total") and s.labels == {"change": change})


@contextlib.asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(sender.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


def listen(relay: Relay, key: Credentials, url: str, kind: CallbackKind = CallbackKind.STATUS) -> bytes:
    """Returns the secret that signs."""
    file = relay.folder / "token"
    file.write_text("a-token-of-theirs\n")
    named = ("callback", "set", key.service_id, "--type", kind, "--url", url, "--bearer-token-file", str(file))
    return base64.b64decode(str(relay.json("service", *named)["signing_secret"]))
