"""The HTTP door as clients, operators and attackers meet it: a real server on loopback over a real database."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from auth import keys, services
from config.database import Database
from config.settings import Limits
from delivery import schema, templates
from delivery.store.base import Group
from delivery.store.tables import messages
from messages.address import Address
from messages.message import ContentKind, KeyType, new_id
from messages.status import Status
from tests.fakes.messages import make_message
from tests.http_door import GUEST, READER, ROOT, Door, make_template, running_door

JSON = {"Content-Type": "application/json"}
EMAIL = "/v2/notifications/email"


@pytest.fixture
async def plain(sqlite_url: str) -> AsyncIterator[Database]:
    handle = Database(sqlite_url, synchronous="OFF")
    await schema.upgrade(handle)
    yield handle
    await handle.close()


@pytest.fixture
async def door(plain: Database) -> AsyncIterator[Door]:
    async with running_door(plain) as running:
        yield running


async def stored(door: Door) -> int:
    async with door.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(messages)) or 0


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
        assert await stored(door) == 1
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
        (b"[" * 100_000, "nested deeper than 20 levels"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "nested deeper than 20 levels"),
        (rb'{"a": "\ud800"}', "a text holds a NUL or half a surrogate pair"),
        (rb'{"\u0000": 1}', "a text holds a NUL or half a surrogate pair"),
        (b'{"a": "\xff"}', "it is not UTF-8"),
    ],
    ids=range(11),
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


async def test_failures_outside_the_routes_have_the_same_shape(door: Door) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("POST", "/v2/notifications/sms", 405),  # until it exists
        ("GET", "/v2/notifications/", 404),
        ("DELETE", "/v2/templates", 405),
        ("PUT", EMAIL, 405),
        ("GET", EMAIL, 405),
    ):
        answer = await door.ask(method, path, door.key())
        assert (answer.status, len(answer.errors)) == (status, 1), path


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
    assert await stored(door) == 0


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
    assert await stored(door) == 0


async def test_limits_answer_429_with_a_time_to_wait(plain: Database) -> None:
    async with running_door(plain, per_minute=2, per_day=100) as door:
        door.clock.ahead_seconds = 60 - time.time() % 60  # in one minute
        answers = [await door.send("normal") for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert answers[2].errors == [
            ("RateLimitError", "Exceeded rate limit for key type LIVE of 2 requests per 60 seconds")
        ]
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
        assert await stored(door) == 2


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
    assert await stored(door) == 1
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


async def test_pages_of_250_lead_through_600_messages_and_end(door: Door) -> None:
    now, key = time.time() - 100, door.issued["normal"].key
    ids = [new_id(now + n / 100, n.to_bytes(10)) for n in range(600)]
    for start in range(0, 600, 100):
        await door.store.put(
            Group(
                tuple(
                    make_message(
                        id=each,
                        service_id=door.service.id,
                        key_id=key.id,
                        key_type=KeyType.NORMAL,
                        template_id=door.service.email_template_id,
                        subject="By SMTP",
                        recipient=Address.parse(READER),
                        created_at=now,
                    )
                    for each in ids[start : start + 100]
                ),
                b"Subject: x\r\n\r\n",
            )
        )
    path, found = "/v2/notifications?template_type=email", []
    for size in (250, 250, 100, 0):
        page = (await door.get(path)).body
        assert len(page["notifications"]) == size
        assert ("next" in page["links"]) == (size > 0)
        assert page["links"]["current"] == ROOT.rstrip("/") + path
        found += [each["id"] for each in page["notifications"]]
        assert all(each["body"] == "" and each["subject"] == "By SMTP" for each in page["notifications"])
        path = page["links"].get("next", "").removeprefix(ROOT.rstrip("/"))
    assert found == [str(each) for each in reversed(ids)]
    hidden = await door.get(f"/v2/template/{door.service.email_template_id}")
    assert (hidden.status, hidden.body["name"]) == (200, "SMTP")


async def test_lists_are_of_the_last_seven_days_and_filter(door: Door) -> None:
    now, common = time.time(), {"service_id": door.service.id, "key_type": KeyType.NORMAL}
    old = make_message(id=new_id(now - 8 * 86400, bytes(10)), created_at=now - 8 * 86400, **common)
    job = make_message(id=new_id(now, bytes(10)), job_id=uuid4(), **common)
    failed = make_message(id=new_id(now + 1, bytes(10)), status=Status.TEMPORARY_FAILURE, **common)
    for each in (old, job, failed):
        await door.store.put(Group((each,), b"x"))

    async def listed(query: str) -> list[str]:
        return [each["id"] for each in (await door.get(f"/v2/notifications{query}")).body["notifications"]]

    assert await listed("") == [str(failed.id)]
    assert await listed("?include_jobs=True") == [str(failed.id), str(job.id)]
    assert await listed("?status=failed&status=delivered") == [str(failed.id)]
    assert (
        await listed("?status=delivered")
        == await listed("?status=pending")
        == await listed("?template_type=letter")
        == []
    )
    assert await listed(f"?older_than={uuid4()}") == []
    assert (await door.get(f"/v2/notifications/{old.id}")).status == 200
    assert (await door.get("/v2/notifications?reference=%00")).status == 400


async def test_a_message_whose_content_is_gone_has_no_body(door: Door) -> None:
    sent = (await door.send()).body
    async with door.database.write() as connection:
        await connection.execute(text("DELETE FROM contents"))
    got = (await door.get(f"/v2/notifications/{sent['id']}")).body

    assert (got["body"], got["subject"]) == ("", "Hi Amala")


async def test_a_message_that_ended_says_when_and_why(door: Door) -> None:
    message = make_message(service_id=door.service.id, content_kind=ContentKind.RAW, created_at=time.time())
    await door.store.put(Group((message,), b"x"))
    async with door.database.write() as connection:
        ended = {"status": "permanent-failure", "reason": "suppressed", "completed_at": 1_700_000_000.5}
        await connection.execute(messages.update().values(**ended))
    got = (await door.get(f"/v2/notifications/{message.id}")).body
    french = (await door.get(f"/v2/notifications/{message.id}", **{"Accept-Language": "fr-CA"})).body

    assert got["completed_at"] == "2023-11-14T22:13:20.500000Z"
    assert got["status_description"] == "Blocked"
    assert got["provider_response"] == "The email address is on our email provider suppression list"
    assert french["provider_response"] == got["provider_response"]
    assert french["status"] == "permanent-failure"


async def test_templates_are_read_in_each_version(door: Door) -> None:
    async with door.database.write() as connection:
        await templates.update(connection, door.template.id, time.time(), name="Greeting two", body="((a??b)) ((name))")
        await make_template(connection, door.service.id, name="Another")
    one = (await door.get(f"/v2/template/{door.template.id}/version/1")).body
    two = (await door.get(f"/v2/template/{door.template.id}")).body

    assert (one["version"], one["name"], one["updated_at"]) == (1, "Greeting", None)
    assert (two["version"], two["name"]) == (2, "Greeting two")
    assert two["personalisation"] == {"name": {"required": True}, "a": {"required": True}}
    assert two["created_at"] == one["created_at"] < two["updated_at"]
    assert two["created_by"] == "live@notification.example.ca"
    listed = (await door.get("/v2/templates")).body["templates"]
    assert [each["name"] for each in listed] == ["Another", "Greeting two"]
    assert (await door.get("/v2/templates?type=sms")).body == (await door.get("/v2/templates?type=letter")).body
    for path, status, message in (
        (f"/v2/template/{uuid4()}", 404, "No result found"),
        (f"/v2/template/{door.template.id}/version/3", 404, "No result found"),
        (f"/v2/template/{door.template.id}/version/{10**30}", 404, "No result found"),
        (f"/v2/template/{door.template.id}/version/0", 400, "version 0 is less than the minimum of 1"),
        (f"/v2/template/{door.template.id}/version/x", 400, "version x is not of type integer"),
        ("/v2/template/x", 400, "id is not a valid UUID"),
        ("/v2/notifications/x", 400, "notification_id is not a valid UUID"),
        ("/v2/templates?type=x", 400, "type x is not one of [sms, email, letter]"),
        ("/v2/notifications?include_jobs=1", 400, "include_jobs 1 is not one of [true, True, false, False]"),
        ("/v2/notifications?foo=1", 400, "Additional properties are not allowed (foo was unexpected)"),
    ):
        answer = await door.get(path)
        assert (answer.status, answer.errors[0][1]) == (status, message)


async def test_a_message_follows_the_readers_language_and_error_stays(door: Door) -> None:
    english = await door.ask("GET", "/v2/templates", {})
    french = await door.ask("GET", "/v2/templates", {"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})

    assert english.headers["Content-Language"] == "en"
    assert french.headers["Content-Language"] == "fr"
    assert english.errors[0][0] == french.errors[0][0] == "AuthError"
    assert english.errors[0][1] == "Unauthorized, authentication token must be provided"
    assert french.errors[0][1] == "Non autoris\u00e9\u00a0: il faut un jeton d'authentification"


async def test_a_revoked_key_is_out_within_five_seconds(door: Door) -> None:
    assert (await door.get("/v2/templates", "team")).status == 200
    async with door.database.write() as connection:
        await keys.revoke(connection, Limits(), door.issued["team"].key.id, time.time())
    door.clock.ahead_seconds += 5
    for headers in (door.key("team"), door.bearer("team")):
        answer = await door.ask("GET", "/v2/templates", headers)
        assert (answer.status, answer.errors) == (403, [("AuthError", "Invalid token: API key revoked")])
    assert door.metric("relay_auth_failures_total", reason="revoked") == 2


async def test_a_database_that_is_away_is_503_and_nothing_is_lost(door: Door) -> None:
    first = await door.send()
    async with door.database.write() as connection:
        await connection.execute(text("ALTER TABLE messages RENAME TO elsewhere"))
    away = [await door.send(), await door.get("/v2/notifications"), await door.get(f"/v2/notifications/{uuid4()}")]
    async with door.database.write() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO messages"))

    for answer in away:
        assert (answer.status, answer.errors[0][0]) == (503, "ServiceUnavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert (await door.get(f"/v2/notifications/{first.body['id']}")).status == 200
    assert (await door.send()).status == 201
    assert await stored(door) == 2


async def test_submissions_are_counted_by_outcome(door: Door) -> None:
    await door.send(headers={"Idempotency-Key": "k"})
    await door.send(headers={"Idempotency-Key": "k"})
    await door.send(template_id="x")
    await door.send(template_id=str(uuid4()))

    for outcome, count in (("accepted", 1), ("repeated", 1), ("refused", 2), ("deferred", 0)):
        assert door.metric("relay_submissions_total", door="http", outcome=outcome) == count


async def test_answers_are_not_kept_or_sniffed(door: Door) -> None:
    answer = await door.get("/v2/templates")

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in answer.headers


async def test_documents_are_served_and_name_no_other_host(door: Door) -> None:
    page, document = await door.ask("GET", "/docs"), await door.ask("GET", "/openapi.json")

    assert (page.status, document.status) == (200, 200)
    assert b"<script" not in page.body
    assert b"https://" not in page.body.replace(b"<code>^https://</code>", b"")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert {"/v2/notifications/email", "/v2/notifications", "/v2/template/{id}"} <= set(document.body["paths"])
    assert "HTTPValidationError" not in json.dumps(document.body)


@pytest.mark.parametrize(("trusted", "status"), [((), 403), (("127.0.0.0/8",), 200), (("192.0.2.1",), 403)])
async def test_a_clients_address_comes_from_trusted_proxies_only(
    plain: Database, trusted: tuple[str, ...], status: int
) -> None:
    async with running_door(plain, trusted_proxies=trusted) as door:
        async with plain.write() as connection:
            await keys.update(connection, Limits(), door.issued["normal"].key.id, networks=["198.51.100.0/24"])
        answer = await door.get("/v2/templates", **{"X-Forwarded-For": "198.51.100.7"})

    assert answer.status == status


async def raw(door: Door, octets: bytes, seconds: float = 5) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(octets)
    with contextlib.suppress(ConnectionError):
        try:
            return await asyncio.wait_for(reader.read(), seconds)
        finally:
            writer.close()
    return b""


@pytest.mark.parametrize(
    "octets",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000, b"GET / HTTP/1.1\r\n\r\n"],
    ids=["not HTTP", "large head", "no Host"],
)
async def test_what_is_no_request_is_answered_in_the_same_shape(door: Door, octets: bytes) -> None:
    head, _, body = (await raw(door, octets)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"][0]["error"] == "BadRequestError"


async def test_a_request_that_never_ends_is_ended(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.http.serving.ARRIVAL_SECONDS", 0.2)
    monkeypatch.setattr("relay.http.reading.SECONDS", 0.1)
    head = f"POST {EMAIL} HTTP/1.1\r\nHost: x\r\n"
    full = f"{head}Authorization: {door.key()['Authorization']}\r\nContent-Type: application/json\r\n"
    started = time.monotonic()

    assert await raw(door, b"") == b""
    assert await raw(door, head.encode()) == b""
    assert (await raw(door, f"{full}Content-Length: 10\r\n\r\n{{".encode())).startswith(b"HTTP/1.1 408 ")
    # Refused before its body is read, and the rest of that never comes.
    assert (await raw(door, f"{head}Content-Length: 10\r\n\r\n{{".encode())).startswith(b"HTTP/1.1 401 ")
    assert time.monotonic() - started < 4


async def test_connections_are_bounded(plain: Database) -> None:
    async with running_door(plain, max_connections=2) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        await asyncio.sleep(0.1)
        answer = await raw(door, b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n")
        for _, writer in held:
            writer.close()

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["error"] == "ServiceUnavailable"


async def test_a_stop_lets_a_request_end(plain: Database) -> None:
    async with running_door(plain, drain_seconds=5) as door:
        body = json.dumps(door.email()).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        head = f"POST {EMAIL} HTTP/1.1\r\nHost: x\r\nAuthorization: {door.key()['Authorization']}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        await asyncio.sleep(0.2)
        door.stopping.set()
        await asyncio.sleep(0.3)
        writer.write(body)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_an_error_of_ours_tells_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(door.store, "find", broken)
    answer = await door.get("/v2/notifications")

    assert (answer.status, answer.errors) == (500, [("Exception", "Internal server error")])
