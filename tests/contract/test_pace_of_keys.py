"""A key that sends ten times what it ever did is slowed, its owner told, and nothing of what it sends is lost."""

import os
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, select

from auth import keys, notices, services
from auth.notices import Kind
from config.database import Database
from config.keyring import Keyring
from delivery.backlog.pressure import Pressure
from delivery.figures.folding import Folding
from delivery.figures.tables import count_changes
from delivery.guard.pace_of_keys import FLOOR, Habit, KeyGuard, busiest, unslow
from delivery.metrics import GuardMetrics
from delivery.queue.sql import SqlQueue
from delivery.store import slowing
from delivery.store.reputations import busiest_hours
from messages.message import Lane, new_id
from messages.reply import Refused
from tests.fakes.auth import DEFAULTS
from tests.harness import aged
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

SERVICE, KEY, YOUNG = uuid4(), uuid4(), uuid4()
HOUR, DAY = 3600.0, 86_400.0
START = NOW - NOW % HOUR


class Street:
    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database, self.now = database, START + 600
        self.store = Store(database, keyring)
        self.guard = KeyGuard(database, GuardMetrics(CollectorRegistry()), lambda: self.now)
        self.door = Pressure(database, lambda: self.now)

    async def habit(self, messages: int, days: int = 10, holder: UUID = KEY) -> None:
        rows = [{"holder": holder, "day": int(self.now // DAY) - n, "messages": messages} for n in range(1, days + 1)]
        async with self.database.write() as c:
            await c.execute(insert(busiest_hours), rows)

    async def sends(
        self, number: int, key_id: UUID = KEY, *, at: float = START, key_type: str = "normal", of: UUID = SERVICE
    ) -> None:
        row = {"service_id": of, "id": new_id(NOW - DAY, os.urandom(10)), "start": int(at // 900) * 900}
        row |= {"channel": "email", "door": "smtp", "key_type": key_type, "key_id": key_id, "template_id": uuid4()}
        async with self.database.write() as c:
            await c.execute(insert(count_changes), [row | {"status": "created", "messages": number, "units": 0}])

    async def slowed(self, service_id: UUID = SERVICE) -> dict[UUID, int]:
        await self.guard.step()
        async with self.database.read() as c:
            return await slowing.per_hour(c, service_id)


@pytest.fixture
def street(database: Database, keyring: Keyring) -> Street:
    return Street(database, keyring)


async def test_ten_times_the_busiest_hour_slows_and_tells_once(street: Street) -> None:
    await street.habit(200)
    await street.sends(2_000)
    await street.sends(9_999, key_type="test")
    assert await street.slowed() == {}

    await street.sends(1)
    for _ in range(2):
        assert await street.slowed() == {KEY: 2_000}
    async with street.database.read() as c:
        (fate,) = await notices.of_service(c, SERVICE, Kind.REPUTATION)
    assert {name: fate.notice.said[name] for name in ("change", "busiest", "sent", "per_hour")} == {
        "change": "slowed",
        "busiest": 200,
        "sent": 2_001,
        "per_hour": 2_000,
    }


async def test_small_services_and_those_without_a_habit_are_left_alone(street: Street) -> None:
    await street.habit(1)
    await street.sends(FLOOR)
    await street.sends(50_000, YOUNG)  # of a service that nobody knows for a week
    await street.habit(3, days=6, holder=SERVICE)
    assert await street.slowed() == {}


async def test_the_relay_s_own_letters_codes_and_notices_are_never_slowed(
    street: Street, keyring: Keyring, sealing: Keyring
) -> None:
    """They go in by a key whose secret nobody knows: none was stolen, and nobody could revoke it or end that."""
    service_id = await aged.service(street.database, sealing, 7, "permits")
    async with street.database.write() as c:
        service = await services.find(c, DEFAULTS, service_id)
        hidden = await keys.hidden(c, keyring, DEFAULTS, service, NOW)
    await street.habit(200, holder=hidden.id)
    await street.sends(50_000, hidden.id)
    assert await street.slowed() == {}


def test_a_young_key_is_measured_by_its_service() -> None:
    assert busiest(None, None, 100) is None
    assert busiest(Habit(5, 95), Habit(7_000, 60), 100) == 7_000
    assert busiest(None, Habit(7_000, 60), 100) == 7_000
    assert busiest(Habit(5, 93), Habit(7_000, 60), 100) == 5


async def test_what_a_slowed_key_sends_is_due_at_its_pace_each_lane_on_its_own(street: Street) -> None:
    await street.habit(360)
    await street.sends(4_000)
    assert await street.slowed() == {KEY: 3_600}
    await street.door.read()

    now = street.now
    assert [await street.door.due_at(KEY, Lane.BULK, 10, now) for _ in range(3)] == [now, now + 10, now + 20]
    assert await street.door.due_at(KEY, Lane.PRIORITY, 1, now) == now
    assert await street.door.due_at(YOUNG, Lane.BULK, 10, now) == 0
    await street.door.due_at(KEY, Lane.PRIORITY, 2_700, now)
    with pytest.raises(Refused, match="this key is slowed"):
        await street.door.due_at(KEY, Lane.PRIORITY, 1, now)

    await street.door.due_at(KEY, Lane.NORMAL, 451, now, 600)
    with pytest.raises(Refused, match="this key is slowed"):  # it would expire before its place comes
        await street.door.due_at(KEY, Lane.NORMAL, 1, now, 600)
    assert await street.door.due_at(KEY, Lane.NORMAL, 1, now) == now + 451

    sent = message(service_id=SERVICE, key_id=KEY)
    await street.store.putting.put(group_of((sent,), b"x", due_at=NOW + 30))
    queue = SqlQueue(street.database)
    assert await queue.claim("w", 1, NOW + 29, 60, 0) == []
    assert [claim.message_id for claim in await queue.claim("w", 1, NOW + 30, 60, 0)] == [sent.id]


async def test_it_ends_when_the_key_sends_less_and_that_hour_becomes_no_habit(street: Street) -> None:
    await street.habit(200)
    await street.sends(50_000)
    assert KEY in await street.slowed()
    street.now = START + 1.5 * HOUR
    assert KEY in await street.slowed()
    street.now = START + 2 * HOUR + 60
    assert await street.slowed() == {}

    again = KeyGuard(street.database, GuardMetrics(CollectorRegistry()), lambda: street.now)
    await again.step()  # a process that knows nothing of before
    await street.sends(2_001, at=street.now)
    assert await street.slowed() == {KEY: 2_000}


async def test_who_is_told_that_it_is_no_thief_takes_it_for_a_habit(street: Street) -> None:
    await street.habit(200)
    await street.sends(5_000)
    assert KEY in await street.slowed()
    async with street.database.write() as c:
        assert [await unslow(c, KEY, street.now) for _ in range(2)] == [True, False]
    assert await street.slowed() == {}  # for the same messages
    await street.sends(45_001)
    assert await street.slowed() == {KEY: 50_000}
    async with street.database.write() as c:
        assert await unslow(c, KEY, street.now)
    street.now = START + HOUR + 60
    await street.sends(40_000, at=street.now)
    assert await street.slowed() == {}


async def test_hours_are_remembered_when_they_are_over_folded_or_not_and_for_30_days(street: Street) -> None:
    await street.habit(7, days=35)
    await street.sends(30, at=START - HOUR)
    await street.sends(40, YOUNG, at=START - HOUR)
    await street.sends(99)
    await Folding(street.database).fold(NOW)
    await street.guard.step()

    async with street.database.read() as c:
        rows = (await c.execute(select(busiest_hours))).all()
    today = int(street.now // DAY)
    assert {row.holder: row.messages for row in rows if row.day == today} == {KEY: 30, YOUNG: 40, SERVICE: 70}
    assert min(row.day for row in rows) == today - 30
