"""Who writes to a service's address hears once a day that nobody reads it, and a flood or another program does not."""

import asyncio
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest

from auth import notices
from auth.limits import ANSWERS_PER_SERVICE, DAY_SECONDS, HOUR_SECONDS, limits
from auth.notices import Kind
from auth.principal import Service
from auth.services import OWN_ID
from config.database import Database
from config.keyring import Keyring
from delivery.feedback.reading import read as read_told
from delivery.store.base import InboundMail, MailFate, Search
from delivery.store.mail_answers import KEPT_SECONDS, mail_answers
from delivery.store.suppressing import Codec
from delivery.store.suppressions import EVERYBODY, Reason
from messages.message import Lane, Message
from messages.status import Status
from relay.actions import domains, services
from relay.actions.transaction import Transaction
from tests.fakes.received import SUBJECT, tell
from tests.harness.aged import number
from tests.harness.mail import read
from tests.harness.noticing import CONTACT, DOMAIN, House
from tests.harness.sampled import one_database, sampled
from tests.harness.store import Store

READER, OURS = "zoe@example.org", f"permits@{DOMAIN}"
NOON = 12 * HOUR_SECONDS


@pytest.fixture
async def house(database: Database, keyring: Keyring, sealing: Keyring) -> AsyncIterator[House]:
    async with House.opened(database, keyring, sealing) as house:
        house.ahead_seconds = NOON - time.time() % DAY_SECONDS  # no day ends while a test runs
        yield house


async def hears(house: House, *told: str) -> list[str]:
    """What becomes of mail of which SES tells."""
    mails = [each for text in told for each in read_told(text) if isinstance(each, InboundMail)]
    answering = Store(house.database, house.secret).answering
    return [each.fate.value for each in await answering.take(mails, house.now())]


async def answers(house: House) -> list[tuple[Message, EmailMessage]]:
    """What leaves, newest first."""
    await house.process()[0].tell()
    store = Store(house.database, house.secret)
    found = [each.message for each in await store.searching.find(Search(service_id=OWN_ID), 1000)]
    contents = await store.contents.load({each.content_id for each in found})
    return [(each, read(contents[each.content_id] or b"")) for each in found]


async def own_domain(house: House, name: str) -> None:
    async def add(t: Transaction) -> None:
        await domains.add(t, name)

    await house.do(add)


async def test_three_mails_of_a_day_have_one_answer_and_the_next_day_has_its_own(house: House) -> None:
    await house.service(contact=CONTACT)
    mail = tell(READER, OURS, fields={"Message-ID": "<31@example.org>"})
    again = tell("ZOE@Example.org", OURS.upper())
    assert await hears(house, mail, again) == ["answered", "answered-today"]
    assert await hears(house, mail) == ["answered-today"]
    ((message, answer),) = await answers(house)
    assert (str(message.recipient), message.reverse_path, message.lane) == (READER, "", Lane.BULK)
    assert (message.service_id, message.status, message.notify) == (OWN_ID, Status.CREATED, frozenset())
    assert (answer["Auto-Submitted"], answer["X-Relay-Notice"]) == ("auto-replied", "answer")
    assert answer["In-Reply-To"] == answer["References"] == "<31@example.org>"
    assert answer["Message-ID"] == message.original_message_id
    assert len(await answers(house)) == 1

    house.ahead_seconds += DAY_SECONDS
    assert await hears(house, tell(READER, OURS), tell(READER, OURS)) == ["answered", "answered-today"]
    assert len(await answers(house)) == 2


async def test_an_answer_names_the_service_in_both_languages_and_where_to_write_instead(house: House) -> None:
    made = await house.service(contact=CONTACT, name_fr="permis", language="fr")
    await hears(house, tell(READER, OURS))
    ((message, answer),) = await answers(house)
    assert message.subject == (
        "permis\u00a0: personne ne lit le courrier envoyé à cette adresse / permits: nobody reads mail to this address"
    )
    said = answer.get_content()
    assert said.index("d'où permis envoie") < said.index("from which permits sends")
    assert "on its web site" in said
    assert SUBJECT not in answer.as_string()

    await house.do(services.update, str(made.id), reply_to_address="desk@city.example")
    await hears(house, tell("other@example.org", OURS))
    said = (await answers(house))[0][1].get_content()
    assert "To reach permits, write to desk@city.example." in said
    assert "Pour joindre permis, écrivez à desk@city.example." in said


async def test_an_answer_counts_as_nobodys_mail(house: House) -> None:
    made = await house.service(contact=CONTACT)
    await hears(house, tell(READER, OURS))
    ((_, _),) = await answers(house)
    for service in (made, await house.do(own_service)):
        assert {each.used for each in await house.do(services.usage, service)} == {0}


async def own_service(t: Transaction) -> Service:
    return await t.service(str(OWN_ID))


async def test_where_the_relay_has_no_service_of_its_own_nobody_is_answered(house: House) -> None:
    await house.service()
    assert await hears(house, tell(READER, OURS)) == ["no-writer"]


async def test_a_service_in_trial_one_that_is_unknown_and_who_gets_no_mail_are_answered_nothing(house: House) -> None:
    made = await house.service(contact=CONTACT)
    await house.do(services.create, name="Trial", email_from="trial")
    await own_domain(house, "city.example")
    for service_id, address in ((EVERYBODY, "all@example.org"), (made.id, "ours@example.org")):
        await suppress(house, service_id, address)
    expected = {
        tell(READER, f"nobody@{DOMAIN}"): MailFate.NOBODYS,
        tell(READER, "permits@elsewhere.example"): MailFate.NOBODYS,
        tell(READER, f"trial@{DOMAIN}"): MailFate.TRIAL,
        tell(f"other@{DOMAIN}", OURS): MailFate.OWN_DOMAIN,
        tell("clerk@city.example", OURS): MailFate.OWN_DOMAIN,
        tell("All@example.org", OURS): MailFate.SUPPRESSED,
        tell("ours@example.org", OURS): MailFate.SUPPRESSED,
        tell("<>", OURS): MailFate.NULL_SENDER,
        tell(READER, "not an address", f"nobody@{DOMAIN}", OURS): MailFate.ANSWERED,
    }
    assert await hears(house, *expected) == list(expected.values())
    assert [str(message.recipient) for message, _ in await answers(house)] == [READER]


async def suppress(house: House, service_id: UUID, address: str) -> None:
    async with house.database.write() as connection:
        codec = Codec(house.secret)
        await connection.run_sync(lambda c: codec.add(c, service_id, address, Reason.COMPLAINT, house.now()))


@one_database("postgresql")
@pytest.mark.parametrize("number_of_mails", sampled([300, 1000], lambda at: at == 0))
async def test_a_flood_is_answered_a_hundred_times_an_hour_and_takes_nothing_from_another_service(
    house: House, number_of_mails: int
) -> None:
    await house.service(contact=CONTACT)
    await house.service("parks")
    told = [tell(f"somebody{each}@example.org", OURS) for each in range(number_of_mails)]
    batches = await asyncio.gather(*(hears(house, *told[at : at + 10]) for at in range(0, number_of_mails, 10)))
    fates = [fate for batch in batches for fate in batch]
    assert fates.count("answered") == ANSWERS_PER_SERVICE
    assert fates.count("over-limit") == number_of_mails - ANSWERS_PER_SERVICE
    assert await number(house.database, mail_answers) == ANSWERS_PER_SERVICE
    assert await number(house.database, limits) == 1  # nor does anything else grow with those who write
    assert await hears(house, tell(f"somebody{number_of_mails - 1}@example.org", f"parks@{DOMAIN}")) == ["answered"]
    assert len(await answers(house)) == ANSWERS_PER_SERVICE + 1
    house.ahead_seconds += HOUR_SECONDS
    assert await hears(house, tell("another@example.org", OURS)) == ["answered"]


async def test_mail_that_many_processes_hear_of_at_once_has_one_answer(house: House) -> None:
    await house.service(contact=CONTACT)
    fates = await asyncio.gather(*(hears(house, tell(READER, OURS)) for _ in range(8)))
    assert sorted(fate for each in fates for fate in each) == ["answered", *["answered-today"] * 7]
    processes = [house.process()[0] for _ in range(4)]
    await asyncio.gather(*(each.tell() for each in processes))
    assert len(await answers(house)) == 1


async def test_two_relays_that_answer_each_other_end_after_one_answer(house: House) -> None:
    await house.service(contact=CONTACT)
    await hears(house, tell(READER, OURS))
    ((_, answer),) = await answers(house)
    fields = {name: str(value) for name, value in answer.items()}
    # As the other relay hears of it: its envelope sender is SES's, of which nothing is known, or ours.
    for sender in ("010d@ca-central-1.amazonses.com", "notify-relay@other.example"):
        assert await hears(house, tell(sender, OURS, fields=fields)) == ["automatic"]
    # One that drops what says so: each still answers the other once a day.
    fates = [(await hears(house, tell("notify-relay@other.example", OURS)))[0] for _ in range(20)]
    assert fates == ["answered", *["answered-today"] * 19]


@pytest.mark.parametrize("late", [False, True])
async def test_an_answer_that_could_not_leave_in_a_day_is_sent_to_nobody(house: House, late: bool) -> None:
    await house.service(contact=CONTACT)
    await hears(house, tell(READER, OURS))
    if late:
        house.ahead_seconds += KEPT_SECONDS + 1
    else:
        await Store(house.database, house.secret).retiring.forget(house.now() + KEPT_SECONDS + 1)
        assert await number(house.database, mail_answers) == 0
    assert await answers(house) == []
    async with house.database.read() as connection:
        assert await notices.due(connection, house.now() + 1e6, Kind.MAIL) == []


async def test_what_somebody_wrote_stands_nowhere(house: House) -> None:
    await house.service(contact=CONTACT)
    await hears(house, tell(READER, OURS, fields={"Message-ID": "<secret@example.org>"}))
    async with house.database.read() as connection:
        (row,) = (await connection.execute(mail_answers.select())).all()
        (noted,) = await notices.due(connection, house.now() + 1, Kind.MAIL)
    kept: Any = (*row, noted)
    assert not [each for each in map(repr, kept) if "zoe" in each or "secret@" in each or "passport" in each]
