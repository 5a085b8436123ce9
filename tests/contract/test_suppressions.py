"""Who must not be written to: what makes an entry, what does not, what it does at door and exit, and how it ends."""

import asyncio
import os
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, insert, select, text

from auth import services
from auth.audit import Actor, audit
from auth.domains import names
from auth.services import OWN_ID
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Settings
from delivery.queue.sql import SqlQueue
from delivery.store.base import EventKind
from delivery.store.inbound import InboundText
from delivery.store.suppressed import Stop, Suppressions
from delivery.store.suppressing import Codec, Entry
from delivery.store.suppressions import BOUNCE_SECONDS, EVERYBODY, Reason, suppressions
from messages.address import Address
from messages.message import Channel, KeyType, Lane, Message, new_id
from messages.phone import PhoneNumber
from messages.status import Status
from relay.actions import suppressions as changing
from relay.actions.errors import NOT_SUPPRESSED, SUPPRESSIONS_FULL, ActionError, UnknownError
from relay.actions.transaction import Transaction
from tests.fakes.auth import counted
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import event, relayed

DAY = 86_400.0
READER, GONE = Address.parse("Reader@example.org"), Status.PERMANENT_FAILURE
SERVICE, OTHER = uuid4(), uuid4()


def to_reader(service_id: UUID = SERVICE, **changes: Any) -> Message:
    return message(**({"recipient": READER, "service_id": service_id} | changes))


class Listed:
    """The list on one database; `now` is its clock."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database, self.keyring, self.now = database, keyring, NOW + 10
        self.store, self.queue = Store(database, keyring), SqlQueue(database)
        self.asked = Suppressions(database, keyring, lambda: self.now)

    async def told(self, sent: Message, kind: EventKind, status: Status | None = None, **changes: Any) -> None:
        """What the provider tells of a message that it took."""
        name = f"p-{sent.id}"
        if not await self.store.searching.load([sent.id]):
            await relayed(self.store, self.queue, sent, name)
        await self.store.settling.learn([event(kind, status, provider_id=name, **changes)], self.now)

    async def stop(self, sent: Message) -> Stop | None:
        return (await self.asked.stopped([sent])).get(sent.id)

    async def act(self, action: Any, *args: Any, **options: Any) -> Any:
        async with self.database.write() as c:
            t = Transaction(c, Settings(), self.keyring, None, Actor("operator", "ada"), self.now)
            return await action(t, *args, **options)

    async def entries(self, recipient: Address = READER) -> list[Entry]:
        codec = Codec(self.keyring)
        return await self.database.query(lambda c: codec.find(c, None, recipient.key))


@pytest.fixture
def listed(database: Database, keyring: Keyring) -> Listed:
    return Listed(database, keyring)


async def test_a_permanent_bounce_ends_a_services_mail_to_the_address_for_90_days(listed: Listed) -> None:
    await listed.told(to_reader(), EventKind.BOUNCE, GONE, reason="no-email")

    assert await listed.stop(to_reader(recipient=Address.parse("reader@EXAMPLE.org"))) is Stop.LISTED
    assert await listed.stop(to_reader(OTHER)) is None
    assert await listed.stop(to_reader(key_type=KeyType.TEST)) is None
    (entry,) = await listed.entries()
    assert (entry.reason, entry.until, entry.at_provider) == (Reason.BOUNCE, NOW + 5 + BOUNCE_SECONDS, True)
    async with listed.database.read() as connection:
        (row,) = (await connection.execute(select(suppressions))).all()
    assert not any(b"eader" in bytes(value) for value in row if isinstance(value, bytes))
    listed.now = NOW + 5 + BOUNCE_SECONDS
    assert await listed.stop(to_reader()) is None


async def test_a_complaint_never_ends(listed: Listed) -> None:
    await listed.told(to_reader(), EventKind.COMPLAINT, reason="abuse")
    listed.now += 50 * 365 * 86_400
    assert await listed.stop(to_reader()) is Stop.LISTED


async def test_a_complaint_that_only_the_providers_list_tells_is_none_of_this_service(listed: Listed) -> None:
    """Somebody complained of another service's mail: that must not end this one's for ever."""
    await listed.told(to_reader(), EventKind.COMPLAINT, reason="abuse")
    await listed.told(to_reader(OTHER), EventKind.COMPLAINT, GONE, reason="on-account-suppression-list")
    assert {(each.service_id, each.reason, each.until) for each in await listed.entries()} == {
        (SERVICE, Reason.COMPLAINT, None),
        (OTHER, Reason.BOUNCE, NOW + 5 + BOUNCE_SECONDS),
    }


@pytest.mark.parametrize(
    ("kind", "status", "changes"),
    [
        (EventKind.BOUNCE, Status.TEMPORARY_FAILURE, {"reason": "mailbox-full"}),
        (EventKind.COMPLAINT, None, {"reason": "not-spam"}),
        (EventKind.COMPLAINT, None, {"reason": "abuse", "several": True}),
        (EventKind.BOUNCE, GONE, {"several": True}),
        (EventKind.REJECT, Status.TECHNICAL_FAILURE, {"reason": "bad-content"}),
        (EventKind.DELAY, None, {}),
    ],
)
async def test_what_says_nothing_certain_of_one_person_makes_no_entry(
    listed: Listed, kind: EventKind, status: Status | None, changes: dict[str, Any]
) -> None:
    await listed.told(to_reader(), kind, status, **changes)
    assert await listed.entries() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"key_type": KeyType.TEST},
        {"recipient": Address.parse("bounce+1@simulator.amazonses.com")},
        {"recipient": PhoneNumber("+16135550100"), "channel": Channel.SMS},
    ],
)
async def test_tests_simulators_and_carriers_feed_nothing(listed: Listed, changes: dict[str, Any]) -> None:
    await listed.told(to_reader(**changes), EventKind.BOUNCE, GONE)
    async with listed.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(suppressions)) == 0


async def test_an_event_that_nobody_knew_makes_its_entry_when_it_is_matched(listed: Listed) -> None:
    sent = to_reader()
    bounce = event(EventKind.BOUNCE, GONE, provider_id="p-late")
    group = event(EventKind.COMPLAINT, provider_id="p-late", several=True)
    await listed.store.settling.learn([bounce, group], NOW)
    await relayed(listed.store, listed.queue, sent, "p-late")
    await listed.store.settling.match_parked(NOW)
    assert [each.reason for each in await listed.entries()] == [Reason.BOUNCE]


async def test_what_the_providers_list_told_first_is_one_services_once_its_late_event_is_heard(listed: Listed) -> None:
    """Else it would count for all and for ever: it stays there while it is ours, and is ours while it is there."""
    codec, dates = Codec(listed.keyring), {Reason.BOUNCE: NOW + 9, Reason.COMPLAINT: NOW - 86_400}

    def found_there(c: Connection) -> None:
        for reason, since in dates.items():
            codec.add(c, EVERYBODY, READER.key, reason, since, at_provider=True)
        c.execute(suppressions.update().values(listed_at=NOW + 7_200))

    await listed.database.transact(found_there)
    assert await listed.stop(to_reader(OTHER)) is Stop.LISTED
    await listed.told(to_reader(), EventKind.COMPLAINT, GONE, at=NOW + 9, reason="on-account-suppression-list")
    assert [each.service_id for each in await listed.entries()].count(EVERYBODY) == 2
    await listed.told(to_reader(), EventKind.BOUNCE, GONE, at=NOW + 5, reason="no-email")
    of_all = [each.reason for each in await listed.entries() if each.for_all]
    assert of_all == [Reason.COMPLAINT]  # of something else


async def test_a_code_that_somebody_asks_for_is_stopped_for_a_day_where_it_came_back_and_by_nobodys_complaint(
    listed: Listed,
) -> None:
    """Of a notice that came back nobody is to be locked out for 90 days."""
    code, notice = to_reader(OWN_ID, lane=Lane.PRIORITY), to_reader(OWN_ID, lane=Lane.BULK)
    await listed.told(notice, EventKind.BOUNCE, GONE, reason="no-email")
    assert [await listed.stop(each) for each in (code, notice)] == [Stop.LISTED, Stop.LISTED]
    assert await listed.asked.reach_nobody(OWN_ID, [READER])
    listed.now += DAY
    assert [await listed.stop(each) for each in (code, notice)] == [None, Stop.LISTED]
    assert not await listed.asked.reach_nobody(OWN_ID, [READER])

    again = to_reader(OWN_ID, lane=Lane.PRIORITY)
    await listed.told(again, EventKind.BOUNCE, GONE, reason="no-email", at=listed.now)
    assert await listed.stop(code) is Stop.LISTED
    listed.now += DAY
    await listed.told(notice, EventKind.COMPLAINT, reason="abuse", at=listed.now)
    assert [await listed.stop(each) for each in (code, notice)] == [None, Stop.LISTED]
    await listed.act(changing.add, None, READER.key)
    assert await listed.stop(code) is Stop.LISTED


async def test_two_processes_that_hear_at_once_make_one_entry(listed: Listed) -> None:
    sent = [to_reader() for _ in range(4)]
    for each in sent:
        await relayed(listed.store, listed.queue, each, f"p-{each.id}")
    told = [event(EventKind.BOUNCE, GONE, provider_id=f"p-{each.id}", at=NOW + n) for n, each in enumerate(sent)]
    stores = [Store(listed.database, listed.keyring) for _ in sent]
    await asyncio.gather(*(a.settling.learn([b], NOW + 10) for a, b in zip(stores, told, strict=True)))
    (entry,) = await listed.entries()
    assert entry.until == NOW + 3 + BOUNCE_SECONDS


async def test_what_is_lifted_stays_lifted_whatever_comes_late(listed: Listed) -> None:
    await listed.told(to_reader(), EventKind.BOUNCE, GONE, at=NOW + 5)
    late, echo, anew = to_reader(), to_reader(), to_reader()
    await listed.act(changing.lift, SERVICE, READER.key)
    assert await listed.stop(to_reader()) is None
    await listed.told(late, EventKind.BOUNCE, GONE, at=NOW + 6)  # it happened before
    await listed.told(echo, EventKind.BOUNCE, GONE, at=NOW + 11, reason="on-account-suppression-list")  # not yet told
    assert await listed.stop(to_reader()) is None
    await listed.told(anew, EventKind.BOUNCE, GONE, at=NOW + 12, reason="no-email")
    assert await listed.stop(to_reader()) is Stop.LISTED
    assert len(await listed.entries()) == 1


async def test_an_entry_by_hand_counts_for_all_and_is_audited_without_the_address(listed: Listed) -> None:
    added = await listed.act(changing.add, None, "READER@example.org")
    assert (added.reason, added.for_all, added.until, added.at_provider) == (Reason.BY_HAND, True, None, True)
    assert await listed.stop(to_reader(OTHER)) is Stop.LISTED
    again = await listed.act(changing.add, None, "reader@example.org", NOW + 60)
    assert again.until == NOW + 60
    with pytest.raises(UnknownError):  # a service ends its own alone
        await listed.act(changing.remove_entry, SERVICE, again.id)
    (gone,) = await listed.act(changing.remove, None, str(READER))
    assert gone.id == again.id
    assert await listed.stop(to_reader()) is None
    with pytest.raises(ActionError) as nothing:
        await listed.act(changing.remove, None, str(READER))
    assert nothing.value.text.source == NOT_SUPPRESSED
    async with listed.database.read() as connection:
        rows = (await connection.execute(select(audit).order_by(audit.c.id))).all()
    assert sorted(row.action for row in rows) == ["suppression.add", "suppression.add", "suppression.remove"]
    assert "eader" not in repr(rows)


async def test_a_service_adds_so_many_by_hand_and_no_more(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changing, "MAX_BY_HAND", 2)
    async with listed.database.write() as c:
        await names.ensure(c, listed.keyring, "notification.example.ca", NOW)
        made = await services.create(
            c, Limits(), NOW, name="Parks", email_from="parks", domain="notification.example.ca", live=True
        )
    for name in ("a", "b", "a"):
        await listed.act(changing.add, str(made.id), f"{name}@example.org")
    with pytest.raises(ActionError) as full:
        await listed.act(changing.add, str(made.id), "c@example.org")
    assert full.value.text.source == SUPPRESSIONS_FULL
    assert len(await listed.act(changing.page, str(made.id))) == 2


async def test_what_is_urgent_is_told_at_once_where_it_reaches_nobody(listed: Listed) -> None:
    number = PhoneNumber("+16135550100")
    await listed.told(to_reader(), EventKind.BOUNCE, GONE)
    stop = InboundText("in-1", number.key, "+16135550111", "STOP", None)
    await listed.store.receiving.take([stop], NOW)

    async def nobody(*recipients: Any) -> bool:
        return await listed.asked.reach_nobody(SERVICE, recipients)

    assert await nobody(READER)
    assert not await nobody(READER, Address.parse("other@example.org"))
    assert not await nobody(number)  # it may leave from a number of the service's own
    await listed.act(changing.add, None, number.key)
    assert await nobody(READER, number)
    assert await listed.asked.reach_nobody(OTHER, [number])


async def test_a_rare_reason_is_found_without_reading_the_others(listed: Listed, database: Database) -> None:
    """Also by PostgreSQL's plan for whatever is asked, which it makes once it was asked a few times."""
    codec, service_id = Codec(listed.keyring), uuid4()
    row = {
        "service_id": service_id,
        "recipient": b"r",
        "recipient_hash": b"h",
        "reason": Reason.BOUNCE.value,
        "since": NOW,
    }
    async with database.write() as connection:
        many = [row | {"id": new_id(NOW - n, os.urandom(10))} for n in range(5_000)]
        await connection.execute(insert(suppressions), many)
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))
        with counted(database) as asked:
            await connection.run_sync(lambda c: codec.page(c, service_id, NOW, 50, reason=Reason.COMPLAINT))
        (statement,) = asked
        assert "'complaint'" in statement
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        values = (service_id.bytes, NOW, 50, 0) if database.is_sqlite else (str(service_id), NOW, 50)
        plan = (await connection.exec_driver_sql(f"{explain} {statement}", values)).all()
    assert "suppressions_reason" in str(plan)
