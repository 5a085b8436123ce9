"""What people mean of the queue, by service, lane, domain and age: counted, tried again and cancelled in portions."""

import os
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from auth import audit, services
from config.database import Database
from config.settings import Settings
from delivery.queue import selecting
from delivery.queue.base import Queue
from delivery.store import slowing, tables
from delivery.store.base import Attempt
from delivery.store.reputations import slowed_keys
from messages.address import Address
from messages.message import KeyType, Lane, Message, first_id, new_id
from messages.status import Status
from messages.text import TextError
from relay.actions import keys
from relay.actions import queue as acting
from relay.actions.queue import Meant
from relay.actions.transaction import Transactions
from tests.harness import domains
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

SETTINGS, HERE, THERE = Settings(), UUID(int=1), UUID(int=2)


@pytest.fixture
def asking(asking_at: Callable[[Callable[[], float]], Transactions]) -> Transactions:
    return asking_at(lambda: NOW + 3600)


@pytest.fixture
async def waiting(store: Store, database: Database) -> list[Message]:
    """Of two services, two lanes and three domains; all are deferred."""
    made = [
        message(service_id=service, lane=lane, recipient=Address("ann", domain), expires_at=NOW + 86_400)
        for service in (HERE, THERE)
        for lane in (Lane.NORMAL, Lane.BULK)
        for domain in ("city.example", "mail.city.example", "example.com")
    ]
    for each in made:
        await store.putting.put(group_of((each,), b"x"))
    async with database.write() as connection:
        await connection.execute(update(tables.queue).values(available_at=NOW + 7200))
    return made


async def statuses(store: Store, sent: Sequence[Message]) -> list[Status]:
    found = await store.searching.load([each.id for each in sent])
    return [found[each.id].status for each in sent]


async def entries(database: Database) -> list[audit.Entry]:
    async with database.read() as connection:
        return await audit.find(connection, 1000)


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ({}, 12),
        ({"service_id": HERE}, 6),
        ({"lane": Lane.BULK}, 6),
        ({"domain": "city.example"}, 4),
        ({"domain": "example"}, 0),
        ({"service_id": THERE, "lane": Lane.NORMAL, "domain": "example.com"}, 1),
        ({"older_than_seconds": 3500}, 12),
        ({"older_than_seconds": 3700}, 0),
    ],
)
@pytest.mark.usefixtures("waiting")
async def test_what_is_meant_is_counted_tried_again_once_and_entered(
    asking: Transactions, database: Database, monkeypatch: pytest.MonkeyPatch, conditions: dict[str, Any], count: int
) -> None:
    monkeypatch.setattr(selecting, "_LOOKED_AT", 5)  # several looks
    selection = selecting.Selection(**conditions)
    assert await acting.retry(asking, selection) == count
    assert await acting.retry(asking, selection) == 0

    async with database.read() as connection:
        is_due = tables.queue.c.available_at <= NOW + 3600
        assert len((await connection.scalars(select(tables.queue.c.message_id).where(is_due))).all()) == count
    told = await entries(database)
    assert sum((each.before or {})["deferred"] for each in told) == count
    assert {each.action for each in told} <= {"queue.retry"}


async def test_what_a_slowed_key_sent_keeps_its_places_when_all_is_tried_again(
    asking: Transactions, database: Database, waiting: list[Message]
) -> None:
    """Who looks after a queue that was deferred gives no thief's mail the way free."""
    thief, tried = (message(service_id=HERE, key_id=UUID(int=9), expires_at=NOW + 86_400) for _ in range(2))
    store = Store(database, asking.secret)
    for each in (thief, tried):
        await store.putting.put(group_of((each,), b"x", due_at=NOW + 7200))
    async with database.write() as connection:
        row = {"key_id": UUID(int=9), "service_id": HERE, "per_hour": 1000, "since": NOW, "next_at": NOW + 7200}
        await connection.execute(insert(slowed_keys), [row | {"rank": lane.rank} for lane in Lane])
        deferred = update(tables.queue).where(tables.queue.c.message_id == tried.id)
        await connection.execute(deferred.values(attempts=1))
    assert await acting.retry(asking, selecting.Selection(service_id=HERE)) == len(waiting) / 2 + 1

    async with database.write() as connection:
        assert await slowing.end(connection, UUID(int=9))
    assert await acting.retry(asking, selecting.Selection(service_id=HERE)) == 1  # it was no thief


@pytest.mark.parametrize("ended", [False, True], ids=["slowed", "slowed until lately"])
async def test_what_a_slowed_key_sent_leaves_at_its_pace_after_it_was_held_apart(
    asking: Transactions, database: Database, ended: bool
) -> None:
    store, thief = Store(database, asking.secret), UUID(int=9)
    sent = [message(service_id=HERE, key_id=thief, expires_at=NOW + 86_400) for _ in range(3)]
    tried, later, other = (
        message(service_id=HERE, key_id=thief),
        message(service_id=HERE, key_id=thief, scheduled_for=NOW + 80_000, expires_at=NOW + 86_400),
        message(service_id=HERE),
    )
    for each in (*sent, tried, later, other):
        await store.putting.put(group_of((each,), b"x", due_at=NOW + 7200))
    async with database.write() as connection:
        row = {"key_id": thief, "service_id": HERE, "per_hour": 60, "since": NOW, "next_at": NOW + 7200}
        row["ended_at"] = NOW + 60 if ended else None
        await connection.execute(insert(slowed_keys), [row | {"rank": lane.rank} for lane in Lane])
        deferred = update(tables.queue).where(tables.queue.c.message_id == tried.id)
        await connection.execute(deferred.values(attempts=1))

    whole = selecting.Selection(service_id=HERE)
    assert await acting.hold_apart(asking, whole) == 6
    assert await acting.release_apart(asking, whole) == 6
    async with database.read() as connection:
        asked = select(tables.queue.c.message_id, tables.queue.c.available_at)
        due = {row.message_id: row.available_at for row in await connection.execute(asked)}
    places = sorted(due[each.id] for each in (*sent, later))
    assert places[:3] == pytest.approx([NOW + 7200, NOW + 7260, NOW + 7320])
    assert due[later.id] == NOW + 80_000
    assert (due[tried.id], due[other.id]) == (NOW + 3600, NOW + 3600)


async def test_what_is_meant_is_cancelled_and_the_rest_is_not(
    asking: Transactions, database: Database, store: Store, waiting: list[Message]
) -> None:
    found = await acting.to_be_cancelled(asking, Meant(domain="@City.Example", lane=Lane.NORMAL))
    assert (found.messages, len(found.counted.services), found.counted.lanes) == (2, 2, {Lane.NORMAL: 2})
    assert found.counted.oldest == pytest.approx(NOW, abs=0.01)

    assert await acting.cancel(asking, found.selection) == 2
    assert await acting.cancel(asking, found.selection) == 0
    ended = await statuses(store, waiting)
    assert [at for at, status in enumerate(ended) if status is Status.CANCELLED] == [0, 6]
    (entry,) = await entries(database)
    assert (entry.action, entry.object_id, entry.before and entry.before["waiting"]) == ("queue.cancel", "all", 2)
    assert entry.after
    assert (entry.after["waiting"], entry.after["lane"]) == (0, "normal")
    assert "city.example" not in repr(entry)


async def test_what_a_leaked_key_put_in_is_held_counted_and_cancelled_and_the_other_keys_mail_goes_on(
    asking: Transactions, database: Database, store: Store
) -> None:
    async with asking.write() as t:
        await domains.ensure(t.connection, t.sealing, "a.example", NOW)
        options = {"name": "Passports", "email_from": "passports", "domain": "a.example"}
        service = await services.create(t.connection, t.limits, NOW, **options)
        issued = [await keys.create(t, str(service.id), name=name, type=KeyType.NORMAL) for name in ("Scan", "Web")]
    leaked, other = (each.key for each in issued)
    sent = {key.id: message(service_id=service.id, key_id=key.id, expires_at=NOW + 86_400) for key in (leaked, other)}
    for each in sent.values():
        await store.putting.put(group_of((each,), b"x"))
    named = Meant(key=leaked.smtp_username)

    found = await acting.to_be_held(asking, named)
    assert (found.messages, found.selection.service_id) == (1, service.id)
    assert await acting.hold_apart(asking, found.selection) == 1
    assert await acting.release_apart(asking, found.selection) == 1
    assert await acting.cancel(asking, (await acting.to_be_cancelled(asking, named)).selection) == 1
    assert await statuses(store, [sent[leaked.id], sent[other.id]]) == [Status.CANCELLED, Status.CREATED]
    (entry,) = [each for each in await entries(database) if each.action == "queue.cancel"]
    assert (entry.object_id, (entry.after or {})["key_id"]) == (str(service.id), str(leaked.id))
    with pytest.raises(TextError):
        await acting.to_be_cancelled(asking, Meant(key="nobody-s"))


async def test_what_is_being_sent_is_left(
    asking: Transactions, store: Store, queue: Queue, waiting: list[Message], database: Database
) -> None:
    async with database.write() as connection:
        await connection.execute(update(tables.queue).values(available_at=NOW))
    claims = await queue.claim("w", 1, NOW + 3600, 60, 0)
    attempt = Attempt(new_id(NOW, os.urandom(10)), claims[0].message_id, 1, "ses", NOW + 3600)
    await store.attempting.attempt([attempt], "w", NOW + 3660)

    assert await acting.cancel(asking, selecting.Selection()) == 11
    by_id = dict(zip((each.id for each in waiting), await statuses(store, waiting), strict=True))
    assert [each for each, status in by_id.items() if status is Status.CREATED] == [claims[0].message_id]


async def test_those_whose_ids_are_named_are_cancelled_alone(
    asking: Transactions, store: Store, waiting: list[Message]
) -> None:
    named = frozenset({waiting[3].id, UUID(int=7)})
    assert await acting.cancel(asking, selecting.Selection(message_ids=named)) == 1
    assert (await statuses(store, waiting)).index(Status.CANCELLED) == 3


@pytest.mark.usefixtures("waiting")
async def test_what_is_accepted_after_the_command_is_not_meant(asking: Transactions, store: Store) -> None:
    later = message(id=first_id(NOW + 3601), service_id=HERE)
    await store.putting.put(group_of((later,), b"x"))
    assert await acting.cancel(asking, selecting.Selection()) == 12
    assert await statuses(store, [later]) == [Status.CREATED]


async def test_a_domain_that_is_none_and_a_service_that_is_none_are_refused(asking: Transactions) -> None:
    for wrong in (Meant(domain="not a domain"), Meant(service="nobody")):
        with pytest.raises(TextError):
            await acting.to_be_cancelled(asking, wrong)


@pytest.mark.usefixtures("waiting")
async def test_a_lane_is_held_and_released_alone(asking: Transactions, database: Database, queue: Queue) -> None:
    async with database.write() as connection:
        await connection.execute(update(tables.queue).values(available_at=NOW))
    async with asking.write() as t:
        await acting.hold(t, None, Lane.BULK)
    claimed = {each.lane for each in await queue.claim("w", 20, NOW + 3600, 60, 0)}
    assert claimed == {Lane.NORMAL}
    async with asking.write() as t:
        await acting.release(t, None, Lane.BULK)
    assert len(await queue.claim("w", 20, NOW + 3600, 60, 0)) == 6
    assert {each.action: each.after for each in await entries(database)} == {
        "queue.hold": {"held": True, "lane": "bulk"},
        "queue.release": {"held": False, "lane": "bulk"},
    }


async def test_what_waits_now_is_held_apart_until_it_is_released(
    asking: Transactions, database: Database, store: Store, queue: Queue, waiting: list[Message]
) -> None:
    later = message(scheduled_for=NOW + 7200, service_id=HERE, recipient=Address("ann", "city.example"))
    await store.putting.put(group_of((later,), b"x"))
    selection = selecting.Selection(domain="city.example")
    assert await acting.hold_apart(asking, selection) == 5
    assert await acting.hold_apart(asking, selection) == 0
    stats = await queue.stats(NOW + 3600)
    assert sum(each.held for each in stats.lanes.values()) == 5

    assert await acting.retry(asking, selecting.Selection()) == 8  # the others
    claimed = {each.message_id for each in await queue.claim("w", 20, NOW + 8000, 60, 0)}
    assert claimed == {each.id for each in waiting if str(each.recipient) != "ann@city.example"}

    assert (await acting.to_be_released(asking, Meant(older_than_seconds=0))).messages == 5
    assert await acting.release_apart(asking, selecting.Selection()) == 5
    assert len(await queue.claim("w", 20, NOW + 3600, 7200, 0)) == 4
    assert [each.message_id for each in await queue.claim("w", 20, NOW + 7200, 60, 0)] == [later.id]
    counts = [(each.before, each.after) for each in await entries(database) if each.action == "queue.release"]
    assert [(before or {})["messages"] for before, _ in counts] == [5]
