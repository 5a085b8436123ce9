"""The machine's clock is set and its names lead nowhere, under load: nothing is lost, and no hand is needed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config.database import Database
from delivery.store.tables import queue
from tests.faults.clocked import set_clock
from tests.faults.conftest import Install
from tests.faults.stubborn import Load, tally
from tests.harness.relay import Relay
from tests.harness.sampled import one_database, sampled
from tests.harness.ses_process import Ses

Erring = Callable[[Install, Ses, Database, pytest.CaptureFixture[str]], Awaitable[None]]
PER_SECOND = 40
HOUR = 3600.0
CLOCKED = (sys.executable, str(Path(__file__).with_name("clocked.py")))
# A mount namespace of its own: what it says of names is no other process's.
NAMED = ("unshare", "-m", "sh", "-c", 'mount --bind hosts /etc/hosts && mount --bind dns /etc/resolv.conf && exec "$@"')


def sending(relay: Relay) -> Load:
    return Load(relay.tls_port, relay.create_key("--per-minute", "10000000"), PER_SECOND)


async def waiting(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(queue)) or 0)


async def clock(
    install: Install, ses: Ses, database: Database, capsys: pytest.CaptureFixture[str], seconds: float = 2
) -> None:
    """An hour forward and back, and some seconds by each time."""
    relay = install(PROCESSES=1, DELIVERY__UNKNOWN_WAIT_SECONDS=1)
    set_clock(relay.folder, 0)
    await asyncio.to_thread(relay.start, through=CLOCKED, seconds=60)
    load = sending(relay)
    try:
        for offset in (0.0, HOUR, 0.0, -HOUR, 0.0):
            set_clock(relay.folder, offset)
            await load.reach(len(load.accepted) + int(seconds * PER_SECOND), 60)
    finally:
        await load.end()
    await asyncio.sleep(2)
    late = await waiting(database)  # what was due by a clock that went before
    set_clock(relay.folder, HOUR)  # an hour later
    found = await tally(load, database, ses)
    with capsys.disabled():
        print(f"\n{database.engine.dialect.name}, an hour forward and back, twice: {found}; {late} an hour late")
    assert found.lost == ()
    assert found.refused == {}
    assert found.again == 0
    assert found.counts_are_right


async def names(install: Install, ses: Ses, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """The provider's leads nowhere."""
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("names of its own need the right to mount")
    relay = install(
        PROCESSES=1,
        AWS__ENDPOINT_URL=ses.url.replace("127.0.0.1", "ses.example.test"),
        DELIVERY__UNKNOWN_WAIT_SECONDS=1,
        DELIVERY__RETRY_BASE_SECONDS=1,
    )
    hosts = relay.folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")  # from the start: what a name led to is known for a minute
    (relay.folder / "dns").write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")  # nobody is there
    await asyncio.to_thread(relay.start, through=(*NAMED, "sh"), seconds=60)
    load = sending(relay)
    try:
        await load.reach(4 * PER_SECOND, 60)
        away = await waiting(database)
        hosts.write_text("127.0.0.1 localhost\n127.0.0.1 ses.example.test\n")
        await load.reach(5 * PER_SECOND, 60)
    finally:
        await load.end()
    found = await tally(load, database, ses, 90)
    with capsys.disabled():
        print(f"\n{database.engine.dialect.name}, no names at first, {away} waited: {found}")
    assert found.lost == ()
    assert found.refused == {}  # the doors need no name
    assert away >= 4 * PER_SECOND
    assert found.again == 0  # what never reached the provider may be tried again at once
    assert found.counts_are_right


@pytest.mark.alone
@one_database("sqlite")
@pytest.mark.parametrize(
    "what",
    sampled([partial(clock, seconds=0.5), clock, names], lambda at: at == 0),
    ids=["clock-briefly", "clock", "names"],
)
async def test_what_saw_250_is_delivered(
    what: Erring, install: Install, ses: Ses, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await what(install, ses, database, capsys)
