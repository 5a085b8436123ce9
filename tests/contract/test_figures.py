"""What is counted is what a recount finds, at every moment and whoever folds; and what its readers make of it."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from auth import services
from auth.domains import names
from auth.principal import Service
from config.database import Database
from config.keyring import Keyring
from delivery.figures.folding import Folding
from delivery.figures.moments import Figures, grouped, series, since, total
from delivery.figures.reading import CountReader
from delivery.figures.spans import Span
from delivery.figures.tables import count_changes, counters, counts
from messages.message import Channel, Door, KeyType, Message
from messages.phone import PhoneNumber
from messages.status import Status
from tests.fakes.auth import DEFAULTS
from tests.harness.counted import kept, recounted
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

DAY = 86_400
LATER = time.time() + DAY  # all that is appended during these tests is old enough
ST_JOHNS = "America/St_Johns"


@pytest.fixture
def folding(database: Database) -> Folding:
    return Folding(database)


@pytest.fixture
def reader(database: Database) -> CountReader:
    return CountReader(database)


async def make_service(database: Database, sealing: Keyring, zone: str) -> Service:
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        made = await services.create(c, DEFAULTS, NOW, name="n", email_from=uuid4().hex, domain="x.example")
        return await services.update(c, DEFAULTS, made.id, time_zone=zone)


async def put(store: Store, *every: Message) -> None:
    await store.putting.put(group_of(every, b"x"))


async def is_exact(database: Database) -> bool:
    async with database.read() as connection:
        return await kept(connection) == await recounted(connection)


async def rows(database: Database, *, span: Span | None = None) -> int:
    """How many rows are appended, or are of that span."""
    asked = select(func.count()).select_from(counts).where(counts.c.span == span) if span else None
    async with database.read() as c:
        found = await c.scalar(asked if asked is not None else select(func.count()).select_from(count_changes))
        return int(found or 0)


def one_of_many(dice: random.Random, of: Sequence[UUID]) -> Message:
    """Of some service, key and template, by some door, up to half a year old."""
    text = dice.random() < 0.3
    return message(
        recipient=PhoneNumber("+16135550100") if text else "reader@example.org",
        channel=Channel.SMS if text else Channel.EMAIL,
        billable_units=dice.randint(1, 3) if text else 0,
        service_id=dice.choice(of[:2]),
        key_id=dice.choice(of[2:4]),
        template_id=dice.choice(of[4:]),
        key_type=dice.choice([KeyType.NORMAL, KeyType.TEST]),
        door=dice.choice(list(Door)),
        created_at=NOW - dice.choice([0, 0, 100, 5000, DAY, 5 * DAY, 180 * DAY]),
    )


async def test_counts_are_what_a_recount_finds_while_statuses_move_and_two_fold(
    store: Store, database: Database, folding: Folding
) -> None:
    dice = random.Random(14)
    of = [uuid4() for _ in range(7)]
    ends = [Status.DELIVERED, Status.TEMPORARY_FAILURE, Status.PERMANENT_FAILURE]
    every: list[Message] = []
    for _ in range(6):
        new = [one_of_many(dice, of) for _ in range(20)]
        every += new
        moves = [store.settle(dice.choice(every).id, dice.choice(ends), NOW + dice.random()) for _ in range(20)]
        others = [
            folding.fold(LATER, 7),
            Folding(database).fold(LATER),
            folding.age(NOW, 5),
            Folding(database).age(NOW),
        ]
        await asyncio.gather(*(put(store, each) for each in new), *moves, *others)
        assert await is_exact(database)

    while await folding.fold(LATER):
        pass
    while await folding.age(NOW):
        pass
    assert await rows(database) == 0
    assert await is_exact(database)


async def test_a_bounce_after_a_delivery_takes_its_count_back_however_old_it_is(
    store: Store, database: Database, folding: Folding, reader: CountReader
) -> None:
    old = message(created_at=NOW - 100 * DAY)
    await put(store, old)
    await store.settle(old.id, Status.DELIVERED, NOW - 99 * DAY)
    await folding.fold(LATER)
    while await folding.age(NOW):
        pass
    await store.settle(old.id, Status.PERMANENT_FAILURE, NOW, "bounce")
    async with database.read() as connection:
        assert await kept(connection) == await recounted(connection)
    assert total(await reader.moments(old.service_id, int(NOW - 200 * DAY))) == Figures(accepted=1, failed=1)


async def test_hours_days_and_months_are_those_of_the_services_zone(
    store: Store, database: Database, sealing: Keyring, folding: Folding, reader: CountReader
) -> None:
    service = await make_service(database, sealing, ST_JOHNS)
    midnight = datetime.fromtimestamp(NOW, ZoneInfo(ST_JOHNS)).replace(hour=0, minute=0).timestamp()
    around = [midnight - 1, midnight, midnight + 1800, midnight + 3600]
    same = {"service_id": service.id, "key_id": uuid4(), "template_id": uuid4()}
    await put(store, *(message(**same, created_at=at) for at in around))

    async def read(span: Span) -> list[tuple[int, int]]:
        found = series(await reader.moments(service.id, int(midnight) - 100 * DAY), span, ST_JOHNS)
        return [(start - int(midnight), found[start].accepted) for start in sorted(found)]

    for _ in ("appended", "folded"):
        assert await read(Span.HOUR) == [(-3600, 1), (0, 2), (3600, 1)]
        assert await read(Span.DAY) == [(-DAY, 1), (0, 3)]
        await folding.fold(LATER)
    await folding.age(midnight + 4 * DAY)
    assert (await rows(database, span=Span.HOUR), await rows(database, span=Span.DAY)) == (0, 2)
    assert await read(Span.DAY) == [(-DAY, 1), (0, 3)]
    months = await read(Span.MONTH)
    await folding.age(midnight + 90 * DAY)
    assert await rows(database, span=Span.DAY) == 0
    assert await read(Span.MONTH) == months


async def test_old_rows_become_fewer(store: Store, database: Database, folding: Folding) -> None:
    same = {name: uuid4() for name in ("service_id", "key_id", "template_id")}
    await put(store, *(message(**same, created_at=NOW - 90 * DAY + 900 * n) for n in range(200)))
    assert await rows(database) == 200
    await folding.fold(LATER)
    assert await rows(database, span=Span.HOUR) <= 51
    while await folding.age(NOW):
        pass
    assert await rows(database, span=Span.HOUR) == await rows(database, span=Span.DAY) == 0
    assert await rows(database, span=Span.MONTH) <= 2
    assert await is_exact(database)


async def test_moments_are_by_channel_and_door_without_tests(store: Store, reader: CountReader) -> None:
    service = uuid4()
    phone: dict[str, Any] = {"recipient": PhoneNumber("+16135550100"), "channel": Channel.SMS, "billable_units": 2}
    today, week = int(NOW) - 3600, int(NOW) - 6 * DAY
    sent = [message(service_id=service) for _ in range(4)]
    older = message(service_id=service, created_at=NOW - 2 * DAY)
    text = message(service_id=service, door=Door.HTTP, created_at=NOW - 2 * DAY, **phone)
    test = message(service_id=service, key_type=KeyType.TEST)
    await put(store, *sent, older, test, message())
    await put(store, text)
    await store.settle(sent[0].id, Status.DELIVERED, NOW)
    await store.settle(sent[1].id, Status.PERMANENT_FAILURE, NOW, "bounce")

    found = await reader.moments(service, week)
    assert grouped(found, lambda each: (each.channel, each.door)) == {
        (Channel.EMAIL, Door.SMTP): Figures(accepted=5, delivered=1, failed=1),
        (Channel.SMS, Door.HTTP): Figures(accepted=1, parts=2),
    }
    figures = total(since(found, today))
    assert figures == Figures(accepted=4, delivered=1, failed=1)
    assert (figures.under_way, figures.failure_share) == (2, 0.25)


async def test_what_changed_lately_is_told_by_service(store: Store, folding: Folding, reader: CountReader) -> None:
    mine, other = message(), message()
    await put(store, mine, other)
    (first,) = await reader.appended([mine.service_id], 10)
    assert first[0] == mine.service_id
    assert await folding.fold(time.time()) == 0  # too young: who watches may not have seen it
    await store.settle(mine.id, Status.DELIVERED, NOW)
    assert len(await reader.appended([mine.service_id, other.service_id], 10)) == 3
    assert len(await reader.appended([mine.service_id, other.service_id], 2)) == 2


async def test_the_most_used_templates_and_what_each_key_sent(store: Store, reader: CountReader) -> None:
    service, often, seldom, key, testing = (uuid4() for _ in range(5))
    mine = {"service_id": service, "key_id": key}
    await put(store, *(message(**mine, template_id=often) for _ in range(3)), message(**mine, template_id=seldom))
    await put(store, message(service_id=service, key_id=testing, key_type=KeyType.TEST, template_id=seldom))

    yesterday = int(NOW) - DAY
    used = await reader.templates(service, yesterday, 10)
    assert used == [(often, Figures(accepted=3)), (seldom, Figures(accepted=1))]
    assert await reader.templates(service, yesterday, 1) == used[:1]
    assert await reader.keys(service, yesterday) == {key: Figures(accepted=4), testing: Figures(accepted=1)}


async def test_months_of_all_services_leave_tests_out(
    store: Store, database: Database, folding: Folding, reader: CountReader
) -> None:
    in_may = datetime(2026, 5, 1, 0, 30, tzinfo=ZoneInfo("America/Toronto")).timestamp()
    await put(store, message(created_at=in_may), message(created_at=in_may, key_type=KeyType.TEST))
    await put(store, message(created_at=in_may - 3600), message(created_at=in_may))
    may = int(in_may) - 1800
    april = int(datetime(2026, 4, 1, tzinfo=ZoneInfo("America/Toronto")).timestamp())
    for _ in ("appended", "folded", "days", "months"):
        found = series(await reader.all_services(april), Span.MONTH, "America/Toronto")
        assert [(start, found[start].accepted) for start in sorted(found)] == [(april, 1), (may, 2)]
        await folding.fold(LATER)
        await folding.age(in_may + 200 * DAY)


async def test_what_the_version_before_still_counts_is_taken_over(
    database: Database, folding: Folding, reader: CountReader
) -> None:
    service = uuid4()
    old = {"service_id": service, "day": int(NOW // DAY), "channel": "email", "key_type": "normal"}
    async with database.write() as c:
        await c.execute(insert(counters), [old | {"status": "created", "messages": 3}])
        await c.execute(insert(counters), [old | {"status": "delivered", "messages": 2}])
    await folding.age(NOW)
    await folding.age(NOW)
    assert total(await reader.moments(service, int(NOW) - DAY)) == Figures(accepted=3, delivered=2)
