"""What saw 250 is delivered, whichever process dies and whenever: kill -9 under load, with the real command.

Beside the kills SES has its bad days: calls without an answer, 429, 500, cuts; events that come late, twice, and in any
order.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, func, select

from config.database import Database
from delivery.store.tables import attempts, events, messages, queue
from messages.status import FINAL
from tests.faults.conftest import Install
from tests.faults.stubborn import Load
from tests.harness.counted import kept, recounted
from tests.harness.relay import Relay
from tests.harness.sampled import one_database, sampled
from tests.harness.ses_process import Ses

CONCURRENCY = 32
PROCESSES = 2
SECONDS_PER_KILL = 1.0
UNKNOWN_WAIT_SECONDS, COMMIT_SECONDS = 4, 3
TROUBLE = {"rate_429": 0.003, "rate_500": 0.01, "rate_hang": 0.01, "rate_cut": 0.01, "disorder": 0.2}


@pytest.fixture
def seed() -> int:
    return random.SystemRandom().randrange(1_000_000)


@pytest.fixture
def ses(tmp_path: Path, seed: int) -> Iterator[Ses]:
    process = Ses(
        tmp_path / "ses.log",
        events="envelope",
        call_log=tmp_path / "calls.log",
        latency_ms=400,
        visibility_seconds=5,
        seed=seed,
        **TROUBLE,
    )
    yield process
    process.end()


@dataclass(frozen=True)
class Kill:
    """Who died and when, which attempts it left behind without an end, and which of them wait for news since."""

    who: str
    at: float
    left: frozenset[UUID]
    parked: frozenset[UUID]

    def counted(self, calls: dict[UUID, tuple[float, float]]) -> Counter[str]:
        """How far those that wait had come at SES."""
        how: Counter[str] = Counter()
        for attempt in self.parked:
            _, ended_at = calls.get(attempt, (None, 0.0))
            how["never came" if attempt not in calls else "answered" if ended_at < self.at else "open"] += 1
        return how

    @property
    def workers(self) -> int:
        return {"worker": 1, "supervisor": PROCESSES}.get(self.who, 0)


@dataclass
class Killer:
    """Kills any process of the relay, each kind as often as the others."""

    relay: Relay
    database: Database
    dice: random.Random

    def __post_init__(self) -> None:
        self.kills: list[Kill] = []

    async def kill(self) -> None:
        children = self.relay.children()
        kinds = sorted({name.partition("-")[0] for name in children.values()})
        kind = self.dice.choice([*kinds, "worker"])  # there is most to lose in them
        pid = self.dice.choice(sorted(pid for pid, name in children.items() if name.startswith(kind)))
        at = time.time()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while pid in self.relay.children():
            await asyncio.sleep(0.005)
        owners = f"%-{children[pid].rpartition('-')[2]}" if kind == "worker" else "-"  # a pattern of their names
        left = await self._left(owners)
        while await self._attempts(queue.c.attempt_id.in_(left), queue.c.owner.like(owners)):
            await asyncio.sleep(0.005)  # until its successor took over
        await self._note(kind, at, left)

    async def kill_supervisor(self) -> None:
        at = time.time()
        self.relay.kill()
        left = await self._left("%")
        await _restart(self.relay)
        await self._note("supervisor", at, left)

    async def _left(self, owners: str) -> set[UUID]:
        known = {attempt for kill in self.kills for attempt in kill.left}
        open_ = (queue.c.attempt_id.is_not(None), queue.c.parked.is_(False), queue.c.owner.like(owners))
        return await self._attempts(*open_) - known

    async def _note(self, who: str, at: float, left: set[UUID]) -> None:
        parked = await self._attempts(queue.c.attempt_id.in_(left))
        self.kills.append(Kill(who, at, frozenset(left), frozenset(parked)))

    async def _attempts(self, *having: ColumnElement[bool]) -> set[UUID]:
        async with self.database.read() as connection:
            return set(await connection.scalars(select(queue.c.attempt_id).where(*having)))


async def _restart(relay: Relay, seconds: float = 60) -> None:
    """As a service manager does it: again until the old children have let go of the ports."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await asyncio.to_thread(relay.start, seconds=seconds)
            return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def _all_ended(database: Database, seconds: float) -> dict[UUID, UUID]:
    """The messages by their groups, when each has its end: a door may store one more whose client was cut."""
    open_ = select(func.count()).where(messages.c.status.not_in([status.value for status in FINAL]))
    async with asyncio.timeout(seconds):
        while True:
            async with database.read() as connection:
                if not await connection.scalar(open_):
                    rows = await connection.execute(select(messages.c.group_id, messages.c.id))
                    return {row.group_id: row.id for row in rows}
            await asyncio.sleep(0.2)


async def _sent_though_told(database: Database, accepted: Sequence[dict[str, object]]) -> tuple[int, list[str]]:
    """How many were sent more than once, and those of which an event had told before the next attempt was made."""
    async with database.read() as connection:
        heard = select(events.c.provider_id, func.min(events.c.received_at)).group_by(events.c.provider_id)
        told = dict(row[:2] for row in await connection.execute(heard))
        tried = select(attempts.c.id, attempts.c.started_at)
        began = dict(row[:2] for row in await connection.execute(tried))
    sent: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for each in accepted:
        tags = each["tags"]
        assert isinstance(tags, dict)
        sent[tags["message_id"]].append((began[UUID(tags["attempt_id"])], str(each["message_id"])))
    again, wrong = 0, []
    for message_id, sends in sent.items():
        sends.sort()
        again += len(sends) - 1
        for (_, first), (next_began, _) in pairwise(sends):
            # Both are the times before their commits, and a loaded machine takes a second for one: within so much
            # nobody knows which came first.
            if told.get(first, next_began) < next_began - COMMIT_SECONDS:
                wrong.append(message_id)
    return again, wrong


@pytest.mark.alone
@one_database("sqlite")
@pytest.mark.parametrize(
    ("kills", "at_least"),
    [*sampled([(4, 160), (5, 200)], lambda at: at == 0), pytest.param(60, 1_000, marks=pytest.mark.soak)],
    ids=["sample", "short", "soak"],
)
async def test_every_message_that_saw_250_is_delivered_under_kill_9(
    install: Install,
    ses: Ses,
    database: Database,
    seed: int,
    kills: int,
    at_least: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    relay = install(
        AWS__EVENTS_QUEUE_URL=ses.queue_url,
        AWS__CONFIGURATION_SET="relay",
        AWS__READ_TIMEOUT_SECONDS=1,
        AWS__CONNECT_TIMEOUT_SECONDS=1,
        DELIVERY__UNKNOWN_WAIT_SECONDS=UNKNOWN_WAIT_SECONDS,
        DELIVERY__LEASE_SECONDS=4,
        DELIVERY__CONCURRENCY=CONCURRENCY,
        PROCESSES=PROCESSES,
    )
    service = relay.create_service("--live", "--per-day", "10000000")
    credentials = relay.create_key("--per-minute", "10000000", service=str(service["id"]))
    relay.start()
    load = Load(relay.tls_port, credentials, per_second=1.2 * at_least / kills / SECONDS_PER_KILL)
    killer = Killer(relay, database, random.Random(seed))
    try:
        for number in range(kills):
            await asyncio.sleep(killer.dice.uniform(0.5, 1.5) * SECONDS_PER_KILL)
            await (killer.kill_supervisor() if number % 10 == 3 else killer.kill())
        await load.reach(at_least, seconds=60 + at_least / 50)
    finally:
        await load.end()
    message_of = await _all_ended(database, seconds=90)
    sent, calls = ses.sent(), ses.calls()
    copies = Counter(message_id for message_id, _ in sent)
    lost = [
        recipient
        for recipient, group_id in load.accepted.items()
        if recipient not in {to for _, to in sent} or not copies[message_of[group_id]]
    ]
    again, though_told = await _sent_though_told(database, ses.accepted())
    how = [kill.counted(calls) for kill in killer.kills]
    killed = Counter(kill.who for kill in killer.kills)
    with capsys.disabled():
        print(
            f"\n{database.engine.dialect.name}: {len(load.accepted)} accepted, "
            f"{len(load.accepted) - len(lost)} delivered, "
            f"{len(message_of) - len(load.accepted)} stored whose reply was lost, {again} sent again, "
            f"{len(though_told)} of them though an event had told; "
            f"{load.cut} conversations cut, {load.refused.total()} refused {dict(load.refused)}; "
            f"killed {dict(killed)}, seed {seed}; {sum(len(kill.left) for kill in killer.kills)} attempts left, "
            f"waiting {[dict(each) for each in how if each]}"
        )
    assert lost == []
    assert though_told == []
    assert killed.total() == kills
    assert len(load.accepted) >= at_least
    assert set(message_of.values()) <= set(copies)  # what was stored though its reply was lost goes out as well
    waiting = sum(how, Counter())
    assert not waiting["never came"]
    assert waiting["answered"] <= sum(kill.workers for kill in killer.kills)  # on its way back, and nobody read it
    async with database.read() as connection:
        assert await kept(connection) == await recounted(connection)
    assert relay.json("statistics", "rebuild")["differences"] == []
