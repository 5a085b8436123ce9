"""What saw 250 is delivered, whichever process dies and whenever: kill -9 under load, with the real command."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import func, select

from config.database import Database
from delivery.store.tables import messages, queue
from tests.faults.conftest import Install
from tests.harness.counted import kept, recounted
from tests.harness.load import NotAccepted, connected, html_message, login, trusting_context
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import one_database
from tests.harness.ses_process import Ses

CLIENTS = 8
CONCURRENCY = 32
SECONDS_PER_KILL = 0.8


class Load:
    """Clients that send for ever, each message to a recipient of its own, and note what saw 250."""

    def __init__(self, port: int, credentials: Credentials, per_second: float) -> None:
        self._port = port
        self._login = login(credentials)
        self._pause_seconds = CLIENTS / per_second
        self._context = trusting_context()
        self._content = html_message()
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        self.accepted: dict[str, UUID] = {}  # recipient -> group
        self.cut = 0  # conversations that ended in the middle
        self.refused: Counter[str] = Counter()

    async def _client(self, number: int) -> None:
        count = 0
        while True:
            try:
                async with connected(self._port, *self._login, self._context) as connection:
                    while True:
                        count += 1
                        recipient = f"reader-{number}-{count}@example.com"
                        group_id = await connection.send("office@example.org", recipient, self._content)
                        self.accepted[recipient] = UUID(group_id)
                        await asyncio.sleep(random.uniform(0, 2 * self._pause_seconds))
            except NotAccepted as reply:
                self.refused[str(reply)[:60]] += 1
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)  # the supervisor was killed, and the next has not started
            except (OSError, EOFError):
                self.cut += 1
            await asyncio.sleep(0.02)

    async def reach(self, count: int, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while len(self.accepted) < count:
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError(outcome)


async def _restart(relay: Relay, seconds: float = 25) -> None:
    """As a service manager does it: again until the old children have let go of the ports."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await asyncio.to_thread(relay.start)
            return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def _kill_supervisor(relay: Relay) -> str:
    relay.kill()
    await _restart(relay)
    return "supervisor"


def _kill_child(relay: Relay, dice: random.Random) -> str:
    children = relay.children()
    pid = dice.choice(sorted(children))
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return children[pid].partition("-")[0]


async def _all_sent(database: Database, seconds: float) -> dict[UUID, UUID]:
    """The messages by their groups at a moment when none waits: a door may store one more whose client was cut."""
    async with asyncio.timeout(seconds):
        while True:
            async with database.read() as connection:
                if not await connection.scalar(select(func.count()).select_from(queue)):
                    rows = await connection.execute(select(messages.c.group_id, messages.c.id))
                    return {row.group_id: row.id for row in rows}
            await asyncio.sleep(0.2)


@pytest.mark.alone
@one_database("sqlite")
@pytest.mark.parametrize(
    ("kills", "at_least"), [(20, 1_500), pytest.param(200, 20_000, marks=pytest.mark.soak)], ids=["short", "soak"]
)
async def test_every_message_that_saw_250_is_delivered_under_kill_9(
    install: Install,
    ses: Ses,
    database: Database,
    kills: int,
    at_least: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    relay = install(
        DELIVERY__UNKNOWN_WAIT_SECONDS=1, DELIVERY__LEASE_SECONDS=4, DELIVERY__CONCURRENCY=CONCURRENCY, PROCESSES=2
    )
    seed = random.SystemRandom().randrange(1_000_000)
    dice = random.Random(seed)
    service = relay.create_service("--live", "--per-day", "10000000")
    credentials = relay.create_key("--per-minute", "10000000", service=str(service["id"]))
    relay.start()
    load = Load(relay.tls_port, credentials, per_second=1.2 * at_least / kills / SECONDS_PER_KILL)
    killed: Counter[str] = Counter()
    try:
        for number in range(kills):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * SECONDS_PER_KILL)
            who = await _kill_supervisor(relay) if number % 10 == 5 else _kill_child(relay, dice)
            killed[who] += 1
        await load.reach(at_least, seconds=60 + at_least / 50)
    finally:
        await load.end()
    message_of = await _all_sent(database, seconds=60)
    sent = ses.sent()
    copies = Counter(message_id for message_id, _ in sent)
    reached = {recipient for _, recipient in sent}
    lost = [
        recipient
        for recipient, group_id in load.accepted.items()
        if recipient not in reached or not copies[message_of[group_id]]
    ]
    duplicates = sum(copies.values()) - len(copies)
    with capsys.disabled():
        print(
            f"\n{database.engine.dialect.name}: {len(load.accepted)} accepted, "
            f"{len(load.accepted) - len(lost)} delivered, "
            f"{len(message_of) - len(load.accepted)} stored whose reply was lost, {duplicates} sent twice, "
            f"{load.cut} conversations cut, {load.refused.total()} refused {dict(load.refused)}; "
            f"killed {dict(killed)}, seed {seed}"
        )
    assert lost == []
    # What was under way in a worker when it died: no more than its provider calls at once.
    assert duplicates <= CONCURRENCY * (killed["worker"] + 2 * killed["supervisor"])
    assert killed.total() == kills
    assert len(load.accepted) >= at_least
    assert set(message_of.values()) <= set(copies)  # what was stored though its reply was lost goes out as well
    async with database.read() as connection:
        assert await kept(connection) == await recounted(connection)
