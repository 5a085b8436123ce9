"""The HTTP door over real sockets and a real database: messages and templates as they are read back."""

import json
import time
from uuid import uuid4

from sqlalchemy import text

from auth import keys
from config.settings import Limits
from delivery.library import templates
from delivery.store.tables import messages
from messages.address import Address
from messages.message import ContentKind, KeyType, new_id
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.http_door import READER, ROOT, Door, make_template
from tests.harness.store import group_of

JSON = {"Content-Type": "application/json"}
EMAIL = "/v2/notifications/email"


async def test_pages_of_250_lead_through_600_messages_and_end(door: Door) -> None:
    now, key = time.time() - 100, door.issued["normal"].key
    ids = [new_id(now + n / 100, n.to_bytes(10)) for n in range(600)]
    for start in range(0, 600, 100):
        await door.store.putting.put(
            group_of(
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
        await door.store.putting.put(group_of((each,), b"x"))

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
    await door.store.putting.put(group_of((message,), b"x"))
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
        await keys.revoke(connection, door.keyring, Limits(), door.issued["team"].key.id, time.time())
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
    assert await door.stored() == 2


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
