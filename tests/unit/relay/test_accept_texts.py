"""Texts through the one way in, over a real database: what is stored, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from auth.principal import Principal
from messages import reply
from messages.envelope import Envelope
from messages.message import Channel, ContentKind, Door, KeyType, Message, Personalised, Submission, Trace
from messages.phone import PhoneNumber
from messages.reply import Refused, Reply
from messages.sms.recipe import Recipe
from tests.fakes.principals import make_principal
from tests.harness.accepting import CONTENT, Shelf, acceptor, submission, template
from tests.harness.kept import Kept

BOB, CARL, LONDON = PhoneNumber("+16135550100"), PhoneNumber("+16135550101"), PhoneNumber("+442079460000")
HTTP = Trace("", "192.0.2.1", "HTTP", "relay")


def principal(**switches: bool) -> Principal:
    made = make_principal()
    return replace(made, service=replace(made.service, **switches))


def by_smtp(*numbers: PhoneNumber, content: bytes = CONTENT) -> Submission:
    given = submission(content=content)
    return replace(given, envelope=Envelope(None, numbers))


async def filled(kept: Kept, who: Principal, body: str, values: dict[str, Any] | None = None, **of: Any) -> Message:
    made = template(who, channel=Channel.SMS, subject=None, body=body, **of)
    given = Submission(Envelope(None, (BOB,)), Personalised(made.id, values or {}), HTTP, Door.HTTP)
    accepted = await acceptor(kept, templates=Shelf(made)).accept(given, who)
    return kept.messages[accepted.message_ids[0]]


def stored(kept: Kept, message: Message) -> Recipe:
    return Recipe.from_json(kept.contents[message.content_id])


async def test_the_words_of_a_mail_are_stored_once_for_all_phones_with_their_parts(kept: Kept) -> None:
    who = make_principal()
    accepted = await acceptor(kept).accept(by_smtp(BOB, CARL), who)

    bob, carl = (kept.messages[each] for each in accepted.message_ids)
    assert stored(kept, bob) == Recipe("Passports", "Hi")
    assert bob.content_id == carl.content_id
    assert (bob.channel, bob.content_kind, bob.billable_units) == (Channel.SMS, ContentKind.TEXT, 1)
    assert (bob.template_id, bob.template_version) == (who.service.sms_template_id, 1)
    assert (bob.subject, bob.signing_domain, bob.original_message_id) == ("", "", "<1@a>")


async def test_mail_and_texts_are_one_group_in_one_transaction(kept: Kept) -> None:
    given = submission("a@b.ca")
    given = replace(given, envelope=replace(given.envelope, recipients=(*given.envelope.recipients, BOB)))
    accepted = await acceptor(kept).accept(given, make_principal())

    mail, text = (kept.messages[each] for each in accepted.message_ids)
    assert (mail.channel, text.channel) == (Channel.EMAIL, Channel.SMS)
    assert mail.group_id == text.group_id
    assert mail.content_id != text.content_id
    assert kept.contents.keys() == {mail.content_id, text.content_id}


async def test_a_template_is_filled_without_markdown_and_its_lists_stand_in_a_sentence(kept: Kept) -> None:
    values = {"name": "*Zoe*", "what": ["a", "b", "c"]}
    text = await filled(kept, principal(), "Dear ((name)),\r\nbring ((what)) .", values)

    assert stored(kept, text) == Recipe("Passports", "Dear *Zoe*,\nbring a, b and c.")


@pytest.mark.parametrize(
    ("switches", "prefix", "body", "parts"),
    [
        ({}, "Passports", "It\u2019s " + "x" * 60, 2),
        ({"sms_downgrade": True}, "Passports", "It's " + "x" * 60, 1),
        ({"sms_prefix": False}, "", "It\u2019s " + "x" * 60, 1),
    ],
)
async def test_a_service_names_itself_and_writes_plainly_as_it_is_set(
    kept: Kept, switches: dict[str, bool], prefix: str, body: str, parts: int
) -> None:
    text = await filled(kept, principal(**switches), "It\u2019s " + "x" * 60)

    assert stored(kept, text) == Recipe(prefix, body)
    assert text.billable_units == parts


@pytest.mark.parametrize(
    ("body", "values", "expected"),
    [
        ("x" * 601, {}, None),  # "Passports: " has 11
        ("x" * 602, {}, reply.SMS_TOO_MANY_CHARACTERS),
        ("((a))", {"a": "x" * 300_000}, reply.SMS_TOO_MANY_CHARACTERS),
        ("\U0001f600" * 320, {}, reply.SMS_TOO_LONG),
        ("((a))", {"a": " \n "}, reply.EMPTY),
        ("((a))", {}, reply.PERSONALISATION_MISSING),
    ],
)
async def test_what_is_too_long_or_nothing_is_refused(
    kept: Kept, body: str, values: dict[str, Any], expected: Reply | None
) -> None:
    if expected is None:
        assert (await filled(kept, principal(), body, values)).billable_units == 4
        return
    with pytest.raises(Refused) as caught:
        await filled(kept, principal(), body, values)
    assert caught.value.reply is expected
    assert kept.messages == {}


MAIL = b"From: Ann <ann@dept.example.ca>\r\nSubject: s\r\n\r\n"


@pytest.mark.parametrize(
    ("number", "content", "switches", "expected"),
    [
        (BOB, MAIL + b"> quoted only\r\n", {}, reply.SMS_WITHOUT_TEXT),
        (BOB, MAIL + b"x" * 1600 + b"\r\n", {}, reply.SMS_TOO_LONG),
        (BOB, CONTENT, {"sms_allowed": False}, reply.SMS_NOT_ALLOWED),
        (LONDON, CONTENT, {}, reply.SMS_INTERNATIONAL),
        (LONDON, CONTENT, {"sms_international": True}, None),
    ],
)
async def test_whom_a_service_may_reach_and_with_what(
    kept: Kept, number: PhoneNumber, content: bytes, switches: dict[str, bool], expected: Reply | None
) -> None:
    accepting = acceptor(kept).accept(by_smtp(number, content=content), principal(**switches))
    if expected is None:
        assert (await accepting).texts
        return
    with pytest.raises(Refused) as caught:
        await accepting
    assert caught.value.reply is expected
    assert kept.messages == kept.contents == {}


async def test_a_trial_service_reaches_its_guests_by_number_and_a_test_key_anybody(kept: Kept) -> None:
    trial = make_principal(live=False, guests=(BOB.key,))
    assert (await acceptor(kept).accept(by_smtp(BOB), trial)).texts
    with pytest.raises(Refused):
        await acceptor(kept).accept(by_smtp(CARL), trial)
    assert (await acceptor(kept).accept(by_smtp(LONDON), make_principal(key_type=KeyType.TEST))).texts
