"""What waits is counted for all doors by one of them, and a door knows from it whom it pushes back."""

import itertools
import os
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select

from config.database import Database
from config.keyring import Keyring
from delivery.backlog.measuring import Measuring
from delivery.backlog.pressure import Pressure
from delivery.queue import interventions
from delivery.store.backlogs import backlogs, drains
from delivery.store.base import Outcome
from delivery.store.tables import attempts, queue
from messages.message import Channel, KeyType, Lane, new_id
from messages.reply import Refused
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

MINE, OTHER = uuid4(), uuid4()


class House:
    """A queue, who measures it, and a door."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database, self.now = database, NOW
        self.store = Store(database, keyring)
        self.measuring = Measuring(database, lambda: self.now)
        self.door = Pressure(database, lambda: self.now)

    async def wait(self, number: int, service_id: UUID = MINE, lane: Lane = Lane.NORMAL, **changes: Any) -> None:
        """So many stand in the queue."""
        row = {"service_id": service_id, "rank": lane.rank, "available_at": NOW, "attempts": 0, "parked": False}
        row |= {"test": False, "channel": Channel.EMAIL.value} | changes
        async with self.database.write() as c:
            await c.execute(insert(queue), [row | {"message_id": uuid4()} for _ in range(number)])

    async def relayed(self, number: int, **changes: Any) -> None:
        """The provider took so many, now."""
        changes = {"service_id": uuid4(), "lane": Lane.PRIORITY} | changes
        sent = tuple(message(**changes) for _ in range(number))
        await self.store.putting.put(group_of(sent, b"x"))
        row = {"number": 1, "provider": "ses", "started_at": self.now, "outcome": Outcome.RELAYED.value}
        async with self.database.write() as c:
            await c.execute(delete(queue).where(queue.c.message_id.in_([each.id for each in sent])))
            rows = [row | {"id": new_id(self.now, os.urandom(10)), "message_id": each.id} for each in sent]
            await c.execute(insert(attempts), rows)

    async def measure(self, seconds: float = 5.0) -> None:
        self.now += seconds
        await self.measuring.measure()
        await self.door.read()

    def pushed_back(self, service_id: UUID = MINE, channel: Channel = Channel.EMAIL) -> set[Lane]:
        return {lane for lane in Lane if self._refuses(service_id, lane, channel)}

    def _refuses(self, service_id: UUID, lane: Lane, channel: Channel) -> bool:
        try:
            self.door.check(service_id, KeyType.NORMAL, lane, [channel])
        except Refused as refused:
            return refused.line().startswith("452 4.3.1 ")
        return False

    async def rows(self, table: Any) -> list[Any]:
        async with self.database.read() as c:
            return list((await c.execute(select(table))).all())


@pytest.fixture
def house(database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)  # on a busy machine a count would put off the next
    return House(database, keyring)


async def test_who_has_more_waiting_than_is_sent_in_time_is_pushed_back_and_nobody_else(house: House) -> None:
    await house.wait(300, lane=Lane.PRIORITY)
    await house.wait(5, OTHER, Lane.PRIORITY)
    await house.measure()
    await house.relayed(1)
    await house.measure(10)

    (email,) = [row.per_second for row in await house.rows(drains) if row.channel == "email"]
    assert email == pytest.approx(0.1)
    assert house.pushed_back() == set(Lane)  # 300, and 5 of the other in turn, at 0.1 a second are 3,050 s
    assert house.pushed_back(OTHER) == set()
    assert house.pushed_back(channel=Channel.SMS) == set()
    house.door.check(MINE, KeyType.TEST, Lane.PRIORITY, [Channel.EMAIL])


async def test_whose_mail_leaves_is_measured_and_who_has_little_waiting_may_send_the_most(house: House) -> None:
    await house.wait(300, lane=Lane.PRIORITY)
    await house.wait(1, OTHER, Lane.PRIORITY)
    await house.measure()
    await house.relayed(2, service_id=MINE)
    await house.measure(10)
    assert house.pushed_back() == set()  # 300 at 0.2 a second
    await house.relayed(2, service_id=OTHER)
    await house.measure(10)
    assert house.pushed_back() == set(Lane)  # at half of that, which is its share


async def test_what_a_provider_takes_is_measured_only_while_there_is_more(house: House) -> None:
    await house.wait(10)
    await house.measure()
    await house.relayed(1)
    await house.measure(10)

    assert {row.per_second for row in await house.rows(drains)} == {0.0}
    assert house.pushed_back() == set()


async def test_a_test_key_s_messages_and_those_for_later_do_not_wait(house: House) -> None:
    await house.wait(60, test=True)
    await house.wait(60, available_at=NOW + 3600)
    await house.measure()

    assert await house.rows(backlogs) == []


async def test_where_nothing_waits_nothing_is_written(house: House) -> None:
    await house.measure()

    assert await house.rows(drains) == []


async def test_mail_of_a_held_lane_is_taken_until_it_would_expire(house: House) -> None:
    await house.wait(3)
    async with house.database.write() as c:
        await interventions.hold(c, MINE, NOW)
    await house.measure(12 * 3600)
    assert house.pushed_back() == set()
    await house.measure(60)
    assert house.pushed_back() == {Lane.NORMAL, Lane.BULK}
    async with house.database.write() as c:
        await c.execute(queue.delete())
    await house.measure()
    assert house.pushed_back() == set()


async def test_one_of_all_measures_and_a_door_forgets_what_is_old(house: House) -> None:
    await house.wait(1, available_at=NOW - 13 * 3600)
    other = Measuring(house.database, lambda: house.now)
    await house.measure()
    assert await other.measure() == 0.0
    assert house.pushed_back() == {Lane.NORMAL, Lane.BULK}

    house.now += 61
    await house.door.read()
    assert house.pushed_back() == set()


async def test_a_clock_that_was_an_hour_fast_pushes_nobody_back_for_that_hour(house: House) -> None:
    await house.wait(1, available_at=NOW - 13 * 3600)
    await house.measure(3600)
    assert house.pushed_back() == {Lane.NORMAL, Lane.BULK}

    async with house.database.write() as c:
        await c.execute(queue.delete())
    house.now -= 3600
    await house.door.read()
    assert house.pushed_back() == set()
    await house.measure()
    assert await house.rows(backlogs) == []


async def test_a_count_that_takes_long_is_made_less_often_by_all_doors_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.wait(1)
    seconds = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(seconds)))  # each takes one
    doors, counted = [Measuring(house.database, lambda: house.now) for _ in range(3)], 0
    for _ in range(24):
        house.now += 5
        for each in doors:
            counted += await each.measure() > 0
    assert counted <= 3 + 120 / 30
