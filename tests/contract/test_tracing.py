"""Trace: what people have of a message leads to it, within the services that they may see."""

import os
from typing import Any
from uuid import uuid4

import pytest

from messages import reply
from messages.message import Channel, Message, new_id
from messages.phone import PhoneNumber
from messages.text import Text
from relay.actions import tracing
from relay.actions.tracing import trace
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

SERVICE = uuid4()
SES_ID = "0107018d1b2c3d4e-a1b2c3d4-1a2b-3c4d-5e6f-a1b2c3d4e5f6-000000"


@pytest.fixture
async def mail(store: Store) -> Message:
    return await put(
        store,
        recipient="Jane.Doe@example.org",
        reference="case 42/b",
        original_message_id="<20261129.1@dept.example.ca>",
        provider_id=SES_ID,
    )


async def put(store: Store, **changes: Any) -> Message:
    made = message(**{"id": new_id(NOW, os.urandom(10)), "service_id": SERVICE, **changes})
    await store.putting.put(group_of((made,), b"hello"))
    return made


@pytest.mark.parametrize(
    ("pasted", "taken_for"),
    [
        ("{group}", tracing.ID),
        ("{id}", tracing.ID),
        (" {ID}\r\n", tracing.ID),
        ("250 2.0.0 {group} queued for 3 recipients", tracing.GROUP),
        ("status=sent (250 2.0.0 {group} queued for 1 recipients)", tracing.GROUP),
        ("<20261129.1@dept.example.ca>", tracing.MESSAGE_ID),
        ("Message-ID: <20261129.1@dept.example.ca>", tracing.MESSAGE_ID),
        ("20261129.1@dept.example.ca", tracing.MESSAGE_ID),
        (SES_ID, tracing.PROVIDER_ID),
        (f"Message-ID: <{SES_ID}@ca-central-1.amazonses.com>", tracing.PROVIDER_ID),
        ("jane.doe@EXAMPLE.org", tracing.ADDRESS),
        ("to=<Jane.Doe@example.org>, relay=[192.0.2.1]", tracing.ADDRESS),
        ("Jane Doe <Jane.Doe@example.org>", tracing.ADDRESS),
        ("case 42/b", tracing.REFERENCE),
    ],
)
async def test_what_people_paste_leads_to_the_message(
    store: Store, mail: Message, pasted: str, taken_for: Text
) -> None:
    await put(store, recipient="somebody@else.example", reference="other")
    text = pasted.format(group=mail.group_id, id=mail.id, ID=str(mail.id).upper())

    found = await trace(store.searching, text, [SERVICE])

    assert [each.message.id for each in found.found] == [mail.id]
    assert found.taken_for == taken_for


async def test_a_phone_number_leads_to_its_texts(store: Store) -> None:
    text = await put(store, channel=Channel.SMS, recipient=PhoneNumber("+16135550100"), provider_id=str(uuid4()))

    by_number = await trace(store.searching, "(613) 555-0100", [SERVICE])
    by_provider = await trace(store.searching, str(text.provider_id), [SERVICE])

    assert [each.message.id for each in by_number.found] == [text.id]
    assert by_number.taken_for == tracing.PHONE
    assert [each.message.id for each in by_provider.found] == [text.id]


@pytest.mark.parametrize("services", [[], [uuid4()]])
async def test_messages_of_other_services_are_found_by_nothing(
    store: Store, mail: Message, services: list[Any]
) -> None:
    for pasted in (mail.id, mail.group_id, mail.original_message_id, SES_ID, mail.recipient, mail.reference):
        found = await trace(store.searching, str(pasted), services)
        assert found.found == ()


@pytest.mark.parametrize(
    "each", [each for each in reply.catalogue().values() if each.code >= 400], ids=lambda r: r.slug
)
def test_each_refusal_of_ours_is_known_by_its_link(each: reply.Reply) -> None:
    line = f"{each.code} {each.enhanced} cut short... - https://relay.example/en/smtp#{each.slug}"

    assert tracing.refusal(f"the server said: {line}") == each


def test_a_refusal_is_known_by_its_words_too() -> None:
    line = reply.SMS_NOT_ALLOWED.format(service_id=uuid4())

    assert tracing.refusal(line) == reply.SMS_NOT_ALLOWED
    assert tracing.refusal("550 5.1.1 no such user at somebody else's server") is None
    assert tracing.refusal("250 2.0.0 OK") is None


async def test_a_refusal_says_that_nothing_was_stored(store: Store) -> None:
    found = await trace(store.searching, "421 4.7.0 too many connections; try again in a minute, with", [SERVICE])

    assert (found.taken_for, found.refusal, found.found) == (tracing.REFUSAL, reply.TOO_MANY_CONNECTIONS, ())


async def test_a_refusal_that_names_the_service_is_still_one(store: Store) -> None:
    line = reply.TEAM_KEY_RECIPIENT.format(service_id=uuid4())
    found = await trace(store.searching, f"{line} - https://relay.example/smtp#team-key-recipient", [SERVICE])

    assert (found.taken_for, found.refusal) == (tracing.REFUSAL, reply.TEAM_KEY_RECIPIENT)


@pytest.mark.parametrize(
    "pasted", ["\0", "<" * 5000, "@" * 5000, "a@" * 5000, "'; DROP TABLE messages; --", "x" * 9999]
)
async def test_whatever_is_pasted_is_looked_for_and_breaks_nothing(store: Store, pasted: str) -> None:
    assert (await trace(store.searching, pasted, [SERVICE])).found == ()
