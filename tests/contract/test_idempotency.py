"""What every store makes of idempotency keys: for a whole submission (HTTP), and for each recipient (SMTP)."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, delete, event, func, select

from auth.limits import Charge
from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Group, Repeated, Search, StoreUnavailable
from delivery.store.tables import contents, idempotency
from messages import reply
from messages.address import Address
from messages.message import IdempotencyKey
from messages.reply import Refused
from messages.status import Status
from tests.harness.groups import NEW, OLD, SERVICE, names_of, to
from tests.harness.migrated import migrated
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of


def keyed(key: str, body: bytes | None = b"b", **changes: Any) -> Group:
    return group_of((message(**({"service_id": SERVICE} | changes)),), b"hello", idempotency=IdempotencyKey(key, body))


def addresses(*names: str) -> list[Address]:
    return [Address(name, "example.org") for name in names]


async def everybody(store: Store) -> Counter[str]:
    """How many messages each recipient has."""
    found = await store.searching.find(Search(service_id=SERVICE), 10_000)
    return Counter(each.message.recipient.local for each in found)


# -- For a whole submission ----------------------------------------------------------------------------------------


async def test_a_key_that_was_used_names_what_was_accepted_then(store: Store) -> None:
    first = keyed("k")
    assert await store.putting.put(first) == first.messages

    with pytest.raises(Repeated) as same:
        await store.putting.put(keyed("k"))
    with pytest.raises(Repeated) as other:
        await store.putting.put(keyed("k", b"something else"))

    assert (same.value.message_id, same.value.same) == (first.messages[0].id, True)
    assert (other.value.message_id, other.value.same) == (first.messages[0].id, False)
    assert await store.counts(SERVICE) == {Status.CREATED: 1}


async def test_what_a_key_was_used_for_is_told_without_storing_anything(store: Store) -> None:
    first, anybody = keyed("k"), addresses("anybody")
    await store.putting.put(first)

    found = [
        await store.idempotency.repeated(SERVICE, IdempotencyKey("k", body), anybody)
        for body in (b"b", b"something else")
    ]

    assert [each and (each.message_id, each.same) for each in found] == [
        (first.messages[0].id, True),
        (first.messages[0].id, False),
    ]
    assert await store.idempotency.repeated(SERVICE, IdempotencyKey("K", b"b"), anybody) is None
    assert await store.idempotency.repeated(UUID(int=8), IdempotencyKey("k", b"b"), anybody) is None


@pytest.mark.parametrize("body", [b"b", None], ids=["of a submission", "per recipient"])
async def test_another_services_key_is_another_key_and_so_is_one_in_other_letters(
    store: Store, body: bytes | None
) -> None:
    await store.putting.put(keyed("k", body))
    await store.putting.put(keyed("k", body, service_id=UUID(int=8)))
    await store.putting.put(keyed("K", body))

    assert [await store.counts(UUID(int=service)) for service in (7, 8)] == [{Status.CREATED: 2}, {Status.CREATED: 1}]


async def test_of_many_at_once_with_one_key_one_is_stored(store: Store) -> None:
    results = await asyncio.gather(*(store.putting.put(keyed("k")) for _ in range(20)), return_exceptions=True)

    repeats = [result for result in results if isinstance(result, Repeated)]
    assert len(repeats) == 19
    assert len({repeat.message_id for repeat in repeats}) == 1
    assert await store.counts(SERVICE) == {Status.CREATED: 1}


async def test_a_refused_submission_leaves_its_key_free(store: Store) -> None:
    full = Charge(UUID(int=5), 86400, 1, reply.SERVICE_LIMIT)
    await store.putting.put(replace(keyed("a"), charges=(full,)))
    refused = await asyncio.gather(
        *(store.putting.put(replace(keyed("k"), charges=(full,))) for _ in range(3)), return_exceptions=True
    )

    assert [type(each) for each in refused] == [Refused] * 3
    assert len(await store.putting.put(keyed("k"))) == 1


async def test_a_key_is_forgotten_with_the_contents_of_its_time(store: Store) -> None:
    await store.putting.put(keyed("k"))
    await store.putting.put(to("ann", "bob"))
    assert await store.retiring.forget(NOW + 7 * 86_400 - 1) == 0
    with pytest.raises(Repeated):
        await store.putting.put(keyed("k"))

    assert await store.retiring.forget(NOW + 7 * 86_400 + 1) == 3
    assert len(await store.putting.put(keyed("k"))) == 1
    assert len(await store.putting.put(to("ann", "bob"))) == 2


async def test_keys_are_forgotten_a_portion_at_a_time_so_that_nobody_waits_long(store: Store) -> None:
    for number in range(5):
        await store.putting.put(keyed(f"k{number}"))

    assert [await store.retiring.forget(NOW + 7 * 86_400 + 1, limit=3) for _ in range(3)] == [3, 2, 0]


# -- For each recipient --------------------------------------------------------------------------------------------


async def test_the_rest_of_the_recipients_get_theirs_under_the_same_key_and_nobody_gets_two(store: Store) -> None:
    everyone = [f"reader-{number}" for number in range(120)]
    first, rest = to(*everyone[:100]), to(*everyone[90:], content=b"Received: by a relay on the way\r\n")

    assert names_of(await store.putting.put(first)) == everyone[:100]
    stored = await store.putting.put(rest)

    assert names_of(stored) == everyone[100:]
    assert await everybody(store) == Counter(everyone)
    assert await store.searching.group(rest.messages[0].group_id) == sorted(each.id for each in stored)
    (content,) = rest.contents.values()
    assert (await store.contents.load({rest.messages[0].content_id})) == {rest.messages[0].content_id: content}


async def test_a_whole_repeat_stores_nothing_and_names_what_the_first_recipient_got(store: Store) -> None:
    first, second = to("ann", "bob"), to("carl")
    await store.putting.put(first)
    await store.putting.put(second)
    again = to("carl", "ann", content=b"another")

    with pytest.raises(Repeated) as repeated:
        await store.putting.put(again)

    assert (repeated.value.message_id, repeated.value.same) == (second.messages[0].id, True)
    assert await everybody(store) == Counter(["ann", "bob", "carl"])
    assert await store.contents.load({again.messages[0].content_id}) == {}


async def test_a_repeat_of_a_large_content_does_not_store_it_either(store: Store) -> None:
    first, again = to("ann", content=b"x" * 600_000), to("ann", content=b"x" * 600_000)
    await store.putting.put(first)

    with pytest.raises(Repeated):
        await store.putting.put(again)

    assert await store.contents.load({again.messages[0].content_id}) == {}
    more = to("ann", "bob", content=b"y" * 600_000)
    assert names_of(await store.putting.put(more)) == ["bob"]
    assert (await store.contents.load({more.messages[0].content_id})) == {more.messages[0].content_id: b"y" * 600_000}


async def test_a_recipient_named_twice_gets_one_message(store: Store) -> None:
    assert names_of(await store.putting.put(to("ann", "bob", "ANN"))) == ["ann", "bob"]
    assert await everybody(store) == Counter(["ann", "bob"])


async def test_without_a_key_everybody_gets_whatever_is_sent(store: Store) -> None:
    await store.putting.put(to("ann", key=None))
    await store.putting.put(to("ann"))

    assert names_of(await store.putting.put(to("ann", key=None))) == ["ann"]
    assert await everybody(store) == Counter(ann=3)


async def test_a_key_of_a_submission_and_one_per_recipient_are_two(store: Store) -> None:
    await store.putting.put(keyed("k", recipient="ann@example.org"))

    assert names_of(await store.putting.put(to("ann"))) == ["ann"]
    assert await store.idempotency.repeated(SERVICE, IdempotencyKey("k", b"b"), addresses("ann")) is not None
    assert await store.idempotency.repeated(SERVICE, IdempotencyKey("other", b"b"), addresses("ann")) is None


async def test_only_when_all_recipients_are_known_is_it_called_a_repeat(store: Store) -> None:
    first = to(*(f"reader-{number}" for number in range(1200)))
    await store.putting.put(first)
    key, known = IdempotencyKey("k", None), [each.recipient for each in first.messages]

    repeated = await store.idempotency.repeated(SERVICE, key, known[5:])

    assert repeated is not None
    assert (repeated.message_id, repeated.same) == (first.messages[5].id, True)
    assert await store.idempotency.repeated(SERVICE, key, [*known, *addresses("new")]) is None
    assert await store.idempotency.repeated(SERVICE, key, [*addresses("new"), *known]) is None
    assert await store.idempotency.repeated(SERVICE, key, ()) is None


async def test_only_what_is_new_counts_against_the_limits(store: Store) -> None:
    charge = Charge(UUID(int=5), 86400, 3, reply.SERVICE_LIMIT)
    await store.putting.put(replace(to("ann", "bob"), charges=(charge,)))

    assert names_of(await store.putting.put(replace(to("ann", "bob", "carl"), charges=(charge,)))) == ["carl"]
    with pytest.raises(Repeated):
        await store.putting.put(replace(to("ann", "bob", "carl"), charges=(charge,)))
    with pytest.raises(Refused):
        await store.putting.put(replace(to("ann", "dora"), charges=(charge,)))

    assert names_of(await store.putting.put(to("ann", "dora"))) == ["dora"]
    assert await everybody(store) == Counter(["ann", "bob", "carl", "dora"])


async def test_of_many_at_once_each_recipient_gets_one_message(store: Store) -> None:
    everyone = [f"reader-{number}" for number in range(30)]
    wanted = [random.sample(everyone, 10) for _ in range(20)]

    results = await asyncio.gather(*(store.putting.put(to(*names)) for names in wanted), return_exceptions=True)

    stored = Counter(name for result in results if isinstance(result, tuple) for name in names_of(result))
    assert {type(result) for result in results} <= {tuple, Repeated}
    assert stored == Counter({name for names in wanted for name in names}) == await everybody(store)


async def test_what_a_refused_group_asked_for_goes_to_the_one_that_came_with_it(store: Store) -> None:
    """In one commit: the first is over its limit, and the second has room."""
    full, room = (Charge(UUID(int=holder), 86400, 2, reply.SERVICE_LIMIT) for holder in (5, 6))
    first, second = replace(to("ann", "bob", "carl"), charges=(full,)), replace(to("carl", "bob"), charges=(room,))

    refused, stored, repeated = await asyncio.gather(
        *(store.putting.put(group) for group in (first, second, to("bob"))), return_exceptions=True
    )

    assert isinstance(refused, Refused)
    assert isinstance(stored, tuple)
    assert names_of(stored) == ["carl", "bob"]
    assert isinstance(repeated, Repeated)
    assert repeated.message_id == second.messages[1].id
    with pytest.raises(Repeated) as known:
        await store.putting.put(to("bob"))
    assert known.value.message_id == second.messages[1].id
    assert names_of(await store.putting.put(to("ann", "bob"))) == ["ann"]


async def test_a_key_leaves_rows_for_what_was_stored_and_no_others(database: Database, keyring: Keyring) -> None:
    store, full = Store(database, keyring), Charge(UUID(int=5), 86400, 2, reply.SERVICE_LIMIT)
    groups = [replace(to(*names), charges=(full,)) for names in (("a", "b", "c"), ("b", "d"), ("c",), ("d", "e"))]

    results = await asyncio.gather(*(store.putting.put(group) for group in groups), return_exceptions=True)

    assert [type(result) for result in results] == [Refused, tuple, Refused, Refused]
    async with database.read() as connection:
        owners = set(await connection.scalars(select(idempotency.c.message_id)))
        stored = await connection.scalar(select(func.count()).select_from(contents))
    assert owners == {each.id for each in groups[1].messages}
    assert stored == 1


async def test_a_key_that_is_forgotten_while_it_is_looked_up_is_put_off(database: Database, keyring: Keyring) -> None:
    """It was there when its name was asked for, and gone when its message was: sent again, it is new."""
    store = Store(database, keyring)
    await store.putting.put(to("ann"))

    def forget(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT idempotency."):
            connection.execute(delete(idempotency))

    event.listen(Engine, "before_cursor_execute", forget)
    try:
        with pytest.raises(StoreUnavailable):
            await store.putting.put(to("ann"))
    finally:
        event.remove(Engine, "before_cursor_execute", forget)

    assert names_of(await store.putting.put(to("ann"))) == ["ann"]


async def test_however_many_keys_are_kept_one_is_found_by_the_primary_key(sqlite_url: str, keyring: Keyring) -> None:
    """A put that reads the whole table keeps every other writer waiting meanwhile."""
    database = await migrated(sqlite_url)
    store, asked = Store(database, keyring), list[tuple[str, Any]]()

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "idempotency" in statement and not statement.startswith("INSERT"):
            asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        full = Charge(UUID(int=5), 86400, 0, reply.SERVICE_LIMIT)
        for group in (to("ann", "bob"), to("ann", "bob"), keyed("k"), keyed("k"), replace(keyed("f"), charges=(full,))):
            with suppress(Repeated, Refused):
                await store.putting.put(group)
        await store.idempotency.repeated(SERVICE, IdempotencyKey("k", None), addresses("ann", "bob"))
        await store.retiring.forget(NOW + 7 * 86_400 + 1)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    async with database.read() as connection:
        plans = [
            [
                row.detail
                for row in await connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", tuple(values[0] if isinstance(values, list) else values)
                )
            ]
            for statement, values in asked
        ]
    await database.close()

    assert len(plans) == 5
    assert [
        plan for plan in plans if not all("idempotency USING" in line or "LIST SUBQUERY" in line for line in plan)
    ] == []


# -- During a rotation of the root secret --------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"b", None], ids=["of a submission", "per recipient"])
@pytest.mark.parametrize(
    ("first", "then"),
    [(OLD, f"{NEW},{OLD}"), (f"{NEW},{OLD}", OLD), (f"{NEW},{OLD}", NEW), (f"{OLD},{NEW}", f"{NEW},{OLD}")],
    ids=["begun", "not begun here", "ended", "in another order"],
)
async def test_a_key_is_known_to_all_who_share_a_root(
    database: Database, body: bytes | None, first: str, then: str
) -> None:
    once = keyed("k", body, recipient="ann@example.org")
    await Store(database, Keyring.parse(first)).putting.put(once)
    store = Store(database, Keyring.parse(then))

    told = await store.idempotency.repeated(SERVICE, IdempotencyKey("k", body), addresses("ann"))
    for _ in range(2):
        with pytest.raises(Repeated) as repeated:
            await store.putting.put(keyed("k", body, recipient="ann@example.org"))
        assert (repeated.value.message_id, repeated.value.same) == (once.messages[0].id, True)

    assert told is not None
    assert (told.message_id, told.same) == (once.messages[0].id, True)
    assert await store.counts(SERVICE) == {Status.CREATED: 1}
