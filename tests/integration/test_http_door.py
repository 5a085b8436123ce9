"""The HTTP door over real sockets and a real database: sending, what is refused, keys and limits."""

import asyncio
import io
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from auth import keys, reply_tos, services
from auth.principal import Option
from config.database import Database
from config.settings import Limits
from delivery.library import templates
from delivery.store.tables import messages
from messages.email.compose import Recipe
from tests.harness.http_door import GUEST, READER, ROOT, Door, make_template, running_door

JSON = {"Content-Type": "application/json"}
EMAIL = "/v2/notifications/email"


async def test_an_email_is_on_disk_when_201_comes_and_reads_back(database: Database) -> None:
    """On SQLite and on PostgreSQL."""
    async with running_door(database) as door:
        sent = await door.ask("POST", EMAIL, door.bearer(), json=door.email(reference="case-1"))

        assert sent.status == 201
        assert sent.body == {
            "id": sent.body["id"],
            "reference": "case-1",
            "content": {
                "from_email": "live@notification.example.ca",
                "subject": "Hi Amala",
                "body": "Hello Amala",
                "one_click_unsubscribe_url": None,
            },
            "uri": f"{ROOT}v2/notifications/{sent.body['id']}",
            "template": {
                "id": str(door.template.id),
                "version": 1,
                "uri": f"{ROOT}services/{door.service.id}/templates/{door.template.id}",
            },
            "scheduled_for": None,
            "sanitised_content": {},
        }
        assert await door.stored() == 1
        got = await door.get(f"/v2/notifications/{sent.body['id']}")
        assert got.status == 200
        created = got.body.pop("created_at")
        assert datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp() > time.time() - 60
        assert len(created) == 27
        nothing = ("phone_number", "postcode", "postage", "created_by_name", "sent_at", "completed_at", "scheduled_for")
        lines = tuple(f"line_{n}" for n in range(1, 7))
        assert got.body == {
            "id": sent.body["id"],
            "reference": "case-1",
            "email_address": READER,
            "type": "email",
            "status": "created",
            "status_description": "In transit",
            "provider_response": None,
            "template": sent.body["template"],
            "subject": "Hi Amala",
            "body": "Hello Amala",
            "one_click_unsubscribe_url": None,
            "cost_in_pounds": 0.0,
            "cost_details": {},
            "is_cost_data_ready": True,
            **dict.fromkeys((*nothing, *lines)),
        }
        listed = await door.get("/v2/notifications?reference=case-1&status=created&template_type=email")
        assert [each["id"] for each in listed.body["notifications"]] == [sent.body["id"]]


async def test_what_is_asked_for_is_kept_and_echoed(door: Door) -> None:
    due = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0, tzinfo=None).isoformat()
    sent = await door.send(
        scheduled_for=due,
        one_click_unsubscribe_url="https://example.org/stop?id=1",
        sanitise_content_for=["NAME"],
        personalisation={"name": "[a](https://evil.example) *b*", "not used": 1},
    )

    assert sent.status == 201
    assert sent.body["scheduled_for"] == due
    assert sent.body["content"]["one_click_unsubscribe_url"] == "https://example.org/stop?id=1"
    assert set(sent.body["sanitised_content"]) == {"name"}
    assert "evil" not in sent.body["content"]["body"]
    got = (await door.get(f"/v2/notifications/{sent.body['id']}")).body
    assert got["scheduled_for"] == f"{due}.000000Z"
    assert got["one_click_unsubscribe_url"] == "https://example.org/stop?id=1"
    assert got["body"] == sent.body["content"]["body"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"template_id": ...}, "template_id is a required property"),
        ({"template_id": "x"}, "template_id is not a valid UUID"),
        ({"email_address": "not an address"}, "email_address Not a valid email address"),
        ({"email_address": "jos\u00e9@example.org"}, "email_address Not a valid email address"),
        ({"email_address": "a" * 243 + "@example.org"}, "email_address Not a valid email address"),
        ({"email_address": 42}, "email_address 42 is not of type string"),
        ({"personalisation": "x"}, "personalisation x is not of type object"),
        ({"reference": "x" * 1001}, f"reference {'x' * 100}... is too long"),
        ({"foo": 1}, "Additional properties are not allowed (foo was unexpected)"),
        ({"one_click_unsubscribe_url": "http://example.org"}, "one_click_unsubscribe_url is not a valid https url"),
        ({"scheduled_for": 42}, "scheduled_for 42 is not of type string, null"),
        ({"scheduled_for": "2001-01-01"}, "scheduled_for datetime cannot be in the past"),
        (
            {"scheduled_for": "9999-12-31T23:59:59Z"},
            "scheduled_for datetime can only be up to 96 hours in the future",
        ),
        (
            {"scheduled_for": "soon"},
            "scheduled_for datetime format is invalid. It must be a valid ISO8601 date time format, "
            "https://en.wikipedia.org/wiki/ISO_8601",
        ),
        (
            {"personalisation": {"name": "x"}, "sanitise_content_for": ["n" * 10] * 5_000},
            "Personalisation variables size of 55004 bytes is greater than allowed limit of 51200 bytes.",
        ),
        (
            {"personalisation": {"name": "x" * 51_201}},
            "Personalisation variables size of 51201 bytes is greater than allowed limit of 51200 bytes.",
        ),
        ({"email_reply_to_id": "x"}, "email_reply_to_id is not a valid UUID"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
async def test_a_request_that_is_not_as_documented_hears_notifys_words(
    door: Door, changes: dict[str, object], message: str
) -> None:
    sent = await door.send(**changes)

    assert sent.status == 400
    assert sent.errors == [("ValidationError", message)]


async def test_several_mistakes_are_told_together(door: Door) -> None:
    sent = await door.ask("POST", EMAIL, door.key(), json={"reference": 1, "foo": 1})

    assert [message for _, message in sent.errors] == [
        "email_address is a required property",
        "template_id is a required property",
        "reference 1 is not of type string",
        "Additional properties are not allowed (foo was unexpected)",
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON at line 1, column 1"),
        (b"{", "not valid JSON at line 1, column 2"),
        (b'{"a": 1, "a": 2}', "a name stands twice in one object"),
        (b'{"a": NaN}', "a number is too large, or not one of JSON's"),
        (b'{"a": 1e999}', "a number is too large, or not one of JSON's"),
        (b'{"a": ' + b"1" * 5000 + b"}", "a number is too large, or not one of JSON's"),
        (b"[" * 10_000, "nested deeper than 20 levels"),
        (b"[" * 100_000, "more than 20000 values"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "nested deeper than 20 levels"),
        (rb'{"a": "\ud800"}', "a text holds a NUL or half a surrogate pair"),
        (rb'{"\u0000": 1}', "a text holds a NUL or half a surrogate pair"),
        (b'{"a": "\xff"}', "it is not UTF-8"),
    ],
    ids=range(12),
)
async def test_a_body_that_parsers_would_read_differently_is_refused(door: Door, body: bytes, reason: str) -> None:
    sent = await door.ask("POST", EMAIL, {**door.key(), **JSON}, data=body)

    assert sent.status == 400
    assert sent.errors == [("BadRequestError", f"Error decoding arguments: {reason}")]


async def test_a_body_must_be_json_and_not_too_large(door: Door) -> None:
    form = await door.ask("POST", EMAIL, door.key(), data={"a": "b"})
    large = await door.ask("POST", EMAIL, {**door.key(), **JSON}, data=io.BytesIO(b" " * (2 * 1024 * 1024 + 1)))

    assert form.status == 415
    assert form.errors[0][0] == "BadRequestError"
    assert large.status == 413
    assert large.errors[0][0] == "RequestEntityTooLarge"


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/v2/notifications/letter", "Service is not allowed to send letters"),
        ("POST", "/v2/notifications/bulk", "send each message with POST /v2/notifications/email"),
        ("POST", "/v2/reports", "list messages with GET /v2/notifications"),
        ("GET", f"/v2/reports/{uuid4()}/content", "list messages with GET /v2/notifications"),
        ("POST", "/v2/manage-template-folder", "leave parent_folder_id out"),
        ("DELETE", f"/v2/manage-template-folder/{uuid4()}", "leave parent_folder_id out"),
        ("GET", f"/service/{uuid4()}/template/{uuid4()}/versions", "GET /v2/template/{id}/version/{version}"),
    ],
    ids=range(7),
)
async def test_what_is_not_offered_says_so(door: Door, method: str, path: str, said: str) -> None:
    answer = await door.ask(method, path, door.key())
    french = await door.ask(method, path, {**door.key(), "Accept-Language": "fr"})

    assert (answer.status, french.status) == (400, 400)
    ((error, message),) = answer.errors
    assert error == "BadRequestError"
    assert said in message
    assert french.errors[0][1] != message
    assert (await door.ask(method, path)).status == 401


@pytest.mark.parametrize(
    ("key", "status", "message"),
    [
        ("normal", 400, "Service is not allowed to send letters"),
        ("test", 400, "Service is not allowed to send letters"),
        ("team", 403, "Cannot send letters with a team api key"),
        ("trial", 403, "Cannot send letters when service is in trial mode"),
    ],
)
async def test_a_letter_is_refused_as_to_a_service_that_may_send_none(
    door: Door, key: str, status: int, message: str
) -> None:
    answer = await door.ask("POST", "/v2/notifications/letter", door.key(key), json={"template_id": "any"})
    assert (answer.status, answer.errors) == (status, [("BadRequestError", message)])


async def test_no_message_is_a_letter(door: Door) -> None:
    sent = (await door.send()).body["id"]
    assert (await door.get(f"/v2/notifications/{sent}/pdf")).errors == [
        ("BadRequestError", "Notification is not a letter")
    ]
    assert (await door.get(f"/v2/notifications/{uuid4()}/pdf")).status == 404


async def test_failures_outside_the_routes_have_the_same_shape(door: Door) -> None:
    for method, path, status, allow in (
        ("GET", "/nowhere", 404, None),
        ("GET", "/v2/notifications/", 404, None),
        ("DELETE", "/v2/templates", 405, "GET, HEAD, OPTIONS"),
        ("PUT", EMAIL, 405, "OPTIONS, POST"),
        ("GET", EMAIL, 405, "OPTIONS, POST"),
        ("HEAD", EMAIL, 405, "OPTIONS, POST"),
        ("DELETE", "/v2/notifications/sms", 405, "OPTIONS, POST"),
        ("POST", f"/v2/notifications/{uuid4()}", 405, "DELETE, GET, HEAD, OPTIONS"),
        ("PUT", f"/v2/manage-template/{uuid4()}", 405, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("TRACE", "/docs", 405, "GET, HEAD, OPTIONS"),
    ):
        answer = await door.ask(method, path, door.key())
        assert (answer.status, answer.headers.get("Allow")) == (status, allow), (method, path)
        if method != "HEAD":
            ((error, message),) = answer.errors
            assert error == ("NotFound" if status == 404 else "MethodNotAllowed")
            assert (allow or "/docs") in message


async def test_head_is_get_without_its_body_and_options_tells_the_methods(door: Door) -> None:
    for path in ("/v2/templates", "/v2/notifications", "/docs", "/openapi.json"):
        whole, head = [await door.ask(method, path, door.key()) for method in ("GET", "HEAD")]
        assert (head.status, head.body or b"") == (200, b"")
        assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    assert (await door.ask("HEAD", "/v2/templates")).status == 401
    told = await door.ask("OPTIONS", f"/v2/notifications/{uuid4()}")
    assert (told.status, told.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")
    assert (await door.ask("OPTIONS", "/nowhere")).status == 404


async def test_templates_that_cannot_be_used(door: Door) -> None:
    async with door.database.write() as connection:
        gone = await make_template(connection, door.service.id, name="Gone")
        await templates.archive(connection, gone.id)
        sms = await templates.create(
            connection, door.service.id, time.time(), channel="sms", name="Text", subject=None, body="Hi"
        )
    unknown, theirs = str(uuid4()), door.issued["trial"]
    for template_id, message in (
        (unknown, "Template not found"),
        (str(door.service.email_template_id), "Template not found"),
        (str(gone.id), f"Template {gone.id} has been deleted"),
        (str(sms.id), "sms template is not suitable for email notification"),
    ):
        assert (await door.send(template_id=template_id)).errors == [("BadRequestError", message)]
    missing = await door.send(personalisation={"other": "x"})
    assert missing.errors == [("BadRequestError", f"Missing personalisation for template ID {door.template.id}: name")]
    blank = await door.send(personalisation={"name": [" "]})
    assert blank.status == 400
    assert theirs.key.service_id != door.service.id
    assert (await door.send("trial", email_address=GUEST)).errors == [("BadRequestError", "Template not found")]


async def test_a_message_names_one_of_the_services_reply_to_addresses(door: Door) -> None:
    async with door.database.write() as c:
        desk = await reply_tos.add(c, door.service.id, "desk@city.example", door.clock(), verified=True)
        unseen = await reply_tos.add(c, door.service.id, "chef@city.example", door.clock(), verified=False)
        theirs = await reply_tos.add(
            c, door.issued["trial"].key.service_id, "other@city.example", door.clock(), verified=True
        )
    sent = await door.send(email_reply_to_id=str(desk.id))
    assert sent.status == 201
    async with door.database.read() as c:
        content_id = await c.scalar(select(messages.c.content_id))
    content = (await door.store.contents.load([content_id]))[content_id]
    assert content
    assert Recipe.from_json(content).reply_to == "desk@city.example"
    for each in (unseen, theirs):
        refused = await door.send(email_reply_to_id=str(each.id))
        said = f"email_reply_to_id {each.id} does not exist in database for service id {door.service.id}"
        assert refused.errors == [("BadRequestError", said)]


async def test_a_key_that_fixes_the_reply_to_lets_no_message_name_another(door: Door) -> None:
    async with door.database.write() as c:
        desk = await reply_tos.add(c, door.service.id, "desk@city.example", door.clock(), verified=True)
        terms: Any = {"fixed": [Option.REPLY_TO], "reply_to_address": "chef@city.example"}
        await keys.update(c, door.keyring, Limits(), door.issued["normal"].key.id, **terms)
    refused = await door.send(email_reply_to_id=str(desk.id))
    assert refused.errors == [("BadRequestError", "This API key fixes email_reply_to_id: leave it out")]


async def test_what_does_not_exist_yet_is_refused_as_for_a_service_without_it(door: Door) -> None:
    reply_to = str(uuid4())
    file = await door.send(personalisation={"name": {"file": "aGk=", "filename": None}})
    other = await door.send(email_reply_to_id=reply_to)

    assert file.errors == [("BadRequestError", "Service is not allowed to send documents")]
    assert other.errors == [
        (
            "BadRequestError",
            f"email_reply_to_id {reply_to} does not exist in database for service id {door.service.id}",
        )
    ]
    assert await door.stored() == 0


async def test_key_types_decide_whom_a_message_reaches_and_what_is_listed(door: Door) -> None:
    team, test = await door.send("team"), await door.send("test")
    trial = await door.send("trial")

    assert team.status == trial.status == 400
    assert team.errors == [
        (
            "BadRequestError",
            f"Can\u2019t send to this recipient using a team-only API key (service {door.service.id}) - see {ROOT}docs",
        )
    ]
    assert trial.errors[0][1].startswith("Can\u2019t send to this recipient when service is in trial mode \u2013 see")
    guest = await door.send("team", email_address=GUEST.upper())
    assert (test.status, guest.status) == (201, 201)
    for name, ids in (("normal", []), ("test", [test.body["id"]]), ("team", [guest.body["id"]])):
        listed = await door.get("/v2/notifications", name)
        assert [each["id"] for each in listed.body["notifications"]] == ids
    assert (await door.get(f"/v2/notifications/{test.body['id']}", "normal")).status == 200
    assert (await door.get(f"/v2/notifications/{test.body['id']}", "trial")).status == 404


@pytest.mark.parametrize(
    "address", ["simulate-delivered@notification.canada.ca", "Simulate-Delivered-3@notifications.service.gov.uk"]
)
@pytest.mark.parametrize("name", ["normal", "team"])
async def test_simulated_recipients_are_answered_and_nothing_is_stored(door: Door, address: str, name: str) -> None:
    sent = await door.send(name, email_address=address)
    wrong = await door.send(name, email_address=address, personalisation={})

    assert sent.status == 201
    assert sent.body["content"]["body"] == "Hello Amala"
    assert wrong.status == 400
    assert await door.stored() == 0


async def test_limits_answer_429_with_a_time_to_wait(plain: Database) -> None:
    async with running_door(plain, per_minute=2, per_day=100) as door:
        door.clock.ahead_seconds = 60 - time.time() % 60  # in one minute
        answers = [await door.send("normal") for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert answers[2].errors == [
            ("RateLimitError", "Exceeded rate limit for key type LIVE of 2 requests per 60 seconds")
        ]
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
        assert await door.stored() == 2


async def test_a_daily_limit_is_named_after_the_services_mode(plain: Database) -> None:
    async with running_door(plain, per_day=1) as door:
        answers = [await door.send() for _ in range(2)]

    assert answers[1].errors == [
        ("LiveServiceTooManyEmailRequestsError", "Exceeded email daily sending limit of 1 messages")
    ]


async def test_a_held_service_is_told_so(door: Door) -> None:
    async with door.database.write() as connection:
        await services.hold(connection, Limits(), door.service.id)
    sent = await door.send()

    assert (sent.status, sent.errors) == (403, [("BadRequestError", "Service is suspended")])
    assert (await door.get("/v2/templates")).status == 200


async def test_an_idempotency_key_sends_once_however_often_it_is_asked(door: Door) -> None:
    headers = {"Idempotency-Key": "order 7"}
    answers = await asyncio.gather(*(door.send(headers=headers) for _ in range(20)))

    assert {answer.status for answer in answers} == {201}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert await door.stored() == 1
    other = await door.send(headers=headers, reference="else")
    assert (other.status, other.errors[0][0]) == (422, "IdempotencyKeyUsed")
    assert (await door.send("test", headers=headers)).status == 422
    assert (await door.send(headers={"Idempotency-Key": "x" * 256})).errors == [
        ("ValidationError", "Idempotency-Key must have 1 to 255 printable ASCII characters")
    ]


async def test_a_replayed_answer_is_of_the_template_as_it_was(door: Door) -> None:
    first = await door.send(headers={"Idempotency-Key": "k"})
    async with door.database.write() as connection:
        await templates.update(connection, door.template.id, time.time(), body="Changed ((name))")
    door.clock.ahead_seconds += 3
    again = await door.send(headers={"Idempotency-Key": "k"})

    assert again.body == first.body
    assert (await door.send()).body["content"]["body"] == "Changed Amala"


async def test_the_line_of_an_accepted_message_names_the_client(door: Door) -> None:
    with capture_logs() as logs:
        assert (await door.send(headers={"User-Agent": "NOTIFY-API-NET-CLIENT/7.2 (of guest@)"})).status == 201
    (line,) = (line for line in logs if line["event"] == "message.accepted")
    assert (line["client"], line["client_ip"], line["door"]) == ("NOTIFY-API-NET-CLIENT/7.2", "127.0.0.1", "http")
