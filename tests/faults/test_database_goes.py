"""PostgreSQL goes and comes under load: what saw 250 is delivered, nobody is refused for good, no hand is needed."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from config.database import Database
from config.keyring import Keyring
from tests.conftest import skip_or_fail
from tests.fakes.aws import CREDENTIALS
from tests.faults.stubborn import CLIENTS, Load, Tally, tally
from tests.harness.postgres import Postgres, server_binaries
from tests.harness.relay import Relay, free_port
from tests.harness.sampled import sampled
from tests.harness.ses_process import Ses

Trouble = Callable[[Postgres, Path, Ses, pytest.CaptureFixture[str]], Awaitable[None]]
PER_SECOND = 40
# A batch whose commit was lost is worked on again after its lease.
PATIENCE = {"DELIVERY__UNKNOWN_WAIT_SECONDS": 1, "DELIVERY__LEASE_SECONDS": 3}


@pytest.fixture
def durable() -> Iterator[Postgres]:
    """A server that the test may stop, and that has on its disk what it says."""
    binaries = server_binaries()
    if binaries is None:
        skip_or_fail("NOT TESTED ON POSTGRESQL: no server binaries here (Debian: apt-get install postgresql)")
    assert binaries is not None
    server = Postgres(binaries, fsync=True)
    yield server.start()
    server.stop()


@asynccontextmanager
async def under_load(relay: Relay) -> AsyncIterator[Load]:
    """Clients that send until the block ends."""
    await asyncio.to_thread(relay.start)
    load = Load(relay.tls_port, await asyncio.to_thread(relay.create_key, "--per-minute", "10000000"), PER_SECOND)
    try:
        await load.reach(PER_SECOND, 60)
        yield load
    finally:
        await load.end()


async def goes_on(load: Load) -> None:
    """Mail is accepted again, from all."""
    await load.reach(len(load.accepted) + 2 * PER_SECOND, 60)


def weathered(found: Tally, capsys: pytest.CaptureFixture[str], what: str) -> None:
    with capsys.disabled():
        print(f"\n{what}: {found}")
    assert found.lost == ()
    assert found.permanently == []
    assert found.refused or found.cut  # else nothing was seen of it
    assert found.counts_are_right


def relay_of(folder: Path, url: str, ses: Ses) -> Relay:
    roots = {name: Keyring.generate() for name in ("SECRET_KEY", "SEALING_KEY")}
    sending = {"EMAIL__PROVIDER": "ses", "AWS__ENDPOINT_URL": ses.url, **CREDENTIALS, **PATIENCE}
    return Relay(folder, DATABASE_URL=url, PROCESSES=1, **roots, **sending)


async def restarts(
    durable: Postgres, tmp_path: Path, ses: Ses, capsys: pytest.CaptureFixture[str], times: int = 2
) -> None:
    """In both ways."""
    url = durable.take_migrated()
    relay = await asyncio.to_thread(relay_of, tmp_path, url, ses)
    try:
        async with under_load(relay) as load:
            children = relay.children()
            for number in range(times):
                await asyncio.to_thread(durable.halt, (signal.SIGINT, signal.SIGQUIT)[number % 2])
                await asyncio.sleep(1)
                await asyncio.to_thread(durable.resume)
                await goes_on(load)
        database = Database(url)
        found = await tally(load, database, ses)
        await database.close()
        weathered(found, capsys, f"{times} restarts, fast and immediate in turn")
        assert relay.children() == children
    finally:
        await asyncio.to_thread(relay.end)


@asynccontextmanager
async def leading_to(servers: list[Postgres]) -> AsyncIterator[str]:
    """A name that leads to the first of the servers, as the address of a cluster does; its port."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", servers[0].port)
            await asyncio.gather(_pour(reader, there[1]), _pour(there[0], writer))
        except OSError:
            writer.transport.abort()

    port = free_port()
    async with await asyncio.start_server(pass_on, "127.0.0.1", port):
        yield str(port)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(1 << 16):
            writer.write(octets)
            await writer.drain()
    finally:
        writer.transport.abort()


async def promotion(durable: Postgres, tmp_path: Path, ses: Ses, capsys: pytest.CaptureFixture[str]) -> None:
    """The primary is killed, and its synchronous standby takes over."""
    url = durable.take_migrated()
    standby = await asyncio.to_thread(durable.standby)
    servers = [durable]
    try:
        async with leading_to(servers) as port:
            relay = await asyncio.to_thread(relay_of, tmp_path, url.replace(f":{durable.port}/", f":{port}/"), ses)
            try:
                async with under_load(relay) as load:
                    await asyncio.to_thread(durable.halt, signal.SIGKILL)
                    before = len(load.accepted)
                    await asyncio.sleep(1)
                    await asyncio.to_thread(standby.promote)
                    servers[:] = [standby]
                    await goes_on(load)
                database = Database(url.replace(f":{durable.port}/", f":{standby.port}/"))
                found = await tally(load, database, ses)
                await database.close()
            finally:
                await asyncio.to_thread(relay.end)
        weathered(found, capsys, f"the primary killed after {before}, the standby promoted")
    finally:
        standby.stop()


# At the commit, as a trigger of somebody's, a full tablespace or a conflict would.
BROKEN = (
    "CREATE TABLE broken (since int)",
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM broken) THEN RAISE EXCEPTION 'not now'; END IF;
        RETURN NULL;
    END $$""",
    *(
        f"CREATE CONSTRAINT TRIGGER refused AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()"
        for table in ("messages", "attempts")
    ),
)


async def refused_commits(durable: Postgres, tmp_path: Path, ses: Ses, capsys: pytest.CaptureFixture[str]) -> None:
    url = durable.take_migrated()
    relay, database = await asyncio.to_thread(relay_of, tmp_path, url, ses), Database(url)
    async with database.write() as connection:
        for statement in BROKEN:
            await connection.execute(text(statement))
    try:
        async with under_load(relay) as load:
            for _ in range(2):
                async with database.write() as connection:
                    await connection.execute(text("INSERT INTO broken VALUES (1)"))
                before = len(load.accepted)
                await asyncio.sleep(2)
                assert len(load.accepted) <= before + CLIENTS  # on the way when it began
                async with database.write() as connection:
                    await connection.execute(text("DELETE FROM broken"))
                await goes_on(load)
        weathered(await tally(load, database, ses), capsys, "no commit of messages or attempts for 2 s, twice")
    finally:
        await asyncio.to_thread(relay.end)
        await database.close()


@pytest.mark.parametrize(
    "trouble",
    [
        *sampled([partial(restarts, times=1), restarts, promotion, refused_commits], lambda at: at == 0),
        pytest.param(partial(restarts, times=20), marks=pytest.mark.soak),
    ],
    ids=["restart", "restarts", "promotion", "refused commits", "soak"],
)
async def test_what_saw_250_is_delivered(
    trouble: Trouble, durable: Postgres, tmp_path: Path, ses: Ses, capsys: pytest.CaptureFixture[str]
) -> None:
    await trouble(durable, tmp_path, ses, capsys)
