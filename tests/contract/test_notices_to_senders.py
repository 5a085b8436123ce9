"""A sender is told of its message what it asked for, once, and nobody else is told anything."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest

from auth import limits as limits_of_auth
from auth import notices
from auth import services as all_services
from auth.notices import Kind
from auth.principal import Service
from auth.services import OWN_ID
from config.database import Database
from config.keyring import Keyring
from delivery.exit.noticing import Notices
from delivery.persons import Persons
from delivery.store.base import Event, EventKind, Search
from delivery.store.rows import PART_BYTES
from delivery.store.tables import contents
from messages.message import Dsn, KeyType, Lane, Message, Occasion
from messages.status import Status
from relay.actions import domains, guests, services
from relay.actions.transaction import Transaction
from tests.fakes.messages import make_message
from tests.harness.mail import read
from tests.harness.noticing import WORDS, House
from tests.harness.store import Store, group_of

OWN = "permits.city.example"
CONTENT = b"From: Clerk <clerk@city.example>\r\nSubject: Test\r\nMessage-ID: <31@city.example>\r\n\r\nHello\r\n"


@pytest.fixture
async def house(database: Database, keyring: Keyring, sealing: Keyring) -> AsyncIterator[House]:
    async with House.opened(database, keyring, sealing) as house:
        yield house


@dataclass
class Way:
    """A service with a domain of its own, whose senders are told what becomes of their messages."""

    house: House
    service: Service
    store: Store

    async def sent(self, *occasions: Occasion, content: bytes = CONTENT, **changes: Any) -> Message:
        """A message that came by SMTP, as its door stored it."""
        named: dict[str, Any] = {"reverse_path": f"clerk@{OWN}", "original_message_id": "<31@city.example>"}
        named |= {"service_id": self.service.id, "notify": frozenset(occasions), "dsn": Dsn(ret="FULL")}
        message = make_message("gone@example.org", content_bytes=len(content), **(named | changes))
        await self.store.putting.put(group_of((message,), content))
        return message

    async def becomes(self, message: Message, status: Status | None, kind: EventKind, detail: str = "") -> None:
        event = Event(uuid4(), kind, "ses", f"p-{message.id}", message.id, None, time.time(), status, "general", detail)
        await self.store.settling.learn([event], time.time())

    async def told(self) -> list[tuple[Message, EmailMessage]]:
        """The notices, oldest first, as they leave."""
        await self.house.process()[0].tell()
        found = [each.message for each in reversed(await self.store.searching.find(Search(service_id=OWN_ID), 2000))]
        recipes = await self.store.contents.load({each.content_id for each in found})
        build = Notices(self.store.searching, self.store.contents, WORDS, "mail.city.example", "sms.city.example").build
        letters = [await build(each, recipes[each.content_id] or b"") for each in found]
        return list(zip(found, map(read, letters), strict=True))

    async def waiting(self) -> int:
        async with self.house.database.read() as connection:
            return len(await notices.due(connection, self.house.now() + 1e6, Kind.SENDER))


@pytest.fixture
async def way(house: House) -> Way:
    async def own_domain(t: Transaction) -> None:
        await domains.add(t, OWN)

    await house.do(own_domain)
    service = await house.service(domain=OWN, contact=None)
    return Way(house, service, Store(house.database, house.secret))


async def test_a_bounce_is_told_once_with_the_other_sides_words_and_counts_as_nobodys(way: Way) -> None:
    message = await way.sent(Occasion.FAILURE)
    words = "smtp; 552 5.2.2 <gone@example.org> is full, as boss@example.net is"
    await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE, words)
    await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    ((stored, notice),) = await way.told()
    assert len(await way.told()) == 1
    assert (str(stored.recipient), stored.reverse_path, stored.lane) == (f"clerk@{OWN}", "", Lane.BULK)
    assert stored.notify == frozenset()
    people, program, original = notice.iter_parts()
    _, of_recipient = program.get_payload()
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", "5.2.2")
    assert of_recipient["Diagnostic-Code"] == "smtp; 552 5.2.2 <gone@example.org> is full, as (address) is"
    assert "boss@" not in people.get_content()
    assert original.get_content_type() == "message/rfc822"
    assert original.get_content()["Subject"] == "Test"
    assert {each.used for each in await way.house.do(services.usage, way.service)} == {0}
    assert {each.used for each in await way.house.do(services.usage, await way.house.do(own_service))} == {0}
    assert (await way.store.counts(way.service.id))[Status.CREATED] == 1


@pytest.mark.parametrize(("live", "key_type"), [(False, KeyType.NORMAL), (True, KeyType.TEAM)])
async def test_notices_of_a_trial_service_and_of_a_team_key_reach_guests_only(
    way: Way, live: bool, key_type: KeyType
) -> None:
    """Whoever names a sender would write to anybody at its own domain, whom it may not write to."""
    options = {"name": "Trial", "email_from": "trial", "domain": OWN, "notice_address": f"desk@{OWN}"}
    way.service = await way.house.do(services.create, live=live, **options)
    failed = {
        sender: await way.sent(Occasion.FAILURE, reverse_path=sender, key_type=key_type)
        for sender in (f"anybody@{OWN}", f"guest@{OWN}", "somebody@elsewhere.example")
    }
    await way.house.do(guests.add, way.service, f"guest@{OWN}")
    for each in failed.values():
        await way.becomes(each, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    assert [str(stored.recipient) for stored, _ in await way.told()] == [f"guest@{OWN}"]
    assert await way.waiting() == 0


async def test_of_a_large_message_a_notice_reads_no_more_than_it_may_return(way: Way) -> None:
    """A hundred of them about one of 25 MB would take a hundred times its room, of which the worker knows nothing."""
    message = await way.sent(Occasion.FAILURE, content=CONTENT + b"x" * PART_BYTES)
    long = await way.sent(Occasion.FAILURE, content=b"X-Long: a\r\n" * (PART_BYTES // 10) + CONTENT)
    async with way.house.database.write() as connection:
        await connection.execute(contents.update().where(contents.c.part > 0).values(data=b"not to be opened"))
    for each in (message, long):
        await way.becomes(each, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    (_, notice), (_, of_long) = await way.told()
    original = list(notice.iter_parts())[2]
    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_content().splitlines() == CONTENT.decode().splitlines()[:3]
    assert len(list(of_long.iter_parts())) == 2


async def test_what_was_not_asked_for_is_not_told(way: Way) -> None:
    every = frozenset(Occasion)
    asked = {each: await way.sent(each) for each in every}
    silent = await way.sent()
    for message in (*asked.values(), silent):
        await way.becomes(message, None, EventKind.DELAY)
        await way.becomes(message, Status.DELIVERED, EventKind.DELIVERY)
    await way.becomes(asked[Occasion.FAILURE], Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    await way.becomes(silent, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    told = [notice for _, notice in await way.told()]
    actions = {list(each.iter_parts())[1].get_payload()[1]["Action"]: each for each in told}
    assert actions.keys() == {"failed", "delayed", "relayed"}
    assert len(told) == 3
    assert list(actions["relayed"].iter_parts())[2].get_content_type() == "text/rfc822-headers"
    assert list(actions["delayed"].iter_parts())[1].get_payload()[1]["Will-Retry-Until"]


async def test_a_sender_elsewhere_is_not_told_but_the_services_own_address_is(way: Way) -> None:
    for _ in range(2):
        message = await way.sent(Occasion.FAILURE, reverse_path="victim@example.net")
        await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
        told = await way.told()
        changes = {"notice_address": "Bounces@Elsewhere.example"}
        await way.house.do(services.update, str(way.service.id), **changes)
    assert [str(each.recipient) for each, _ in told] == ["Bounces@elsewhere.example"]


async def test_a_flood_is_cut_for_its_sender_and_its_service_and_keeps_no_other_waiting(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_of_auth, "NOTICES_PER_SENDER", 2)
    monkeypatch.setattr(limits_of_auth, "NOTICES_PER_SERVICE", 4)
    for sender in ("a", "a", "a", "b", "c", "d", "e", "f"):
        message = await way.sent(Occasion.FAILURE, reverse_path=f"{sender}@{OWN}")
        await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    assert [str(each.recipient)[0] for each, _ in await way.told()] == ["a", "a", "b", "c"]
    assert await way.waiting() == 0
    way.house.ahead_seconds = 3600
    message = await way.sent(Occasion.FAILURE)
    await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    assert len(await way.told()) == 5


async def test_another_service_waits_behind_no_flood(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_AT_ONCE", 3)
    for name, number in (("first", 5), ("second", 5), ("third", 1)):
        service = await way.house.service(name, notice_address=f"{name}@other.example")
        for _ in range(number):
            message = await way.sent(Occasion.FAILURE, service_id=service.id, reverse_path="x@any.example")
            await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE)
    told = [str(each.recipient).partition("@")[0] for each, _ in await way.told()]
    assert told == ["first"] * 3 + ["second"] * 3 + ["third"]


async def test_who_asked_to_be_forgotten_is_named_in_no_notice(way: Way) -> None:
    message = await way.sent(Occasion.FAILURE)
    await way.becomes(message, Status.PERMANENT_FAILURE, EventKind.BOUNCE, "550 5.1.1 gone@example.org")
    persons = Persons(way.house.database, way.house.secret)
    await persons.forget_messages(message.recipient, time.time())
    assert await way.told() == []
    assert await way.waiting() == 0


async def test_services_of_before_get_whom_notices_come_from(house: House) -> None:
    async def own_domain(t: Transaction) -> None:
        await domains.add(t, OWN)

    async def of_before(t: Transaction, domain: str) -> None:
        await all_services.create(t.connection, t.limits, t.now, name=domain, email_from="s", domain=domain, live=True)

    async def has_own(t: Transaction) -> bool:
        return await all_services.exists(t.connection, service_id=OWN_ID)

    await house.do(own_domain)
    await house.service()
    for domain, is_made in ((None, False), (OWN, True)):
        if domain:
            await house.do(of_before, domain)
        await house.do(services.ensure_for_senders)
        assert await house.do(has_own) == is_made


async def own_service(t: Transaction) -> Service:
    return await t.service(str(OWN_ID))
