"""What the relay itself sends is sent once, however many tell it and whenever one of them dies."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from auth import notices
from auth import services as all_services
from auth.notices import Kind
from auth.principal import Service
from auth.services import OWN_ID
from auth.warnings import Reached
from config.database import Database
from config.keyring import Keyring
from delivery.callbacks.owner import Change, Changed, inform_owner
from delivery.store.base import CallbackKind
from delivery.store.suppressed import Stop
from messages import markdown
from messages.keywords import Keyword
from messages.message import Channel, ContentKind, Language
from messages.sms.parts import size
from messages.sms.recipe import write
from relay.actions import services
from relay.actions.transaction import Transaction
from relay.notices import callbacks, limits
from relay.notices.contact import Contacts, Letter
from relay.notices.keywords import answer
from tests.fakes.principals import make_principal
from tests.harness.noticing import CONTACT, READER, WORDS, House
from tests.harness.store import Store


class Crash(Exception):
    pass


class Dying(Contacts):
    """Of a process that dies between the letter and the note that it was written."""

    async def write(self, to: str, name: str, letters: Mapping[Language, Letter]) -> UUID:
        await super().write(to, name, letters)
        raise Crash


async def listed(t: Transaction) -> list[Service]:
    return await all_services.list_all(t.connection, t.limits)


@pytest.fixture
async def house(database: Database, keyring: Keyring, sealing: Keyring) -> AsyncIterator[House]:
    async with House.opened(database, keyring, sealing) as house:
        yield house


async def test_many_processes_write_one_letter(house: House) -> None:
    service = await house.service(contact=CONTACT)
    await house.reach(service)
    processes = [house.process()[0] for _ in range(6)]

    await asyncio.gather(*(each.tell() for each in processes))
    (found,) = await house.letters()
    assert str(found.message.recipient) == CONTACT
    assert found.message.subject.startswith("permits has used 80% of its emails for the year / permits a utilis")
    assert await house.became(service) == [(80, True, found.message.id)]
    await processes[0].tell()
    assert len(await house.letters()) == 1


async def test_who_dies_between_letter_and_note_leaves_one_letter(house: House) -> None:
    service = await house.service(contact=CONTACT)
    await house.reach(service)
    await house.process(Dying)[0].tell()
    assert await house.became(service) == [(80, False, None)]
    (before,) = await house.letters()

    house.ahead_seconds = 61
    await house.process()[0].tell()
    assert await house.became(service) == [(80, True, before.message.id)]
    assert len(await house.letters()) == 1


async def test_a_letter_that_cannot_go_now_goes_later_and_keeps_no_other_waiting(house: House) -> None:
    service, other = await house.service(contact=CONTACT), await house.service("parks", contact="parks@city.example")
    await house.do(services.hold, str(OWN_ID))
    for each in (service, other):
        await house.reach(each)
    held, acceptor = house.process()
    await held.tell()
    assert await house.letters() == []
    assert acceptor.asked == 0

    await house.do(services.release, str(OWN_ID))
    await house.process()[0].tell()
    assert await house.letters() == []  # due in a minute
    house.ahead_seconds = 61
    await house.process()[0].tell()
    assert {str(each.message.recipient) for each in await house.letters()} == {CONTACT, "parks@city.example"}


async def test_without_a_contact_nobody_is_told_and_no_service_of_ours_is_made(house: House) -> None:
    service = await house.service()
    await house.reach(service)
    await house.process()[0].tell()
    assert await house.became(service) == [(80, True, None)]
    (mine,) = await house.do(listed)
    assert mine.id == service.id


async def test_the_letters_own_service_is_made_once_whatever_address_is_taken(house: House) -> None:
    await house.service("notify-relay")
    for name in ("one", "two"):
        await house.service(name, contact=CONTACT)
    found = await house.do(listed)
    own = [each for each in found if each.id == OWN_ID]

    assert [each.email_from for each in own] == [f"notify-relay-{OWN_ID.hex[:6]}"]
    assert (own[0].live, own[0].language) == (True, Language.BOTH)


async def test_a_letter_counts_against_nobody_but_its_own_service(house: House) -> None:
    service = await house.service(contact=CONTACT)
    await house.reach(service)
    await house.process()[0].tell()
    usage = await house.do(services.usage, service)
    of_own = await house.do(services.usage, await house.do(lambda t: t.service(str(OWN_ID))))

    assert {each.used for each in usage} == {0}
    assert [each.used for each in of_own] == [1, 1, 0, 0, 0]


async def test_both_languages_are_there_with_the_services_first(house: House) -> None:
    service = await house.service(contact=CONTACT, language=Language.FR)
    await house.reach(service, 100, Channel.SMS)
    await house.process()[0].tell()
    (found,) = await house.letters()
    stored = await Store(house.database, house.secret).contents.load({found.message.content_id})
    recipe = json.loads(stored[found.message.content_id])

    french, english = recipe["personalisation"]["body"].split("\n\n---\n\n")
    assert french.startswith("[[fr]]\npermits a envoyé 5\u00a0000 parties de textos durant l'exercice commencé")
    assert "Ses envois sont désormais refusés jusqu'au 1er avril 2027." in french
    assert english.startswith("[[en]]\npermits has sent 5,000 parts of text messages in the fiscal year that began on")
    assert "What it sends from now on is refused until April 1, 2027." in english
    assert recipe["language"] == "both"


@pytest.mark.parametrize("language", [Language.EN, Language.FR])
def test_a_name_of_a_service_is_no_markdown(language: Language) -> None:
    name = "Parks [free](https://x.example) *now* _a_ <b> & `c` # 1^2 \\ ((d)) https://y.example"
    service = replace(make_principal().service, name=name)
    reached = Reached(service.id, Channel.EMAIL, 2026, 80, 5, 4, 0.0)
    written = limits.letter(reached.notice, service, language, WORDS.translator(language))
    page = markdown.render(written.body)

    assert written.subject.startswith(name)
    assert page.text.startswith("Parks [free](https://x.example) *now* _a_ <b> & `c` # 1^2 \\ ((d)) ")
    assert "<em>" not in page.html
    assert ">free<" not in page.html


# -- Callback URLs ---------------------------------------------------------------------------------------------------


def suspended(service: Service, **changes: Any) -> Changed:
    """Of a URL whose path and query nobody is to read."""
    url = "https://hooks.city.example:8443/secret-path?token=secret-token"
    kind, at = CallbackKind.COMPLAINT, 1_795_000_000.0
    changed = Changed(Change.SUSPENDED, service.id, kind, url, at - 86_400, "http-503", at)
    return replace(changed, **changes)


async def test_a_suspended_url_is_one_letter_and_one_that_answers_again_another(house: House) -> None:
    service = await house.service(contact=CONTACT)
    for changed in (suspended(service), suspended(service), suspended(service, change=Change.RESUMED)):
        async with house.database.write() as connection:
            await connection.run_sync(inform_owner, changed)
        await asyncio.gather(*(house.process()[0].tell() for _ in range(3)))

    subjects = {each.message.subject.partition(" / ")[0] for each in await house.letters()}
    assert subjects == {"permits: a callback URL is suspended", "permits: a callback URL answers again"}
    assert len(await house.letters()) == 2


@pytest.mark.parametrize("language", [Language.EN, Language.FR])
@pytest.mark.parametrize("change", list(Change))
async def test_a_letter_about_a_url_names_its_host_and_nothing_else_of_it(
    house: House, language: Language, change: Change
) -> None:
    service = await house.service()
    async with house.database.write() as connection:
        await connection.run_sync(inform_owner, suspended(service, change=change))
        (notice,) = await notices.due(connection, time.time() + 1e9, Kind.CALLBACK)
    letter = callbacks.letter(notice, service, language, WORDS.translator(language))
    said = markdown.render(letter.body).text

    assert "hooks.city.example" in said
    assert "secret" not in repr((notice, letter))
    assert {Language.EN: "November 17, 2026", Language.FR: "17 novembre 2026"}[language] in said
    assert ("503" in said.replace(str(service.id), "")) == (change is Change.SUSPENDED)
    assert (f"callback resume {service.id} --type complaint" in said) == (change is Change.SUSPENDED)


@pytest.mark.parametrize("code", ["timeout", "dns", "tls", "connection", "bad-url", "forbidden-address"])
def test_every_way_in_which_a_call_fails_has_its_words(code: str) -> None:
    assert str(callbacks.why(code)) != str(callbacks.why("other"))


# -- Keywords --------------------------------------------------------------------------------------------------------


async def test_help_is_answered_once_by_the_number_that_was_written_to(house: House) -> None:
    service = await house.service()
    sender = await house.sender(service)
    await house.hears("Aide!")
    await house.hears("Aide!", name="in-2")
    await asyncio.gather(*(house.process()[0].tell() for _ in range(6)))

    ((message, said),) = await house.texts(service.id)
    assert (str(message.recipient), message.sender_id, message.billable_units) == (READER, sender.id, size(said).parts)
    assert said.startswith("permits: notices by text message. Reply STOP to get no more from this number. / avis par")
    usage = {(each.counts, each.period): each.used for each in await house.do(services.usage, service)}
    assert usage["parts", "year"] == message.billable_units


async def test_who_dies_after_answering_answers_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await house.service()
    await house.sender(service)
    await house.hears("HELP")

    async def dies(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(notices, "end", dies)
        with pytest.raises(Crash):
            await house.process()[0].tell()
    await house.process()[0].tell()
    assert len(await house.texts(service.id)) == 1


async def test_stop_is_confirmed_and_nothing_else_is_sent_until_start(house: House) -> None:
    service, store = await house.service(), Store(house.database, house.secret)
    await house.sender(service)
    await house.hears("STOP")
    await house.process()[0].tell()
    ((confirmed, said),) = await house.texts(service.id)
    notice = confirmed.evolve(content_kind=ContentKind.TEXT)

    assert "no more texts" in said
    assert await store.suppressions.stopped([confirmed]) == {}
    assert await store.suppressions.stopped([notice]) == {notice.id: Stop.OPTED_OUT}
    await house.hears("Commencer", name="in-2")
    await house.process()[0].tell()
    assert await store.suppressions.stopped([notice]) == {}
    assert "again" in (await house.texts(service.id))[0][1]


async def test_at_a_shared_number_nobody_texted_from_the_relay_itself_answers(house: House) -> None:
    await house.sender(language=Language.FR)
    await house.hears("INFO")
    await house.process()[0].tell()
    ((_, said),) = await house.texts(OWN_ID)
    assert said.startswith("notify-relay: avis par texto")


@pytest.mark.parametrize("trouble", ["a short code", "AWS answers", "not abroad", "too late"])
async def test_who_is_not_answered_is_not_tried_for_ever(house: House, trouble: str) -> None:
    service = await house.service()
    await house.sender(service, self_managed_opt_outs=trouble != "AWS answers")
    source = {"a short code": "12345", "not abroad": "+33612345678"}.get(trouble, READER)
    await house.hears("HELP", source)
    house.ahead_seconds = 90_000 if trouble == "too late" else 0
    await house.process()[0].tell()

    assert await house.texts(service.id) == []
    async with house.database.read() as connection:
        assert await notices.due(connection, house.now() + 1e6, Kind.KEYWORD) == []


async def test_a_service_on_hold_answers_when_it_is_released(house: House) -> None:
    service = await house.service()
    await house.sender(service)
    await house.do(services.hold, str(service.id))
    await house.hears("HELP")
    await house.process()[0].tell()
    assert await house.texts(service.id) == []
    await house.do(services.release, str(service.id))
    house.ahead_seconds = 61
    await house.process()[0].tell()
    assert len(await house.texts(service.id)) == 1


@pytest.mark.parametrize("keyword", list(Keyword))
@pytest.mark.parametrize("language", [Language.EN, Language.FR, Language.BOTH])
def test_an_answer_takes_one_part_in_one_language_and_two_at_most_in_both(keyword: Keyword, language: Language) -> None:
    said = answer(keyword, "Passport Program \u2013 Programme de passeport", language, WORDS)
    recipe = write(said, "", downgrade=True).recipe
    assert size(recipe.text).parts <= (2 if language is Language.BOTH else 1)
