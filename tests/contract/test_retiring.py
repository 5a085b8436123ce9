"""What goes when its time is over, and what is known of it after that, on both databases."""

import asyncio
import os
from uuid import uuid4

from sqlalchemy import select, update

from auth import services
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits
from delivery import retention
from delivery.callbacks.bodies import Told
from delivery.queue.base import Queue
from delivery.store.base import (
    ROW_SECONDS,
    SENT_INDEX_SECONDS,
    CallbackKind,
    Event,
    EventKind,
    Fate,
    InboundText,
)
from delivery.store.retiring import START, Step
from delivery.store.sent_index import sent_index
from delivery.store.tables import attempts, callbacks, contents, events, messages
from messages.status import Status
from tests.harness.aged import DAY, OLD, number, of, sent, service
from tests.harness.counted import kept, recounted
from tests.harness.noon import NOW
from tests.harness.store import Store, group_of


async def test_contents_stay_as_long_as_their_service_says_and_no_longer(
    database: Database, sealing: Keyring, store: Store, queue: Queue
) -> None:
    short, usual, long = [await service(database, sealing, days, f"s{days}") for days in (1, 7, 30)]
    given = [of(each, NOW - days * DAY) for each in (short, usual, long) for days in (0.5, 2, 8, 31)]
    for at, each in enumerate(given):
        await sent(store, queue, each, f"p{at}")
    await retention.sweep(store.retiring, lambda: NOW, asyncio.Event())

    left = set(await store.contents.load([each.content_id for each in given]))
    assert [each.content_id in left for each in given] == [
        *(True, False, False, False),
        *(True, True, False, False),
        *(True, True, True, False),
    ]


async def test_a_service_that_keeps_less_lets_go_of_what_it_has(
    database: Database, sealing: Keyring, store: Store, queue: Queue
) -> None:
    mine = await service(database, sealing, 30, "s")
    each = of(mine, NOW - 3 * DAY)
    await sent(store, queue, each, "p")
    assert (await store.retiring.contents(NOW)).gone == 0
    async with database.write() as c:
        await services.keep_content(c, Limits(), mine, 2)

    assert (await store.retiring.contents(NOW)).gone == 1


async def test_a_large_content_goes_whole(database: Database, store: Store, queue: Queue) -> None:
    each = of(uuid4(), NOW - 8 * DAY)
    await store.putting.put(group_of((each,), os.urandom(5_000_000)))
    assert await store.retiring.drop([each.content_id]) == 1
    assert await number(database, contents) == 0


async def test_inbound_texts_stay_as_long_as_contents_of_their_service(
    database: Database, sealing: Keyring, store: Store
) -> None:
    short, long = await service(database, sealing, 1, "s1"), await service(database, sealing, 30, "s30")
    for owner in (short, long, None):
        text = InboundText(str(uuid4()), "+16135550100", "+16135550111", "hello", None)
        store.receiving._owners = lambda _, numbers, owner=owner: dict.fromkeys(numbers, owner)  # type: ignore[misc]
        await store.receiving.take([text], NOW)

    assert [await store.retiring.forget(NOW + days * DAY) for days in (0.5, 2, 8, 31)] == [0, 1, 1, 1]


async def test_a_row_goes_after_thirteen_months_with_all_that_hangs_on_it_and_its_counts_stay(
    database: Database, store: Store, queue: Queue
) -> None:
    old, young, waiting = of(uuid4(), OLD), of(uuid4(), NOW - ROW_SECONDS + DAY), of(uuid4(), OLD)
    await sent(store, queue, old, "old")
    await sent(store, queue, young, "young")
    await store.putting.put(group_of((waiting,), b"x"))
    told = Event(uuid4(), EventKind.BOUNCE, "ses", "old", old.id, None, OLD + 9, Status.PERMANENT_FAILURE)
    await store.settling.learn([told], NOW)
    async with database.read() as c:
        before = await kept(c)
    assert await store.retiring.rows(NOW) == 1
    assert await store.retiring.rows(NOW) == 0

    assert set(await store.searching.load([old.id, young.id, waiting.id])) == {young.id, waiting.id}
    assert [await number(database, table) for table in (events, callbacks, attempts)] == [0, 0, 1]
    async with database.read() as c:
        assert await kept(c) == before != await recounted(c)


async def test_a_complaint_after_retention_still_finds_its_service_once(
    database: Database, store: Store, queue: Queue
) -> None:
    old = of(uuid4(), OLD)
    await sent(store, queue, old, "old")
    assert await store.retiring.rows(NOW) == 1
    heard: list[tuple[object, object]] = []
    store.settling._followers = (
        *store.settling._followers,
        lambda _, __, hearing, rows: heard.extend((each.kind, rows[each.message_id]) for each in hearing),
    )
    told = Event(uuid4(), EventKind.COMPLAINT, "ses", "old", old.id, None, NOW, reason="abuse")

    assert (await store.settling.learn([told], NOW)).fates == (Fate.KEPT,)
    assert (await store.settling.learn([told], NOW + 60)).fates == (Fate.REPEATED,)
    ((kind, row),) = heard
    assert (kind, row.id, row.service_id) == (EventKind.COMPLAINT, old.id, old.service_id)  # type: ignore[attr-defined]
    assert row.recipient_hash  # type: ignore[attr-defined]
    async with database.read() as c:
        (called,) = (await c.execute(select(callbacks))).all()
    assert (called.service_id, called.message_id, called.source_id) == (old.service_id, old.id, told.id)
    asked = Told(called.id, CallbackKind.COMPLAINT, called.message_id, called.source_id, None, None, called.at)
    said = (await store.sources.fields([asked]))[called.id]
    assert (said["notification_id"], said["to"]) == (str(old.id), None)
    await store.settling.match_parked(NOW + 2 * DAY)
    assert await number(database, events) == 0


async def test_what_finds_a_late_complaint_goes_itself(database: Database, store: Store, queue: Queue) -> None:
    await sent(store, queue, of(uuid4(), OLD), "old")
    await store.retiring.rows(NOW)
    assert await store.retiring.forget(OLD + SENT_INDEX_SECONDS - DAY) == 0
    assert await store.retiring.forget(OLD + SENT_INDEX_SECONDS + DAY) == 1
    assert await number(database, sent_index) == 0


async def test_a_message_that_nobody_took_leaves_nothing_behind(database: Database, store: Store) -> None:
    old = of(uuid4(), OLD)
    await store.putting.put(group_of((old,), b"x"))
    async with database.write() as c:
        from delivery.store.tables import queue

        await c.execute(queue.delete())
        await c.execute(update(messages).values(status=Status.TECHNICAL_FAILURE.value))

    assert await store.retiring.rows(NOW) == 1
    assert [await number(database, table) for table in (messages, sent_index)] == [0, 0]
    assert await store.retiring.contents(NOW, START) == Step(1, None)
