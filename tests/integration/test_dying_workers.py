"""A worker that dies: what it had not begun goes on at once under its name, what it was calling with waits."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from mmap import PAGESIZE, mmap
from typing import NoReturn, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DataError

from config.database import Database
from config.keyring import Keyring
from config.settings import Delivery, Email
from delivery.exit.calls import Calls
from delivery.exit.portions import AT_ONCE
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.providers.base import Begun, Receipt, nothing
from delivery.providers.simulator import SimulatorProvider
from delivery.providers.table import providers
from delivery.queue.sql import SqlQueue
from delivery.store.attempting import Attempting
from delivery.store.base import Attempt, Outcome, Record
from delivery.store.tables import queue
from messages.email.dkim import SigningKey
from messages.message import Channel, Message
from messages.status import Status
from tests.fakes.aws import FakeAws
from tests.harness import domains
from tests.harness.postgres import Postgres
from tests.harness.store import Store
from tests.integration.conftest import DOMAIN, Works

COUNT = AT_ONCE + 5
T = TypeVar("T")


class Carrier:
    """Takes what it is given, and answers when `answers` is set."""

    name, idempotent, paced = "carrier", False, False

    def __init__(self) -> None:
        self.given: list[UUID] = []
        self.answers = asyncio.Event()

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        begun()
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


class Dying(Attempting):
    """Writes one thing down that a worker asks for, or nothing of it, and hears nothing any more."""

    def __init__(self, attempting: Attempting, *, begins: bool) -> None:
        self._attempting, self._begins = attempting, begins
        self.died = asyncio.Event()

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        begun = await self._attempting.attempt(attempts, owner, lease_until)
        return begun if self._begins else await self._die()

    async def record(self, record: Record) -> None:
        await self._die()

    async def _die(self) -> NoReturn:
        self.died.set()
        await asyncio.Event().wait()
        raise AssertionError


def _worker(
    works: Works,
    carrier: Carrier,
    signer: Signer,
    memory: mmap | None = None,
    attempting: Attempting | None = None,
    **settings: int,
) -> Worker:
    return Worker(
        "w",
        searching=works.store.searching,
        contents=works.store.contents,
        attempting=attempting or works.store.attempting,
        suppressions=works.store.suppressions,
        queue=works.queue,
        calls=Calls(memory or mmap(-1, PAGESIZE)),
        sealing=works.sealing_of(signer, works.settings),
        providers=providers({Channel.EMAIL: carrier}, SimulatorProvider()),
        settings=works.settings.model_copy(update={"unknown_wait_seconds": 60.0, "lease_seconds": 60.0, **settings}),
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
    # As one that died it claims nothing of what is released: its places are taken.
    running = [asyncio.create_task(_worker(works, first, stuck, concurrency=COUNT).run(stopping))]
    try:
        async with asyncio.timeout(60):
            while len(first.given) < AT_ONCE:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert await _attempted(works) == AT_ONCE  # all are claimed, and no more are called

        signer = Signer(works.database, works.sealing, mail, time.time)
        running.append(asyncio.create_task(_worker(works, second, signer).run(stopping)))
        second.answers.set()
        async with asyncio.timeout(60):
            while len(second.given) < COUNT - AT_ONCE:
                await asyncio.sleep(0.01)
        assert not set(first.given) & set(second.given)
    finally:
        first.answers.set()
        stuck.goes_on.set()
        stopping.set()
        await asyncio.gather(*running)
    assert len(first.given) + len(second.given) == COUNT


@pytest.mark.parametrize(("begins", "calls"), [(False, 1), (True, 0)], ids=["attempted", "answered"])
async def test_what_no_call_is_under_way_for_does_not_wait_for_news(works: Works, begins: bool, calls: int) -> None:
    message = await works.put()
    signer = Signer(works.database, works.sealing, Email(provider="ses"), time.time)
    memory, dying = mmap(-1, PAGESIZE), Dying(works.store.attempting, begins=begins)
    first, second, stopping = Carrier(), Carrier(), asyncio.Event()
    for each in (first, second):
        each.answers.set()
    dead = asyncio.create_task(_worker(works, first, signer, memory, dying).run(stopping))
    async with asyncio.timeout(60):
        await dying.died.wait()
    dead_memory = mmap(-1, PAGESIZE)
    dead_memory[:] = memory[:]
    dead.cancel()

    running = asyncio.create_task(_worker(works, second, signer, dead_memory).run(stopping))
    try:
        history = await works.wait(message, "sending")
    finally:
        stopping.set()
        await running
    assert [len(first.given), len(second.given)] == [1 - calls, calls]
    assert [(each.number, each.outcome) for each in history.attempts] == [(1, Outcome.RELAYED)]


class Refusing(Attempting):
    """Writes down nothing of some messages, ever."""

    def __init__(self, attempting: Attempting, refused: UUID, error: Exception) -> None:
        self._attempting, self._refused, self._error = attempting, refused, error

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        return await self._attempting.attempt(attempts, owner, lease_until)

    async def record(self, record: Record) -> None:
        if record.message_id == self._refused:
            raise self._error
        await self._attempting.record(record)


def _answered(memory: mmap, message: Message) -> None:
    """What a worker leaves that died with an answer in hand."""
    attempt = Attempt(uuid4(), message.id, 1, "carrier", time.time())
    calls = Calls(memory)
    calls.attempt([attempt])
    calls.begin(attempt.id)
    calls.end(Record(message.id, attempt.id, Outcome.RELAYED, time.time(), status=Status.SENDING, provider_id="1"))


@pytest.mark.parametrize("error", [DataError("", {}, Exception()), KeyError()], ids=["by the database", "by a bug"])
async def test_an_answer_that_cannot_be_written_down_stops_no_successor(works: Works, error: Exception) -> None:
    refused, other = await works.put(), await works.put()
    memory, signer = mmap(-1, PAGESIZE), Signer(works.database, works.sealing, Email(provider="ses"), time.time)
    _answered(memory, refused)
    carrier, stopping = Carrier(), asyncio.Event()
    carrier.answers.set()
    attempting = Refusing(works.store.attempting, refused.id, error)
    running = asyncio.create_task(_worker(works, carrier, signer, memory, attempting).run(stopping))
    try:
        await works.wait(other, "sending")
    finally:
        stopping.set()
        await asyncio.wait([running], timeout=0.1)
        running.cancel()


async def test_of_two_answers_to_one_message_both_are_written_down(works: Works) -> None:
    message, memory = await works.put(), mmap(-1, PAGESIZE)
    await works.queue.claim("w", 1, time.time(), 60.0, 60.0)
    attempts = [Attempt(uuid4(), message.id, number, "carrier", time.time()) for number in (1, 2)]
    for attempt in attempts:
        assert await works.store.attempting.attempt([attempt], "w", time.time() + 60.0)
    calls, at = Calls(memory), time.time()
    calls.attempt(reversed(attempts))
    calls.begin(attempts[0].id)
    calls.end(Record(message.id, attempts[0].id, Outcome.RELAYED, at, status=Status.SENDING, provider_id="1"))

    signer = Signer(works.database, works.sealing, Email(provider="ses"), time.time)
    carrier, stopping = Carrier(), asyncio.Event()
    running = asyncio.create_task(_worker(works, carrier, signer, memory).run(stopping))
    try:
        await works.wait(message, "sending", seconds=30)  # the claim lasts 60
    finally:
        stopping.set()
        carrier.answers.set()
        await running
    assert carrier.given == []


class Committing(Database):
    """Commits when `goes_on` is set."""

    goes_on: asyncio.Event
    is_done = False

    async def transact(self, work: Callable[[Connection], T]) -> T:
        async with self.write() as connection:
            found = await connection.run_sync(work)
            self.is_done = True
            await self.goes_on.wait()
        return found


@pytest.fixture
def migrated_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.take_migrated()
    yield url
    postgres.give_back(url)


async def test_what_the_database_still_commits_of_a_dead_worker_goes_on_too(
    migrated_url: str, keyring: Keyring, sealing: Keyring
) -> None:
    database, dying, memory = Database(migrated_url), Committing(migrated_url), mmap(-1, PAGESIZE)
    dying.goes_on = asyncio.Event()
    async with FakeAws() as aws, database.write() as connection:
        await domains.ensure(connection, sealing, DOMAIN, time.time())
    works = Works(database, Store(database, keyring), SqlQueue(database), aws, keyring, sealing, Delivery())
    message = await works.put()
    await works.queue.claim("w", 1, time.time(), 60.0, 60.0)
    attempt = Attempt(uuid4(), message.id, 1, "carrier", time.time())
    Calls(memory).attempt([attempt])
    dead = asyncio.create_task(Attempting(dying, ()).attempt([attempt], "w", time.time() + 60.0))
    while not dying.is_done:
        await asyncio.sleep(0.01)

    signer = Signer(database, sealing, Email(provider="ses"), time.time)
    carrier, stopping = Carrier(), asyncio.Event()
    carrier.answers.set()
    running = asyncio.create_task(_worker(works, carrier, signer, memory).run(stopping))
    try:
        await asyncio.sleep(0.3)
        dying.goes_on.set()
        await dead
        await works.wait(message, "sending", seconds=30)  # the claim lasts 60
    finally:
        stopping.set()
        await running
        await dying.close()
        await database.close()
