"""What every store makes of texts that come in, and of who wants no more."""

import asyncio
import os
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select

from config.database import Database
from config.keyring import Keyring
from delivery.library import origination
from delivery.library.origination import Kind
from delivery.queue.base import Queue
from delivery.store.base import InboundText
from delivery.store.inbound import Receiving, inbound_texts
from delivery.store.suppressed import Stop
from delivery.store.suppressions import suppressions
from messages.keywords import Keyword
from messages.message import Channel, Message, first_id, new_id
from messages.phone import PhoneNumber
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import relayed

READER, OURS = "+16135550100", "+16135550150"
SERVICE, OTHER = uuid4(), uuid4()


def text(words: str = "Hello", **changes: object) -> InboundText:
    return replace(InboundText(f"in-{uuid4()}", READER, OURS, words, None), **changes)  # type: ignore[arg-type]


def sms(service_id: UUID, number: str = READER, at: float = NOW) -> Message:
    of_then = {"id": new_id(at, os.urandom(10)), "created_at": at}
    return message(channel=Channel.SMS, recipient=PhoneNumber(number), service_id=service_id, **of_then)


async def take(store: Store, *texts: InboundText, now: float = NOW) -> list[InboundText]:
    return await store.receiving.take(texts, now)


async def test_a_text_is_kept_once_and_listed_to_whoever_texted_last(store: Store, queue: Queue) -> None:
    await relayed(store, queue, sms(SERVICE), "p-1")
    told = text("Yes, thank you \u2013 à demain 🙂")

    (kept,) = await take(store, told, told)
    assert await take(store, told) == []

    assert (kept.service_id, kept.message, kept.received_at) == (SERVICE, told.message, NOW)
    (listed,) = await store.received.page(SERVICE, None, 10)
    assert listed == kept
    assert await store.received.load([kept.id or uuid4(), uuid4()]) == {kept.id: kept}
    assert await store.received.page(OTHER, None, 10) == []


async def test_a_text_reaches_the_service_whose_text_it_answers(store: Store, queue: Queue) -> None:
    await relayed(store, queue, sms(SERVICE), "p-1")
    await relayed(store, queue, sms(OTHER, at=NOW + 1), "p-2")

    kept = await take(store, text("to the last"), text("to the first", answers="p-1"))

    assert [each.service_id for each in kept] == [OTHER, SERVICE]


async def test_a_text_from_nobody_that_we_know_is_nobodys(store: Store) -> None:
    (kept,) = await take(store, text("Hello?"))
    assert kept.service_id is None


async def test_pages_are_newest_first_and_end(store: Store, queue: Queue) -> None:
    await relayed(store, queue, sms(SERVICE), "p-1")
    kept = [(await take(store, text(f"{n}"), now=NOW + n))[0] for n in range(5)]

    first = await store.received.page(SERVICE, None, 3)
    second = await store.received.page(SERVICE, first[-1].id, 3)

    assert [each.message for each in first + second] == ["4", "3", "2", "1", "0"]
    assert await store.received.page(SERVICE, kept[0].id, 3) == []
    assert await store.received.page(SERVICE, uuid4(), 3) == []
    assert await store.received.page(OTHER, kept[4].id, 3) == []


async def test_stop_ends_texts_and_start_begins_them_again(store: Store, database: Database) -> None:
    stopped, free = sms(SERVICE), sms(SERVICE, "+16135550199")
    await take(store, text("ARRÊT"), text("stop!"))

    assert await store.suppressions.stopped([stopped, free, message()]) == {stopped.id: Stop.OPTED_OUT_OF_SHARED}
    assert await store.suppressions.opted_out(OTHER, [READER, "+16135550199"]) == {READER}  # the number is shared
    async with database.read() as connection:
        (row,) = (await connection.execute(select(suppressions))).all()
    assert (row.since, READER.encode() in bytes(row.recipient)) == (NOW, False)

    await take(store, text("Commencer"))
    assert await store.suppressions.stopped([stopped]) == {}


async def test_keywords_count_in_the_order_in_which_they_come(store: Store) -> None:
    await take(store, text("STOP", provider_id="b"), text("START", provider_id="a"))
    assert await store.suppressions.opted_out(SERVICE, [READER]) == frozenset()
    await take(store, text("START", provider_id="c"), text("STOP", provider_id="d"))
    assert await store.suppressions.opted_out(SERVICE, [READER]) == {READER}


async def test_a_keyword_that_is_told_again_changes_nothing(store: Store) -> None:
    stop = text("STOP")
    await take(store, stop)
    await take(store, text("START"))
    await take(store, stop)
    assert await store.suppressions.opted_out(SERVICE, [READER]) == frozenset()


async def test_stop_to_a_services_own_number_ends_its_texts_only(store: Store, database: Database, keyring: Keyring):
    async with database.write() as connection:
        await origination.add(connection, NOW, kind=Kind.LONG_CODE, identity=OURS, service_id=SERVICE)
        await origination.add(connection, NOW, kind=Kind.LONG_CODE, identity="+16135550151")
    owned = Receiving(database, keyring, origination.owners)
    (kept,) = await owned.take([text("STOP")], NOW)

    assert kept.service_id == SERVICE
    assert await store.suppressions.opted_out(SERVICE, [READER]) == {READER}
    assert await store.suppressions.opted_out(OTHER, [READER]) == frozenset()
    ended, going = sms(SERVICE), sms(OTHER)
    assert await store.suppressions.stopped([ended, going]) == {ended.id: Stop.OPTED_OUT}

    await owned.take([text("STOP", destination_number="+16135550151")], NOW)
    assert await store.suppressions.stopped([ended, going]) == {
        ended.id: Stop.OPTED_OUT,
        going.id: Stop.OPTED_OUT_OF_SHARED,
    }


async def test_each_keyword_is_answered_once_a_day(database: Database, keyring: Keyring) -> None:
    answered: list[str] = []

    def answer(_: Connection, kept: InboundText, __: Keyword) -> None:
        answered.append(kept.provider_id)

    receiving = Receiving(database, keyring, managed=lambda _, numbers: numbers, answer=[answer])

    for name, words, at in (
        ("a", "HELP", NOW),
        ("b", "aide?", NOW + 60),
        ("c", "Help me", NOW + 90_000),
        ("d", "AIDE", NOW + 90_000),
    ):
        await receiving.take([text(words, provider_id=name)], at)
    await receiving.take([text("HELP", provider_id="e", source_number="+16135550177")], NOW)

    for name, words in (("f", "STOP"), ("g", "ARRET"), ("h", "START"), ("i", "STOP"), ("j", "Thank you")):
        await receiving.take([text(words, provider_id=name)], NOW)

    assert answered == ["a", "d", "e", "f", "h"]


async def test_where_the_provider_answers_keywords_we_do_not(database: Database, keyring: Keyring) -> None:
    def answer(_: Connection, __: InboundText, ___: Keyword) -> None:
        raise AssertionError

    await Receiving(database, keyring, answer=[answer]).take([text("HELP")], NOW)


async def test_what_follows_is_in_the_same_transaction(store: Store, database: Database, keyring: Keyring, queue):
    def fails(_: Connection, __: InboundText) -> None:
        raise RuntimeError

    await relayed(store, queue, sms(SERVICE), "p-1")
    with pytest.raises(RuntimeError):
        await Receiving(database, keyring, tell=[fails]).take([text("STOP")], NOW)
    assert await store.suppressions.opted_out(SERVICE, [READER]) == frozenset()
    assert await store.received.page(SERVICE, None, 1) == []


async def test_many_processes_keep_each_text_once(store: Store, database: Database) -> None:
    texts = [text(f"{n}") for n in range(20)]
    found = await asyncio.gather(*(take(store, *order) for order in (texts, texts[::-1], texts[5:] + texts[:5])))
    assert sum(map(len, found)) == 20
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(inbound_texts)) == 20


async def test_texts_go_after_their_time_and_opt_outs_stay(store: Store, database: Database) -> None:
    await take(store, text("STOP"), text("Hello"))
    assert await store.retiring.forget(NOW + 7 * 86_400 + 1) == 2
    assert await store.suppressions.opted_out(SERVICE, [READER]) == {READER}
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).where(inbound_texts.c.id >= first_id(0))) == 0


async def test_start_ends_what_was_said_of_a_number_that_is_shared_by_now(
    store: Store, database: Database, keyring: Keyring, queue
) -> None:
    number = text("STOP").destination_number
    await relayed(store, queue, sms(SERVICE), "p-1")
    await Receiving(database, keyring, lambda *_: {number: SERVICE}).take([text("STOP")], NOW)
    assert await store.suppressions.opted_out(SERVICE, [READER]) == {READER}

    await take(store, text("START", provider_id="in-2"))
    assert await store.suppressions.opted_out(SERVICE, [READER]) == frozenset()
