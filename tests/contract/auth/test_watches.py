"""Doors learn which keys somebody watches, and what they saw is kept within bounds: on SQLite and on PostgreSQL."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select

from auth import keys, watches
from auth.principal import Service
from auth.watches import KEPT_SECONDS, MAX_OF_SERVICE, MAX_SIGHTINGS, WATCH_SECONDS, Sighting, Step, Watches
from config.database import Database
from config.keyring import Keyring
from messages.message import KeyType
from tests.fakes.auth import DEFAULTS, DOMAIN, NOW, FixedClock, away

Open = Callable[[], Watches]


@pytest.fixture
def open_watches(database: Database, clock: FixedClock) -> Open:
    return lambda: Watches(database, clock, default_domain=DOMAIN)


async def begin(database: Database, key: keys.Key, now: float = NOW) -> watches.Watch:
    async with database.write() as connection:
        return await watches.begin(connection, key, now)


async def seen(database: Database, key: keys.Key, now: float = NOW) -> list[Sighting]:
    async with database.read() as connection:
        return await watches.seen(connection, key.id, now)


async def test_every_process_learns_whom_somebody_watches_by_whatever_spelling_of_the_name(
    open_watches: Open, database: Database, issued: keys.Issued
) -> None:
    door, other = open_watches(), open_watches()
    await door.share()
    assert door.of(issued.key.smtp_username) is None
    watch = await begin(database, issued.key)
    for each in (door, other):
        await each.share()
        assert each.of(issued.key.smtp_username) == watch
        assert each.of(f"{issued.key.smtp_username.upper()}@{DOMAIN}") == watch
        assert each.of("another") is None


async def test_a_watch_ends_by_itself_and_lasts_longer_for_who_comes_again(
    open_watches: Open, database: Database, issued: keys.Issued, clock: FixedClock
) -> None:
    door, name = open_watches(), issued.key.smtp_username
    await begin(database, issued.key)
    await begin(database, issued.key, NOW + 60)
    await door.share()
    clock.now = NOW + WATCH_SECONDS + 59
    assert door.of(name)
    clock.now = NOW + WATCH_SECONDS + 60
    assert door.of(name) is None
    async with database.read() as connection:
        assert await watches.running(connection, issued.key.id, NOW)
        assert await watches.running(connection, issued.key.id, clock.now) is None
    await door.share()
    assert door.of(name) is None


async def test_what_two_processes_saw_is_shown_in_the_order_of_time(
    open_watches: Open, database: Database, issued: keys.Issued, clock: FixedClock
) -> None:
    watch, first, second = await begin(database, issued.key), open_watches(), open_watches()
    one, two = uuid4(), uuid4()
    first.note(watch, one, 1, Step.CONNECTED, {"network": "192.0.2.0/24"}, 3.0)
    clock.now += 1
    second.note(watch, two, 1, Step.CONNECTED, {"network": "198.51.100.0/24"}, 0.0)
    first.note(watch, one, 2, Step.TLS, {}, 0.5)
    for each in (second, first):
        await each.share()
    found = await seen(database, issued.key, clock.now)
    assert [(each.session, each.number) for each in found] == [(one, 1), (one, 2), (two, 1)]
    assert found[0] == Sighting(issued.key.id, one, 1, NOW - 3, Step.CONNECTED, {"network": "192.0.2.0/24"})


async def test_of_a_key_the_newest_are_kept_whoever_floods_and_others_keep_theirs(
    open_watches: Open, database: Database, keyring: Keyring, service: Service, issued: keys.Issued, clock: FixedClock
) -> None:
    async with database.write() as connection:
        quiet = (await keys.create(connection, keyring, DEFAULTS, service, NOW, name="Quiet", type=KeyType.TEST)).key
    loud_watch, quiet_watch, door = await begin(database, issued.key), await begin(database, quiet), open_watches()
    door.note(quiet_watch, uuid4(), 1, Step.CONNECTED, {}, 0.0)
    await door.share()
    session = uuid4()
    for number in range(1, 3 * MAX_SIGHTINGS):
        clock.now += 0.001
        door.note(loud_watch, session, number, Step.LOGGED_IN, {}, 0.0)
        if number % (MAX_SIGHTINGS // 2) == 0:
            await door.share()
    await door.share()
    kept = await seen(database, issued.key, clock.now)
    assert [each.number for each in kept] == list(range(2 * MAX_SIGHTINGS, 3 * MAX_SIGHTINGS))
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(watches.sightings)) == MAX_SIGHTINGS + 1
    assert len(await seen(database, quiet, clock.now)) == 1


async def test_what_is_over_an_hour_old_is_shown_to_nobody_and_goes(
    open_watches: Open, database: Database, issued: keys.Issued
) -> None:
    watch, door = await begin(database, issued.key), open_watches()
    door.note(watch, uuid4(), 1, Step.CONNECTED, {}, 0.0)
    await door.share()
    later = NOW + KEPT_SECONDS + WATCH_SECONDS + 1
    assert await seen(database, issued.key, later) == []
    await begin(database, issued.key, later)
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(watches.sightings)) == 0


async def test_a_service_watches_so_many_keys_at_once_the_last_ones_asked_for(
    database: Database, keyring: Keyring, service: Service, issued: keys.Issued
) -> None:
    await begin(database, issued.key)
    for number in range(MAX_OF_SERVICE):
        async with database.write() as connection:
            made = await keys.create(
                connection, keyring, DEFAULTS, service, NOW, name=f"Key {number}", type=KeyType.TEST
            )
            await watches.begin(connection, made.key, NOW + 1 + number)
    async with database.read() as connection:
        assert await watches.running(connection, issued.key.id, NOW) is None
        assert await connection.scalar(select(func.count()).select_from(watches.watches)) == MAX_OF_SERVICE


async def test_where_nobody_looks_on_a_second_costs_one_statement_and_an_outage_nothing_but_what_is_missed(
    open_watches: Open, database: Database, issued: keys.Issued
) -> None:
    door, told = open_watches(), []
    engines = [database.engine.sync_engine, *([database._plain] if database.is_sqlite else [])]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", lambda *said: told.append(said[2]))
    await door.share()
    assert [each for each in told if not each.startswith("BEGIN")] == [told[-1]]
    watch = await begin(database, issued.key)
    await door.share()
    with away(database):
        door.note(watch, uuid4(), 1, Step.CONNECTED, {}, 0.0)
        await door.share()
        assert door.of(issued.key.smtp_username) == watch
    door.note(watch, uuid4(), 1, Step.LOGGED_IN, {}, 0.0)
    await door.share()
    assert [each.step for each in await seen(database, issued.key)] == [Step.LOGGED_IN]
