"""Texts by the HTTP door over real sockets and a real database."""

from typing import Any
from uuid import UUID

import pytest

from auth import services
from config.settings import Limits
from delivery.library import origination, templates
from delivery.library.origination import Kind, OriginationIdentity
from messages.message import Channel
from messages.template import Template
from tests.harness.http_door import DOMAIN, ROOT, Answer, Door

SMS, NUMBER = "/v2/notifications/sms", "+16135550100"


async def made(door: Door, body: str = "Hello ((name))") -> Template:
    async with door.database.write() as connection:
        return await templates.create(
            connection, door.service.id, door.clock(), channel=Channel.SMS, name="Text", subject=None, body=body
        )


async def sender(door: Door, **values: Any) -> OriginationIdentity:
    async with door.database.write() as connection:
        return await origination.add(connection, door.clock(), **({"kind": Kind.LONG_CODE} | values))


async def text(door: Door, template: Template, name: str = "normal", key: str | None = None, **changes: Any) -> Answer:
    asked = {"phone_number": NUMBER, "template_id": str(template.id), "personalisation": {"name": "Amala"}, **changes}
    headers = door.key(name) | ({"Idempotency-Key": key} if key else {})
    return await door.ask("POST", SMS, headers, json=asked)


async def test_a_text_is_stored_and_shown_without_the_name_in_front(door: Door) -> None:
    template = await made(door)
    sent = await text(door, template, phone_number="(613) 555-0100", reference="r", key="k")
    again = await text(door, template, phone_number="(613) 555-0100", reference="r", key="k")

    assert sent.status == 201
    assert sent.body == again.body | {"id": sent.body["id"]}
    assert sent.body["content"] == {"from_number": None, "body": "Hello Amala"}
    assert sent.body["template"]["version"] == 1
    assert again.body["id"] == sent.body["id"]
    shown = (await door.get(f"/v2/notifications/{sent.body['id']}")).body
    assert (shown["type"], shown["phone_number"], shown["email_address"]) == ("sms", NUMBER, None)
    assert (shown["body"], shown["subject"], shown["reference"]) == ("Hello Amala", None, "r")
    assert shown["cost_details"]["billable_sms_fragments"] == 1
    assert shown["cost_in_pounds"] is None
    listed = (await door.get("/v2/notifications?template_type=sms")).body["notifications"]
    assert [each["id"] for each in listed] == [sent.body["id"]]
    assert sent.body["uri"].startswith(ROOT)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"phone_number": "+1613"}, "ValidationError", "phone_number Not enough digits"),
        ({"phone_number": "nobody"}, "ValidationError", "phone_number Must not contain letters or symbols"),
        ({"phone_number": "+442079460000"}, "BadRequestError", "Cannot send to international mobile numbers"),
        ({"personalisation": {"name": "x" * 620}}, "BadRequestError",
         "Content for template has a character count greater than the limit of 612"),
        ({"email_address": "a@b.ca"}, "ValidationError",
         "Additional properties are not allowed (email_address was unexpected)"),
        ({"sms_sender_id": "5f0ca9c3-4f62-4a2a-8bb2-2f0a2b0f9c1e"}, "BadRequestError", "sms_sender_id "),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_in_notifys_words(
    door: Door, changes: dict[str, Any], error: str, message: str
) -> None:
    answer = await text(door, await made(door), **changes)

    assert answer.status == 400
    (told,) = answer.body["errors"]
    assert told["error"] == error
    assert told["message"].startswith(message)


async def test_numbers_for_smoke_tests_are_answered_and_come_to_nothing(door: Door) -> None:
    template = await made(door)
    for number in ("+16132532222", "07700900111", "+16132532224"):
        sent = await text(door, template, phone_number=number)
        assert (sent.status, sent.body["content"]["body"]) == (201, "Hello Amala")
        assert (await door.get(f"/v2/notifications/{sent.body['id']}")).status == 404


async def test_the_domain_that_stands_for_phones_by_smtp_has_no_mailboxes(door: Door) -> None:
    answer = await door.send(email_address=f"+16135550100@sms.{DOMAIN}")
    assert (answer.status, answer.body["errors"][0]["message"]) == (400, "email_address Not a valid email address")


async def test_a_template_of_the_other_channel_is_not_suitable(door: Door) -> None:
    answer = await text(door, door.template)
    assert answer.body["errors"][0]["message"] == "email template is not suitable for sms notification"


async def test_a_text_leaves_from_the_number_that_it_names_and_tells_it_where_there_is_no_choice(door: Door) -> None:
    template = await made(door)
    own, spare, pool = [
        await sender(door, identity=identity, **more)
        for identity, more in (
            ("+16135550190", {"service_id": door.service.id}),
            ("+16135550191", {"preferred": False}),
            ("pool-0123456789abcdef", {"kind": Kind.POOL, "preferred": False}),
        )
    ]
    for asked, number in ((None, "+16135550190"), (own, "+16135550190"), (spare, "+16135550191"), (pool, None)):
        sent = await text(door, template, **({"sms_sender_id": str(asked.id)} if asked else {}))
        assert (sent.status, sent.body["content"]["from_number"]) == (201, number)
        (stored,) = (await door.store.searching.load([UUID(sent.body["id"])])).values()
        assert stored.sender_id == (asked.id if asked else None)
    await sender(door, identity="+16135550192", service_id=door.service.id)
    door.clock.ahead_seconds += 6
    assert (await text(door, template)).body["content"]["from_number"] is None  # one of two, by whom it goes to


async def test_a_sender_of_another_service_is_unknown(door: Door) -> None:
    async with door.database.read() as connection:
        trial = await services.named(connection, Limits(), "Service trial")
    theirs = await sender(door, identity="+16135550190", service_id=trial.id)
    answer = await text(door, await made(door), sms_sender_id=str(theirs.id))
    told = f"sms_sender_id {theirs.id} does not exist in database for service id {door.service.id}"
    assert answer.errors == [("BadRequestError", told)]


async def test_a_preview_tells_what_a_text_costs_and_which_sign_makes_it_dear(door: Door) -> None:
    template = await made(door, "Prêt le ((day)). " + "a" * 60)
    values = {"personalisation": {"day": "3", "name": "Amala"}}
    text_ = await door.ask("POST", f"/v2/template/{template.id}/preview", door.key("normal"), json=values)
    found = text_.body["text"]
    assert found["sent"].endswith("Prêt le 3. " + "a" * 60)
    assert (found["encoding"], found["characters"], found["units"]) == ("ucs-2", *[len(found["sent"])] * 2)
    assert (found["parts"], found["parts_without"], found["rewritten"]) == (2, 1, [])
    assert found["beyond_gsm"] == [{"sign": "ê", "place": found["sent"].index("ê") + 1, "times": 1}]
    email = await door.ask("POST", f"/v2/template/{door.template.id}/preview", door.key("normal"), json=values)
    assert (email.status, email.body["text"]) == (200, None)
