"""The feed of what services are told, on SQLite and on PostgreSQL: nothing skipped, nothing twice, in order."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

from config.database import Database
from config.keyring import Keyring
from delivery.callbacks import telling
from delivery.callbacks.feed import Feed
from delivery.callbacks.sources import Sources
from delivery.store.base import InboundText
from messages.message import KeyType
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.callbacks import CallbackDesk
from tests.harness.store import Store, group_of

DAY = 86_400.0


class Texts:
    """Whoever keeps texts that came in."""

    async def load(self, text_ids: Sequence[UUID]) -> Mapping[UUID, InboundText]:
        return {each: text_of(None, each) for each in text_ids}


def text_of(service_id: UUID | None, text_id: UUID) -> InboundText:
    return InboundText("in-1", "+16135550100", "+16135550199", "STOP", None, text_id, service_id, time.time())


async def positions(feed: Feed, service: UUID, after: int = 0, limit: int = 250) -> list[tuple[str, int]]:
    """(id of the text, cursor behind it), one page a time."""
    found = []
    while True:
        events, last = await feed.page(service, KeyType.NORMAL, after, 0.0, limit)
        if last is None:
            return found
        found += [(event["id"], last) for event in events]
        after = last


async def test_nothing_is_seen_before_what_stands_in_front_of_it_is_committed(
    database: Database, keyring: Keyring
) -> None:
    feed = Feed(database, Sources(Store(database, keyring).searching, Texts()))
    service, first, second = uuid4(), uuid4(), uuid4()

    async def quick() -> None:
        await database.transact(lambda c: telling.tell_inbound(c, text_of(service, second)))

    async with database.write() as slow:
        await slow.run_sync(lambda c: telling.tell_inbound(c, text_of(service, first)))
        overtaking = asyncio.create_task(quick())
        await asyncio.sleep(0.5)
        assert not overtaking.done()
        assert await positions(feed, service) == []
    await overtaking
    assert [text for text, _ in await positions(feed, service)] == [str(first), str(second)]


async def test_what_is_undone_leaves_no_hole_and_other_services_do_not_wait(
    database: Database, keyring: Keyring
) -> None:
    feed = Feed(database, Sources(Store(database, keyring).searching, Texts()))
    service, other, kept = uuid4(), uuid4(), uuid4()
    try:
        async with database.write() as connection:
            await connection.run_sync(lambda c: telling.tell_inbound(c, text_of(service, uuid4())))
            if not database.is_sqlite:  # it has one writer
                async with asyncio.timeout(30):
                    await database.transact(lambda c: telling.tell_inbound(c, text_of(other, uuid4())))
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    await database.transact(lambda c: telling.tell_inbound(c, text_of(service, kept)))
    assert await positions(feed, service) == [(str(kept), 1)]


async def test_reader_among_many_writers_misses_nothing_and_sees_nothing_twice(
    database: Database, database_url: str, keyring: Keyring
) -> None:
    service, writers = uuid4(), [Database(database_url) for _ in range(4)]
    stores = [Store(each, keyring) for each in writers]
    feed, seen, after, ended = Feed(database, Store(database, keyring).sources), [], 0, asyncio.Event()

    async def write(store: Store) -> list[UUID]:
        sent = [make_message(service_id=service) for _ in range(25)]
        for each in sent:
            await store.putting.put(group_of((each,), b"hello"))
            await store.settle(each.id, Status.DELIVERED, time.time())
            await store.settle(each.id, Status.PERMANENT_FAILURE, time.time())
        return [each.id for each in sent]

    async def read() -> None:
        nonlocal after
        while True:
            last_round = ended.is_set()
            events, last = await feed.page(service, KeyType.NORMAL, after, 0.0, 7)
            seen.extend((event["id"], event["status"]) for event in events)
            if last is None and last_round:
                return
            after = last or after

    reading = asyncio.create_task(read())
    sent = await asyncio.gather(*map(write, stores))
    ended.set()
    await reading
    for each in writers:
        await each.close()
    ids = [str(each) for of_writer in sent for each in of_writer]
    assert len(seen) == len(set(seen)) == 200
    assert set(seen) == {(each, status) for each in ids for status in ("delivered", "permanent-failure")}
    assert all(seen.index((each, "delivered")) < seen.index((each, "permanent-failure")) for each in ids)


async def test_a_key_sees_what_keys_of_its_type_sent_of_its_service_in_the_last_week(
    database: Database, keyring: Keyring
) -> None:
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    live = await desk.message(None)
    test = await desk.message(None, service_id=live.service_id, key_type=KeyType.TEST)
    other = await desk.message(None)
    for each in (live, test, other):
        await desk.settle(each, Status.DELIVERED)
    complaint = await desk.complain(live)
    assert [(e["type"], e.get("complaint_id")) for e in await desk.feed(live)] == [
        ("delivery-status", None),
        ("complaint", str(complaint)),
    ]
    assert [e["id"] for e in await desk.feed(live, KeyType.TEST)] == [str(test.id)]
    assert await desk.feed(live, KeyType.TEAM) == []
    assert len(await desk.feed(live, limit=1)) == 2
    desk.clock.ahead_seconds += 7 * DAY + 60
    assert await desk.feed(live) == []


async def test_complaint_told_again_or_matched_later_is_one(database: Database, keyring: Keyring) -> None:
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    sent = await desk.message(None)
    await desk.settle(sent, Status.DELIVERED)
    await desk.complain(sent)
    assert len(await desk.feed(sent)) == 2
    # The content is gone by now, as when a complaint comes late.
    now = desk.clock() + 8 * DAY
    while (await desk.store.retiring.contents(now)).gone:
        pass
    await desk.complain(sent)
    assert [e["type"] for e in await desk.feed(sent)] == ["delivery-status", "complaint", "complaint"]
