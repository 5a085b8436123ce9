"""Counting again from rows finds what was counted, whatever went on, and mends what differs."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, select, update

from auth import audit
from auth.audit import Entry
from config.database import Database
from config.keyring import Keyring
from delivery.figures.folding import Folding
from delivery.figures.spans import Span
from delivery.figures.tables import FOLDED, count_changes
from delivery.persons import Persons
from delivery.recount import Difference, Recount
from delivery.store.base import ROW_SECONDS
from messages.address import Address
from messages.status import Status
from relay.actions import statistics
from relay.actions.errors import ActionError
from relay.actions.transaction import Transactions
from tests.harness.aged import of, service
from tests.harness.counted import kept, recounted
from tests.harness.sampled import sampled
from tests.harness.store import Store, group_of

DAY = 86_400.0
AGES = (0.01, 0.3, 1.2, 2, 2.5, 3.4, 5, 20, 40, 61, 63, 70, 100, 150, 200, 300)
ZOE = Address.parse("zoe@example.com")


@pytest.fixture
def asking(asking_at: Callable[[Callable[[], float]], Transactions]) -> Transactions:
    return asking_at(time.time)


async def differences(asking: Transactions) -> Sequence[Difference]:
    return (await statistics.rebuild(asking, mends=False)).differences


async def history(database: Database, sealing: Keyring, store: Store) -> UUID:
    """Messages of all ages, with ends, counted and folded as they would have been."""
    now, mine = time.time(), await service(database, sealing, 7, "s")
    for at, days in enumerate(AGES):
        each = of(mine, now - days * DAY, recipient=ZOE, expires_at=now + DAY)
        await store.putting.put(group_of((each,), b"x"))
        if at % 3:
            await store.settle(each.id, Status.DELIVERED if at % 2 else Status.TEMPORARY_FAILURE, now)
        if at % 4 == 1:
            await store.settle(each.id, Status.PERMANENT_FAILURE, now)
    folding = Folding(database)
    while await folding.fold(now + 60):
        pass
    while await folding.age(now):
        pass
    return mine


async def entries(database: Database) -> list[Entry]:
    async with database.read() as connection:
        return await audit.find(connection, 10, kinds=["statistics"])


async def test_a_recount_finds_no_difference(
    database: Database, sealing: Keyring, store: Store, asking: Transactions
) -> None:
    await history(database, sealing, store)
    found = await statistics.rebuild(asking, mends=True)
    assert (found.services, found.months > 3, found.differences) == (1, True, [])
    assert await entries(database) == []


async def test_neither_a_person_that_is_forgotten_nor_rows_that_are_retired_make_a_difference(
    database: Database, keyring: Keyring, sealing: Keyring, store: Store, asking: Transactions
) -> None:
    mine = await history(database, sealing, store)
    old = of(mine, time.time() - ROW_SECONDS - DAY)
    await store.putting.put(group_of((old,), b"x"))
    await store.settle(old.id, Status.DELIVERED, time.time())
    await store.retiring.rows(time.time())
    await Persons(database, keyring).forget_messages(ZOE, time.time())

    assert await differences(asking) == []


@pytest.mark.parametrize("table", sampled([*FOLDED, count_changes], lambda at: at % 2 == 1), ids=str)
async def test_what_differs_is_told_and_mended(
    database: Database, sealing: Keyring, store: Store, asking: Transactions, table: Table
) -> None:
    mine = await history(database, sealing, store)
    if table is count_changes:  # lost before it was folded
        each = of(mine, time.time())
        await store.putting.put(group_of((each,), b"x"))
        async with database.write() as c:
            await c.execute(count_changes.delete())
    else:
        async with database.write() as c:
            newest = (await c.execute(select(table).order_by(table.c.start.desc()).limit(1))).one()
            one = (table.c.start == newest.start) & (table.c.status == newest.status)
            await c.execute(update(table).where(one).values(messages=table.c.messages + 5))
    found = (await statistics.rebuild(asking, mends=True)).differences
    told = {each.name: 1 for each in FOLDED} if table is count_changes else {table.name: -5}
    assert {each.table.name: each.messages for each in found} == told
    (entry,) = await entries(database)
    month = Span.MONTH.begins(found[0].start, "America/Toronto")
    assert (entry.action, entry.service_id) == ("statistics.rebuild", mine)
    assert entry.after == {
        "month": datetime.fromtimestamp(month + DAY, UTC).strftime("%Y-%m"),
        "counts": Counter(each.table.name for each in found),
        "messages": sum(abs(each.messages) for each in found),
        "units": sum(abs(each.units) for each in found),
    }
    assert await differences(asking) == []
    async with database.read() as c:
        assert await kept(c) == await recounted(c)


async def test_another_services_counts_are_left_alone(
    database: Database, sealing: Keyring, store: Store, asking: Transactions
) -> None:
    await history(database, sealing, store)
    await store.putting.put(group_of((of(uuid4(), time.time()),), b"x"))
    assert await differences(asking) == []


async def test_two_recounts_at_once_mend_once(database: Database, store: Store, asking: Transactions) -> None:
    first, second = Recount(database, time.time()), Recount(database, time.time())
    async with first.alone() as one, second.alone() as other:
        assert (one, other) == (True, False)
        with pytest.raises(ActionError, match="counts again just now"):
            await statistics.rebuild(asking, mends=True)
        await store.putting.put(group_of((of(uuid4(), time.time()),), b"x"))  # nobody waits for it
    async with second.alone() as after:
        assert after
