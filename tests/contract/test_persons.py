"""One person over all tables: told, and forgotten, while what is counted stays."""

from uuid import UUID, uuid4

from sqlalchemy import select, update

from auth import guests
from auth.people import enquiries
from config.database import Database
from config.keyring import Keyring
from delivery.persons import Persons
from delivery.queue.base import Queue
from delivery.store.base import Event, EventKind, Fate, InboundMail, InboundText, Learned
from delivery.store.nobody import NOBODY
from delivery.store.sent_index import sent_index
from delivery.store.tables import contents, events, messages
from messages.address import Address
from messages.message import Channel, Language
from messages.phone import PhoneNumber
from messages.status import Status
from tests.harness.aged import OLD, attempted, number, of, sent, service, taken
from tests.harness.counted import kept, recounted
from tests.harness.noon import NOW, message
from tests.harness.noticing import CONTACT, DOMAIN, House
from tests.harness.store import Store, group_of

ZOE, BOB = Address.parse("Zoe@example.com"), Address.parse("bob@example.com")


async def test_an_export_has_all_tables_by_service_and_nobody_elses(
    database: Database, keyring: Keyring, sealing: Keyring, store: Store, queue: Queue
) -> None:
    mine = await service(database, sealing, 7, "s")
    first, other = message(service_id=mine, recipient=ZOE, subject="Hello"), message(recipient=BOB)
    await sent(store, queue, first, "p1")
    await sent(store, queue, other, "p2")
    bounce = Event(
        uuid4(), EventKind.BOUNCE, "ses", "p1", first.id, None, NOW, Status.PERMANENT_FAILURE, detail="<zoe>"
    )
    await store.settling.learn([bounce], NOW)
    async with database.write() as c:
        await guests.add(c, keyring, mine, "zoe@example.com", NOW)
    found = (await Persons(database, keyring).export(ZOE))["services"]

    assert set(found) == {str(mine)}
    assert set(found[str(mine)]) == {"guests", "messages", "suppressions"}
    (told,) = found[str(mine)]["messages"]
    assert (told["recipient"], told["subject"], told["content"]) == ("Zoe@example.com", "Hello", "hello")
    assert [each["detail"] for each in told["events"]] == ["<zoe>"]
    assert len(told["attempts"]) == len(told["callbacks"]) == 1
    assert "recipient_hash" not in told


async def test_a_person_who_is_forgotten_is_found_nowhere_and_still_counted(
    database: Database, keyring: Keyring, sealing: Keyring, store: Store, queue: Queue
) -> None:
    mine, persons = await service(database, sealing, 7, "s"), Persons(database, keyring)
    ended, waiting = message(service_id=mine, recipient=ZOE), message(service_id=mine, recipient=ZOE, reference="zoe")
    other = message(service_id=mine, recipient=BOB)
    await sent(store, queue, ended, "p1")
    bounce = Event(
        uuid4(), EventKind.BOUNCE, "ses", "p1", ended.id, None, NOW, Status.PERMANENT_FAILURE, detail="<zoe>"
    )
    await store.settling.learn([bounce], NOW)
    await store.putting.put(group_of((waiting,), b"x"))
    await store.putting.put(group_of((other,), b"x"))
    async with database.write() as c:
        await guests.add(c, keyring, mine, "zoe@example.com", NOW)
    step = await persons.forget_messages(ZOE, NOW)
    gone = await persons.forget_rest(ZOE)

    assert (step.forgotten, step.cancelled, step.under_way, step.after) == (2, 1, 0, None)
    assert gone["guests"] == 1
    left = (await persons.export(ZOE))["services"]
    assert {owner: set(tables) for owner, tables in left.items()} == {
        str(mine): {"suppressions"}
    }  # nobody writes again
    found = await store.searching.load([ended.id, waiting.id, other.id])
    assert [found[each.id].recipient for each in (ended, waiting, other)] == [NOBODY[Channel.EMAIL]] * 2 + [BOB]
    assert (found[waiting.id].status, found[waiting.id].reference) == (Status.CANCELLED, None)
    assert set(await store.contents.load([each.content_id for each in found.values()])) == {other.content_id}
    async with database.read() as c:
        assert await kept(c) == await recounted(c)
        assert (await c.scalars(select(events.c.detail))).all() == [None]
    again = await persons.forget_messages(ZOE, NOW)
    assert (again.forgotten, again.cancelled) == (0, 0)


async def test_what_a_person_wrote_to_the_operator_is_told_and_forgotten_too(
    database: Database, keyring: Keyring
) -> None:
    persons = Persons(database, keyring)
    async with database.write() as c:
        for address in ("ZOE@example.com", "bob@example.com", "zoe@example.com"):
            written = {"reason": "ask", "name": "Zoe", "address": address, "words": "Hello"}
            await enquiries.add(c, keyring, NOW, language=Language.EN, **written)
    told = (await persons.export(ZOE))["services"]["none"]["enquiries"]
    assert [(each["address"].lower(), each["words"]) for each in told] == [("zoe@example.com", "Hello")] * 2
    assert (await persons.forget_rest(ZOE))["enquiries"] == 2
    assert (await persons.export(ZOE))["services"] == {}
    async with database.read() as c:
        assert [each.address for each in await enquiries.newest(c, keyring)] == ["bob@example.com"]


async def test_who_is_to_hear_that_nobody_reads_mail_is_told_and_forgotten_too(
    database: Database, keyring: Keyring, sealing: Keyring, store: Store
) -> None:
    persons = Persons(database, keyring)
    async with House.opened(database, keyring, sealing) as house:
        mine = (await house.service(contact=CONTACT)).id
    mail = InboundMail((f"permits@{DOMAIN}",), ZOE, "<31@example.com>", None)
    await store.answering.take([mail], NOW)
    (told,) = (await persons.export(ZOE))["services"][str(mine)]["mail_answers"]
    assert (told["sender"], told["message_id"]) == ("Zoe@example.com", "<31@example.com>")
    assert (await persons.forget_rest(ZOE))["mail_answers"] == 1
    assert (await persons.export(ZOE))["services"] == {}


async def test_a_message_under_way_is_left_until_it_has_ended(
    database: Database, keyring: Keyring, store: Store, queue: Queue
) -> None:
    persons, mine = Persons(database, keyring), message(recipient=ZOE)
    attempt = await attempted(store, queue, mine)
    first = await persons.forget_messages(ZOE, NOW)
    await taken(store, attempt, "p")
    second = await persons.forget_messages(ZOE, NOW)

    assert (first.forgotten, first.under_way) == (0, 1)
    assert (second.forgotten, second.under_way) == (1, 0)


async def test_a_content_that_somebody_else_still_waits_for_stays(
    database: Database, keyring: Keyring, store: Store, queue: Queue
) -> None:
    hers = message(recipient=ZOE)
    his = message(recipient=BOB, group_id=hers.group_id, content_id=hers.content_id)
    await store.putting.put(group_of((hers, his), b"to both"))
    await Persons(database, keyring).forget_messages(ZOE, NOW)

    assert await number(database, contents) == 1


async def test_a_number_is_forgotten_with_its_texts_and_what_retirement_left(
    database: Database, keyring: Keyring, store: Store, queue: Queue
) -> None:
    phone, persons = PhoneNumber.parse("+16135550100"), Persons(database, keyring)
    await sent(store, queue, of(uuid4(), OLD, recipient=phone, channel=Channel.SMS), "p")
    await store.retiring.rows(NOW)
    await store.putting.put(group_of((message(recipient=phone, channel=Channel.SMS),), b"x"))
    await store.receiving.take([InboundText("t", str(phone), "+16135550111", "hello", None)], NOW)
    await persons.forget_messages(phone, NOW)
    gone = await persons.forget_rest(phone)

    assert gone["inbound_texts"] == 1
    async with database.read() as c:
        assert (await c.scalars(select(sent_index.c.recipient_hash))).all() == [None]
        (row,) = (await c.execute(select(messages.c.id))).all()
    assert (await store.searching.load([row.id]))[row.id].recipient == NOBODY[Channel.SMS]


async def test_what_is_told_after_a_person_was_forgotten_is_kept_without_its_words(
    database: Database, keyring: Keyring, store: Store, queue: Queue
) -> None:
    hers, retired, his = message(recipient=ZOE), of(uuid4(), OLD, recipient=ZOE), message(recipient=BOB)
    for each, provider_id in ((hers, "p1"), (retired, "p2"), (his, "p3")):
        await sent(store, queue, each, provider_id)
    await store.retiring.rows(NOW)
    untagged = told("p0", None)
    assert await store.settling.learn([untagged], NOW) == Learned((Fate.PARKED,), ())
    async with database.write() as c:  # its message's own record comes late
        await c.execute(update(messages).where(messages.c.id == hers.id).values(provider_id="p0"))
    persons = Persons(database, keyring)
    await persons.forget_messages(ZOE, NOW)
    await persons.forget_rest(ZOE)
    late = [told("p0", hers.id), told("p2", retired.id), told("p3", his.id)]
    await store.settling.learn(late, NOW)
    await store.settling.match_parked(NOW)

    async with database.read() as c:
        rows = await c.execute(select(events.c.id, events.c.detail.is_not(None).label("told")))
        found = {row.id: row.told for row in rows}
    assert found == {untagged.id: False, late[0].id: False, late[1].id: False, late[2].id: True}


def told(provider_id: str, message_id: UUID | None) -> Event:
    return Event(
        uuid4(), EventKind.BOUNCE, "ses", provider_id, message_id, None, NOW, Status.PERMANENT_FAILURE, detail="<zoe>"
    )
