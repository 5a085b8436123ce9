"""Doors learn of each other's failed log-ins, and a restart forgets none: on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from auth import throttle
from auth.bans import Ban
from auth.errors import AuthError
from auth.throttle import Throttle, bans, lift, logins, name_hash
from config.database import Database
from config.keyring import Keyring
from messages.reply import THROTTLED, Refused
from tests.fakes.auth import DOMAIN, NOW, FixedClock, away, counted

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
Open = Callable[[], Throttle]


@pytest.fixture
def open_throttle(database: Database, keyring: Keyring, clock: FixedClock) -> Open:
    return lambda: Throttle(database, keyring, clock, default_domain=DOMAIN)


async def share(*throttles: Throttle) -> None:
    """What each does once a second, twice: so that the first one learns of the last one, too."""
    for each in throttles * 2:
        await each._share()


async def is_banned(throttle: Throttle, username: str, address: str = HERE) -> bool:
    try:
        await throttle.admit(address, username)
    except Refused as refused:
        if refused.reply is not THROTTLED:
            raise
        return True
    return False


def fail(throttle: Throttle, username: str, times: int, address: str = HERE) -> None:
    for _ in range(times):
        throttle.failed(address, username)


@asynccontextmanager
async def running(throttle: Throttle) -> AsyncIterator[Throttle]:
    task = asyncio.create_task(throttle.run())
    await asyncio.sleep(0)
    yield throttle
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def rows(database: Database) -> int:
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(logins))).scalar_one()


async def test_two_doors_count_together(open_throttle: Open) -> None:
    one, other = open_throttle(), open_throttle()
    fail(one, "printer", 5)
    fail(other, "printer", 5)
    assert not await is_banned(one, "printer")
    with capture_logs() as logs:
        await share(one, other)

    assert await is_banned(one, "printer")
    assert await is_banned(other, "printer")
    assert [line["event"] for line in logs] == ["auth.banned"]  # by the process that brought it
    assert not await is_banned(one, "scanner")


async def test_doors_that_see_the_same_attack_ban_no_longer_than_one_would(
    open_throttle: Open, database: Database
) -> None:
    doors = [open_throttle() for _ in range(4)]
    for door in doors:
        fail(door, "printer", 9)
    await share(*doors)

    async with database.read() as connection:
        assert [(ban.failures, ban.ends_at) for ban in await bans(connection, NOW)] == [(10, NOW + 60)]


async def test_doors_that_write_at_once_lose_no_failure(open_throttle: Open) -> None:
    doors = [open_throttle() for _ in range(4)]
    for door in doors:
        for number in range(50):
            fail(door, f"user-{number}", 2)
    await asyncio.gather(*(door._share() for door in doors))
    await share(*doors)

    pair = doors[0]._pair(HERE, "user-7")
    assert [door._ledger.failures(pair).count for door in doors] == [8] * 4


async def test_user_names_that_fail_at_several_doors_ban_the_address_at_all(open_throttle: Open) -> None:
    doors = [open_throttle() for _ in range(2)]
    await share(*doors)
    for number in range(20):
        fail(doors[number % 2], f"user-{number}", 1)
    with capture_logs() as logs:
        await share(*doors)

    assert all([await is_banned(door, "scanner") for door in doors])
    assert {(line["event"], line["address"], line["whole"]) for line in logs} == {("auth.banned", HERE, True)}


async def test_log_in_at_one_door_clears_its_failures_and_protects_its_address_at_all(open_throttle: Open) -> None:
    one, other = open_throttle(), open_throttle()
    fail(one, "printer", 9)
    await share(one, other)
    other.succeeded(HERE, "printer")
    await share(one, other)
    for number in range(60):
        fail(one, f"user-{number}", 1)

    assert await one.admit(HERE, "printer") == 0
    assert not await is_banned(one, "scanner")


async def test_failure_after_a_log_in_of_the_same_second_counts(open_throttle: Open) -> None:
    one, other = open_throttle(), open_throttle()
    fail(one, "printer", 9)
    one.succeeded(HERE, "printer")
    fail(one, "printer", 2)
    await share(one, other)

    assert other._ledger.failures(other._pair(HERE, "printer")).count == 2


async def test_restart_forgets_nothing(open_throttle: Open, database: Database) -> None:
    async with running(open_throttle()) as before:
        fail(before, "printer", 10)
        fail(before, "scanner", 3, ELSEWHERE)
        before.succeeded(HERE, "fax")
    async with running(open_throttle()) as after:
        assert await is_banned(after, "printer")  # from the first log-in on: it waits for what is loaded
        assert await after.admit(ELSEWHERE, "scanner") == 2
        for number in range(60):
            fail(after, f"user-{number}", 1)
        assert await after.admit(HERE, "fax") == 0


async def test_more_than_is_written_at_once_is_written_all_the_same(open_throttle: Open, database: Database) -> None:
    async with running(open_throttle()) as before:
        for number in range(250):
            fail(before, "printer", 1, f"203.0.113.{number}")

    assert await rows(database) == 250


async def test_address_is_shared_in_the_clear_and_user_name_is_not(open_throttle: Open, database: Database) -> None:
    secret = "gcntfy-app-0f1e2d3c"  # what people paste
    one = open_throttle()
    with capture_logs() as logs:
        fail(one, secret, 10)
    await share(one)
    async with database.read() as connection:
        (row,) = (await connection.execute(select(logins))).all()

    assert row.address == HERE
    assert logs == [
        {"event": "auth.banned", "log_level": "warning"}
        | {"address": HERE, "whole": False, "failures": 10, "seconds": 60}
    ]
    assert secret.encode() not in repr(tuple(row)).encode()


@pytest.mark.parametrize("alias", [" Printer", "PRINTER", f"printer@{DOMAIN}", f"Printer@{DOMAIN.upper()}"])
async def test_spellings_of_a_user_name_count_as_one(open_throttle: Open, alias: str) -> None:
    one = open_throttle()
    fail(one, "printer", 10)

    assert await is_banned(one, alias)


async def test_log_ins_under_load_ask_the_database_nothing(open_throttle: Open, database: Database) -> None:
    one = open_throttle()
    with counted(database) as statements:
        for _ in range(1000):
            await one.admit(HERE, "printer")
            one.succeeded(HERE, "printer")
            one.failed(HERE, "scanner")
    assert statements == []


async def test_attack_costs_a_bounded_number_of_rows_a_second_the_most_telling_first(
    open_throttle: Open, database: Database
) -> None:
    one = open_throttle()
    fail(one, "printer", 10)
    one.succeeded(ELSEWHERE, "fax")
    for number in range(3000):
        fail(one, f"user-{number}", 1, f"203.0.{number >> 8}.{number & 255}")
    fail(one, "scanner", 10)
    await one._share()

    assert await rows(database) == throttle._PAIRS_AT_ONCE
    assert len(one._noted) == throttle._MAX_NOTED - throttle._PAIRS_AT_ONCE
    async with database.read() as connection:
        assert [ban.failures for ban in await bans(connection, NOW)] == [10]  # the older ban's note was pushed out


async def test_outage_costs_nothing_but_sharing(open_throttle: Open, database: Database) -> None:
    one, other = open_throttle(), open_throttle()
    with capture_logs() as logs, away(database):
        fail(one, "printer", 10)
        await share(one, other)
        assert await is_banned(one, "printer")
        assert not await is_banned(other, "printer")
    assert [line["event"] for line in logs] == ["auth.banned", "auth.not_shared", "auth.not_shared"]
    await share(one, other)

    assert await is_banned(other, "printer")


async def test_door_that_starts_in_an_outage_lets_in_who_never_failed(open_throttle: Open, database: Database) -> None:
    with away(database):
        async with running(open_throttle()) as one, asyncio.timeout(30):
            assert await one.admit(HERE, "printer") == 0


async def test_ended_rows_are_dropped_and_log_ins_of_a_day_are_kept(
    open_throttle: Open, database: Database, clock: FixedClock
) -> None:
    one = open_throttle()
    fail(one, "printer", 1)
    one.succeeded(HERE, "scanner")
    await share(one)
    clock.now += 7300
    await share(one)
    assert await rows(database) == 1
    clock.now += 24 * 3600
    await share(one)

    assert await rows(database) == 0


async def test_table_is_bounded(database: Database, keyring: Keyring, clock: FixedClock) -> None:
    one = Throttle(database, keyring, clock, default_domain=DOMAIN, max_rows=100)
    one.succeeded(HERE, "scanner")
    await share(one)
    clock.now += 1
    async with database.write() as connection:
        values = [
            {"address": f"a{number}", "username_hash": b"", "failures": 1, "failed_at": clock.now, "succeeded_at": 0.0}
            | {"changed_at": clock.now + number / 1e6}
            for number in range(1300)
        ]
        await connection.execute(logins.insert(), values)
    clock.now += 61
    await one._sweep()

    assert await rows(database) == 100 + 2  # the newest, the one they are measured by, and the success


async def test_lifted_ban_is_lifted_at_every_door(open_throttle: Open, database: Database, clock: FixedClock) -> None:
    doors = [open_throttle() for _ in range(2)]
    fail(doors[0], "printer", 10)
    for number in range(20):
        fail(doors[0], f"user-{number}", 1, ELSEWHERE)
    await share(*doors)
    clock.now += 1
    async with database.write() as connection:
        await lift(connection, HERE, clock.now)
        await lift(connection, ELSEWHERE, clock.now)
    await share(*doors)

    for door in doors:
        assert not await is_banned(door, "printer")
        assert not await is_banned(door, "user-3", ELSEWHERE)


async def test_lifting_where_nothing_failed_says_so(database: Database) -> None:
    with pytest.raises(AuthError, match=r"192\.0\.2\.1"):
        async with database.write() as connection:
            await lift(connection, HERE, NOW)


async def test_bans_are_listed_with_the_hash_that_finds_the_key(
    open_throttle: Open, database: Database, keyring: Keyring
) -> None:
    one = open_throttle()
    fail(one, "printer", 10)
    await share(one)
    async with database.read() as connection:
        found = await bans(connection, NOW)

    assert found == [Ban(HERE, name_hash(keyring.hasher(throttle.PURPOSE), "Printer", DOMAIN), 10, NOW + 60)]


async def test_rows_from_the_future_do_no_harm(open_throttle: Open, database: Database) -> None:
    """Of a machine whose clock is wrong by days."""
    one = open_throttle()
    fail(one, "printer", 10)
    await share(one)
    async with database.write() as connection:
        await connection.execute(update(logins).values(failed_at=NOW + 1e6, changed_at=NOW + 1e6))
    await share(one)

    assert not await is_banned(one, "printer")
