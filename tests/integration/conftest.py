"""A worker with real parts around it: database, SES's client, a fake AWS with its rules. An HTTP door. Commands."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from mmap import PAGESIZE, mmap
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config.database import Database
from config.keyring import Keyring
from config.settings import Aws, Delivery, Email
from config.words import Words
from delivery.exit.calls import Calls
from delivery.exit.noticing import Notices
from delivery.exit.pace import Pace
from delivery.exit.rate import Rate
from delivery.exit.rendering import Renderer
from delivery.exit.sealing import EmailSealing, Sealing, SmsSealing
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from delivery.metrics import DeliveryMetrics
from delivery.providers.base import Provider
from delivery.providers.ses import open_provider
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import providers
from delivery.queue.sql import SqlQueue
from delivery.rate.queue import RatedQueue
from delivery.store.base import History
from messages.message import Channel, Message
from relay.cli import main
from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.fakes.feedback import Feedback
from tests.fakes.messages import make_message
from tests.harness import domains
from tests.harness.http_door import Door, running_door
from tests.harness.migrated import migrated, template
from tests.harness.store import Store, group_of

DOMAIN = "notification.example.ca"
SES = Email(provider="ses", default_domain=DOMAIN)
CONTENT = b"From: Passports <passports@notification.example.ca>\r\nSubject: Test\r\n\r\nHello\r\n"


@dataclass
class Works:
    """One database, one fake AWS, any number of workers."""

    database: Database
    store: Store
    queue: SqlQueue
    aws: FakeAws
    keyring: Keyring
    sealing: Keyring
    settings: Delivery
    metrics: DeliveryMetrics = field(default_factory=lambda: DeliveryMetrics(CollectorRegistry()))

    async def put(self, content: bytes = CONTENT, **changes: Any) -> Message:
        """A message in the queue, due now."""
        message = make_message(content_bytes=len(content), signing_domain=DOMAIN, **changes)
        await self.store.putting.put(group_of((message,), content))
        return message

    def sealing_of(self, signer: Signer, delivery: Delivery) -> dict[Channel, Sealing]:
        """Each channel's; email's with this signer."""
        renderer = Renderer(Templates(self.database, time.time), Brandings(database=self.database, now=time.time))
        searching, one_in = self.store.searching, delivery.verify_one_in
        notices = Notices(searching, self.store.contents, Words.load(), "mail.example.ca", f"sms.{DOMAIN}")
        email = EmailSealing(renderer, notices, signer, searching, self.metrics, verify_one_in=one_in)
        return {Channel.EMAIL: email, Channel.SMS: SmsSealing()}

    @contextlib.asynccontextmanager
    async def worker(
        self,
        owner: str = "w",
        *,
        read_timeout_seconds: float = 5,
        also: Mapping[Channel, Provider] = {},
        pace: Pace | None = None,
        rated: RatedQueue | None = None,
        **settings: Any,
    ) -> AsyncIterator[None]:
        """A worker that runs for the length of the block; `also` has the providers of other channels than email."""
        delivery = self.settings.model_copy(update=settings)
        aws = Aws(endpoint_url=self.aws.url, connect_timeout_seconds=5, read_timeout_seconds=read_timeout_seconds)
        ses = await open_provider(aws, delivery.concurrency)
        stopping = asyncio.Event()
        work = Worker(
            owner,
            searching=self.store.searching,
            contents=self.store.contents,
            attempting=self.store.attempting,
            suppressions=self.store.suppressions,
            queue=rated or self.queue,
            calls=Calls(mmap(-1, PAGESIZE)),
            sealing=self.sealing_of(Signer(self.database, self.sealing, SES, time.time), delivery),
            providers=providers({Channel.EMAIL: ses, **also}, SimulatorProvider()),
            settings=delivery,
            metrics=self.metrics,
            now=time.time,
            pace=pace,
            rate=Rate(rated) if rated else None,
        )
        running = asyncio.create_task(work.run(stopping))
        try:
            yield
        finally:
            stopping.set()
            await running
            await ses.close()

    async def history(self, message: Message) -> History:
        history = await self.store.searching.history(message.id)
        assert history is not None
        return history

    async def wait(self, message: Message, *statuses: str, seconds: float = 60) -> History:
        """The history once the message has one of the statuses."""
        async with asyncio.timeout(seconds):
            while (history := await self.history(message)).message.status not in statuses:
                await asyncio.sleep(0.02)
        return history

    def metric(self, name: str, **labels: str) -> float:
        for collector in vars(self.metrics).values():
            for family in collector.collect():
                for sample in family.samples:
                    if sample.name == name and sample.labels == labels:
                        return float(sample.value)
        return 0.0


@pytest.fixture
async def works(
    tmp_path: Path, keyring: Keyring, sealing: Keyring, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Works]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path}/relay.db")
    async with database.write() as connection:
        await domains.ensure(connection, sealing, DOMAIN, time.time())
    settings = Delivery(unknown_wait_seconds=0.4, retry_base_seconds=0.2, lease_seconds=5)
    async with FakeAws(feedback=Feedback()) as aws:
        yield Works(database, Store(database, keyring), SqlQueue(database), aws, keyring, sealing, settings)
    await database.close()


@pytest.fixture
async def plain(sqlite_url: str) -> AsyncIterator[Database]:
    handle = await migrated(sqlite_url, synchronous="OFF")
    yield handle
    await handle.close()


@pytest.fixture
async def door(plain: Database) -> AsyncIterator[Door]:
    async with running_door(plain) as running:
        yield running


Run = Callable[..., tuple[int, str, str]]
Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def settings() -> dict[str, str]:
    """A module's own, by their names in the environment without NOTIFY_RELAY_ (AWS's whole)."""
    return {}


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str]
) -> Run:
    """Runs a command in this process: its exit code, and what it prints and complains of."""
    (tmp_path / "relay.db").write_bytes(template())
    paths = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/relay.db", "STATE_DIR": str(tmp_path)}
    for name, value in (paths | settings).items():
        monkeypatch.setenv(name if name in CREDENTIALS else f"NOTIFY_RELAY_{name}", value)

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(list(map(str, arguments)))
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def answer(run: Run) -> Answer:
    """Runs a command with --json that has to end with `code`, without a complaint."""

    def answer(*arguments: object, code: int = 0) -> dict[str, Any]:
        ended, out, err = run(*arguments, "--json")
        assert (ended, err) == (code, "")
        found: dict[str, Any] = json.loads(out)
        return found

    return answer
