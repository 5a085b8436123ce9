"""What a key of type admin changes by the API: what the command changes, in its service only, entered as its own."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from auth import audit, keys
from auth.audit import Actor
from auth.services import OWN_ID
from config.database import Database
from config.settings import Callbacks, Limits, Settings
from delivery.callbacks import urls
from delivery.store.base import CallbackKind
from delivery.store.suppressing import Codec
from delivery.store.suppressions import EVERYBODY, Reason
from delivery.store.tables import callback_urls, messages
from messages.message import KeyType
from relay.actions import services
from relay.actions.transaction import Transaction
from tests.fakes.receiver import Receiver
from tests.harness.http_door import DOMAIN, GUEST, Answer, Door, make_template, running_door
from tests.harness.sampled import sampled

TOKEN = "a-token-of-theirs"
NEW = {"name": "Permit", "template_type": "email", "content": "Hello ((name))", "subject": "Yours"}
CATEGORY = "0dda24c2-982a-4f44-9749-0e38b2607e89"


async def ask(door: Door, method: str, path: str, body: Any = None, key: str = "admin") -> Answer:
    options = {} if body is None else {"json": body}
    return await door.ask(method, f"/v2/{path}", door.key(key), **options)


def hours_ahead(door: Door) -> str:
    return datetime.fromtimestamp(door.clock() + 7200, UTC).isoformat()


async def entered(door: Door) -> list[tuple[str, str, str, UUID]]:
    async with door.database.read() as c:
        rows = await c.execute(select(audit.audit).order_by(audit.audit.c.id))
        return [(row.action, row.actor_kind, row.actor, row.service_id) for row in rows]


async def test_a_template_lives_as_long_as_its_manager_wants(database: Database) -> None:
    """On SQLite and on PostgreSQL."""
    async with running_door(database) as door:
        made = await ask(door, "POST", "manage-template", NEW | {"template_category_id": CATEGORY})
        assert made.status == 201
        path = f"manage-template/{made.body['id']}"
        assert (made.body["version"], made.body["type"], made.body["body"]) == (1, "email", "Hello ((name))")
        assert (made.body["archived"], made.body["folder_id"], made.body["template_category_id"]) == (False, None, None)
        assert made.body["created_by"] == f"live@{DOMAIN}"
        assert (await ask(door, "GET", path)).body == made.body

        changed = await ask(door, "PATCH", path, {"content": "Dear ((name))", "parent_folder_id": None})
        assert (changed.status, changed.body["version"], changed.body["subject"]) == (200, 2, "Yours")
        listed = await ask(door, "GET", "manage-template")
        assert [each["name"] for each in listed.body["templates"]] == ["Greeting", "Permit"]
        versions = (await ask(door, "GET", f"{path}/versions")).body["templates"]
        assert [(each["version"], each["body"]) for each in versions] == [(2, "Dear ((name))"), (1, "Hello ((name))")]
        door.clock.ahead_seconds += 5
        assert (await door.send(template_id=made.body["id"])).body["content"]["body"] == "Dear Amala"

        gone = await ask(door, "DELETE", path)
        assert (gone.status, gone.body["archived"]) == (200, True)
        assert (await ask(door, "DELETE", path)).errors == [("BadRequestError", "Template is already archived.")]
        assert (await ask(door, "GET", path)).body["archived"] is True
        assert (await ask(door, "PATCH", path, {"name": "Other"})).status == 400
        assert (await ask(door, "GET", "manage-template")).body["templates"][1:] == []

        key_id = str(door.issued["admin"].key.id)
        told = [f"template.{action}" for action in ("create", "update", "archive")]
        assert await entered(door) == [(action, "key", key_id, door.service.id) for action in told]


async def test_a_callback_is_set_shown_and_removed(database: Database) -> None:
    async with running_door(database) as door:
        asked = {"url": "https://city.example/notify", "bearer_token": TOKEN}
        assert (await ask(door, "GET", "manage-callback")).errors == [("NoResultFound", "No result found")]
        issued = await ask(door, "PUT", "manage-callback", asked)
        again = await ask(door, "PUT", "manage-callback", asked)
        assert issued.status == again.status == 200
        assert issued.body["signing_secret"] != again.body["signing_secret"]
        async with database.read() as c:
            receiver = await c.run_sync(urls.load, door.keyring, [door.service.id])
        assert receiver[door.service.id, CallbackKind.STATUS] is not None

        shown = await ask(door, "GET", "manage-callback")
        assert shown.body.keys() == {
            *("type", "url", "created_at", "waiting", "failed_last_day", "last_outcome"),
            *("first_failed_at", "failed_as", "suspended_at", "next_probe_at"),
        }
        assert (shown.body["type"], shown.body["url"]) == ("delivery-status", asked["url"])
        assert (await ask(door, "DELETE", "manage-callback")).body == {"result": "success"}
        assert (await ask(door, "DELETE", "manage-callback")).status == 404
        private = await ask(door, "PUT", "manage-callback", asked | {"url": "https://127.0.0.1/"})
        assert private.status == 400
        assert "public addresses only" in private.errors[0][1]
        actions = [action for action, *_ in await entered(door)]
        assert actions == ["service.callback.set", "service.callback.set", "service.callback.remove"]


async def test_each_type_of_callback_is_its_own(database: Database) -> None:
    async with running_door(database) as door:
        asked = {"url": "https://city.example/complaints", "bearer_token": TOKEN, "type": "complaint"}
        assert (await ask(door, "PUT", "manage-callback", asked)).body["type"] == "complaint"
        assert (await ask(door, "GET", "manage-callback")).status == 404
        for verb, path in (("GET", ""), ("POST", "/test"), ("POST", "/resume"), ("DELETE", "")):
            assert (await ask(door, verb, f"manage-callback{path}?type=inbound-sms")).status == 404
            assert (await ask(door, verb, f"manage-callback{path}?type=other")).status == 400
        assert (await ask(door, "GET", "manage-callback?type=complaint")).body["url"] == asked["url"]
        assert (await ask(door, "DELETE", "manage-callback?type=complaint")).status == 200
        assert (await ask(door, "GET", "manage-callback?type=complaint")).status == 404


async def test_a_callback_is_tried_and_resumed(database: Database) -> None:
    async with running_door(database, callbacks=Callbacks(allow_private=True)) as door, Receiver() as receiver:
        url = receiver.url
        assert (await ask(door, "PUT", "manage-callback", {"url": url, "bearer_token": TOKEN})).status == 200
        tried = await ask(door, "POST", "manage-callback/test")
        assert (tried.body["works"], tried.body["http_status"], tried.body["reason"]) == (True, 200, None)
        well = await ask(door, "POST", "manage-callback/resume")
        assert (well.status, well.errors[0][0]) == (400, "BadRequestError")
        async with database.write() as c:
            c_ = callback_urls.c
            failing = {c_.failing_since: 1.0, c_.failed_as: "http_503", c_.suspended_at: 2.0, c_.probe_at: 3.0}
            await c.execute(update(callback_urls).values(failing))
        shown = (await ask(door, "GET", "manage-callback")).body
        assert (shown["failed_as"], shown["suspended_at"]) == ("http_503", "1970-01-01T00:00:02Z")
        assert (await ask(door, "POST", "manage-callback/resume")).body == {"result": "success"}
        shown = (await ask(door, "GET", "manage-callback")).body
        assert (shown["failed_as"], shown["suspended_at"], shown["next_probe_at"]) == (None, None, None)
        assert [action for action, *_ in await entered(door)][-1] == "service.callback.resume"


async def test_a_callback_that_may_not_be_called_is_not_tried(database: Database) -> None:
    async with running_door(database) as door:
        async with database.write() as c:
            named = {"url": "http://127.0.0.1:9/", "bearer_token": TOKEN, "allow_private": True}
            await urls.put(c, door.keyring, door.service.id, door.clock(), **named)
        refused = await ask(door, "POST", "manage-callback/test")
        assert (refused.status, refused.errors[0][0]) == (400, "BadRequestError")


async def test_guests_are_added_listed_and_removed(database: Database) -> None:
    async with running_door(database) as door:
        added = await ask(door, "POST", "manage-guest", {"guest": "Ann@HOME.example"})
        assert (added.status, added.body["guest"]) == (201, "ann@home.example")
        listed = (await ask(door, "GET", "manage-guest")).body["guests"]
        assert [each["guest"] for each in listed] == ["ann@home.example", GUEST]
        assert added.body in listed
        door.clock.ahead_seconds += 5
        assert (await door.send("team", email_address="ann@home.example")).status == 201
        twice = await ask(door, "POST", "manage-guest", {"guest": "ann@home.example"})
        assert twice.errors == [("BadRequestError", "this address or number is on the guest list already")]
        path = f"manage-guest/{added.body['id']}"
        assert (await ask(door, "DELETE", path)).body == {"result": "success"}
        assert (await ask(door, "DELETE", path)).status == 404
        assert [action for action, *_ in await entered(door)] == ["service.guest.add", "service.guest.remove"]


async def test_a_service_manages_its_own_suppressions_and_urgent_messages_hear_of_them(database: Database) -> None:
    async with running_door(database) as door:
        named = {"recipient": "Gone@HOME.example"}
        added = await ask(door, "POST", "manage-suppression", named)
        assert (added.status, added.body["reason"], added.body["until"]) == (201, "by-hand", None)
        for path, body in (("manage-suppression", None), ("manage-suppression/find", named)):
            listed = await ask(door, "POST" if body else "GET", path, body)
            assert listed.body == {"suppressions": [added.body]}
        beyond = await ask(door, "GET", f"manage-suppression?older_than={added.body['id']}")
        assert (beyond.status, beyond.body) == (200, {"suppressions": []})
        door.clock.ahead_seconds += 5
        async with database.write() as c:
            await c.execute(update(keys.keys).values(lane="priority"))
        door.clock.ahead_seconds += 5
        refused = await door.send(email_address="gone@home.example")
        assert (refused.status, refused.errors[0][0]) == (400, "BadRequestError")
        assert "asked for it to stop" in refused.errors[0][1]
        assert (await door.send("test", email_address="gone@home.example")).status == 201
        codec = Codec(door.keyring)
        theirs = await database.transact(
            lambda c: codec.add(c, EVERYBODY, "all@home.example", Reason.BY_HAND, door.clock())
        )
        assert (await ask(door, "DELETE", f"manage-suppression/{theirs}")).status == 404
        path = f"manage-suppression/{added.body['id']}"
        assert (await ask(door, "DELETE", path)).body == {"result": "success"}
        assert (await ask(door, "DELETE", path)).status == 404
        assert (await door.send(email_address="gone@home.example")).status == 201
        assert [action for action, *_ in await entered(door)] == ["suppression.add", "suppression.remove"]


async def test_an_address_for_answers_proves_itself_by_the_code_that_it_was_mailed(database: Database) -> None:
    async with running_door(database) as door:
        early = await ask(door, "POST", "manage-reply-to", {"address": "permits@city.example"})
        assert (early.status, "no service of its own" in early.errors[0][1]) == (400, True)
        assert (await ask(door, "GET", "manage-reply-to")).body == {"reply_to_addresses": []}
        await own_service(door)

        made = await ask(door, "POST", "manage-reply-to", {"address": "permits@city.example"})
        assert (made.status, made.body["verified_at"], made.body["default"]) == (201, None, False)
        path = f"manage-reply-to/{made.body['id']}"
        named = {"email_reply_to_id": made.body["id"]}
        assert (await door.send(**named)).status == 400
        assert (await ask(door, "POST", f"{path}/default")).status == 400
        assert (await ask(door, "POST", f"{path}/code")).status == 400  # a moment ago one was sent

        code = await mailed_code(door)
        wrong = await ask(door, "POST", f"{path}/verify", {"code": "000000" if code != "000000" else "111111"})
        assert (wrong.status, wrong.errors[0][0]) == (400, "BadRequestError")
        done = await ask(door, "POST", f"{path}/verify", {"code": code})
        assert (done.status, done.body["default"], done.body["verified_at"] is None) == (200, True, False)
        assert (await ask(door, "GET", "manage-reply-to")).body["reply_to_addresses"] == [done.body]
        door.clock.ahead_seconds += 5
        assert (await door.send(**named)).status == 201
        kept = await ask(door, "DELETE", path)
        assert (kept.status, "is the default" in kept.errors[0][1]) == (400, True)
        actions = [f"service.reply-to.{each}" for each in ("add", "confirm", "default")]
        key_id = str(door.issued["admin"].key.id)
        mine = {each for each in await entered(door) if each[1] == "key"}  # of one moment, they stand in no order
        assert mine == {(each, "key", key_id, door.service.id) for each in actions}


async def test_a_try_with_a_wrong_code_is_counted_and_the_sixth_is_one_too_many(database: Database) -> None:
    async with running_door(database) as door:
        await own_service(door)
        made = await ask(door, "POST", "manage-reply-to", {"address": "permits@city.example"})
        path, code = f"manage-reply-to/{made.body['id']}", await mailed_code(door)
        for _ in range(5):
            assert (await ask(door, "POST", f"{path}/verify", {"code": f"{(int(code) + 1) % 10**6:06}"})).status == 400
        assert (await ask(door, "POST", f"{path}/verify", {"code": code})).status == 400
        door.clock.ahead_seconds += 31
        assert (await ask(door, "POST", f"{path}/code")).body == {"result": "success"}
        assert (await ask(door, "POST", f"{path}/verify", {"code": await mailed_code(door)})).status == 200


async def test_one_of_several_addresses_is_made_the_default_and_another_removed(database: Database) -> None:
    async with running_door(database) as door:
        await own_service(door)
        ids = []
        for each in ("one@city.example", "two@city.example"):
            made = await ask(door, "POST", "manage-reply-to", {"address": each})
            ids.append(made.body["id"])
            await ask(door, "POST", f"manage-reply-to/{ids[-1]}/verify", {"code": await mailed_code(door)})
        assert (await ask(door, "POST", f"manage-reply-to/{ids[1]}/default")).body["default"] is True
        rows = (await ask(door, "GET", "manage-reply-to")).body["reply_to_addresses"]
        assert [(each["id"], each["default"]) for each in rows] == [(ids[0], False), (ids[1], True)]
        assert (await ask(door, "DELETE", f"manage-reply-to/{ids[0]}")).body == {"result": "success"}
        for method, end, body in (("DELETE", "", None), ("POST", "/default", None), ("POST", "/code", None),
                                  ("POST", "/verify", {"code": "123456"})):  # fmt: skip
            assert (await ask(door, method, f"manage-reply-to/{ids[0]}{end}", body)).status == 404


async def test_so_many_codes_an_hour_are_mailed_for_a_service(database: Database) -> None:
    async with running_door(database) as door:
        await own_service(door)
        for _ in range(20):
            made = await ask(door, "POST", "manage-reply-to", {"address": "permits@city.example"})
            assert (await ask(door, "DELETE", f"manage-reply-to/{made.body['id']}")).status == 200
        more = await ask(door, "POST", "manage-reply-to", {"address": "permits@city.example"})
        assert (more.status, more.errors[0][0], more.headers["Retry-After"]) == (429, "TooManyRequestsError", "3600")
        door.clock.ahead_seconds += 3601
        assert (await ask(door, "POST", "manage-reply-to", {"address": "permits@city.example"})).status == 201


async def own_service(door: Door) -> None:
    """From which the relay itself writes: the command makes it with the first contact."""
    async with door.database.write() as c:
        t = Transaction(c, Settings(), door.keyring, None, Actor("command", "test"), door.clock())
        await services.ensure_own(t)


async def mailed_code(door: Door) -> str:
    """The one of the newest letter."""
    async with door.database.read() as c:
        mine = select(messages.c.id).where(messages.c.service_id == OWN_ID).order_by(messages.c.id.desc())
        newest = await c.scalar(mine.limit(1))
    loaded = (await door.store.searching.load([newest]))[newest]
    content = (await door.store.contents.load({loaded.content_id}))[loaded.content_id]
    found = re.search(rb"\b(\d{6}) is the code", content or b"")
    assert found
    return found[1].decode()


async def test_a_key_cancels_messages_of_its_type_and_an_admin_key_any(database: Database) -> None:
    async with running_door(database) as door:
        sent = {}
        for key in ("normal", "test"):
            sent[key] = (await door.send(key, scheduled_for=hours_ahead(door))).body["id"]

        async def cancel(name: str, key: str) -> Answer:
            return await ask(door, "DELETE", f"notifications/{sent[name]}", key=key)

        assert (await cancel("normal", "test")).status == 404
        assert (await cancel("normal", "trial")).status == 404
        assert (await cancel("normal", "normal")).body == {"result": "success"}
        assert (await cancel("test", "admin")).status == 200
        again = await cancel("test", "admin")
        assert again.status == 400
        assert "it is cancelled" in again.errors[0][1]
        shown = await door.get(f"/v2/notifications/{sent['normal']}")
        assert (shown.body["status"], shown.body["completed_at"] is None) == ("cancelled", False)
        assert [action for action, *_ in await entered(door)] == ["message.cancel", "message.cancel"]


async def test_a_group_is_cancelled_with_an_admin_key_only(door: Door) -> None:
    sent = [(await door.send(scheduled_for=hours_ahead(door))).body["id"] for _ in range(2)]
    group = uuid4()
    async with door.database.write() as c:
        await c.execute(update(messages).where(messages.c.id.in_(map(UUID, sent))).values(group_id=group))
    assert (await ask(door, "DELETE", f"manage-group/{group}", key="normal")).status == 403
    done = await ask(door, "DELETE", f"manage-group/{group}")
    assert done.body == {"group_id": str(group), "cancelled": 2, "not_cancelled": 0}
    assert (await ask(door, "DELETE", f"manage-group/{uuid4()}")).status == 404


WHAT = {"manage-template": "templates", "manage-callback": "callbacks", "manage-guest": "guests"}
WHAT |= {"manage-reply-to": "reply-to addresses"}


@pytest.mark.parametrize(
    ("path", "key"),
    sampled(
        [(path, key) for path in WHAT for key in ("normal", "team", "test", "trial")], lambda at: at in (0, 5, 10, 3)
    ),
)
async def test_no_other_key_manages_anything(door: Door, key: str, path: str) -> None:
    refused = await ask(door, "GET", path, key=key)
    message = f"This API key does not have permission to manage {WHAT[path]}."
    assert (refused.status, refused.errors) == (403, [("ForbiddenError", message)])
    assert await entered(door) == []


async def test_an_admin_key_sends_nothing_and_sees_all_types(door: Door) -> None:
    refused = await door.send("admin")
    assert (refused.status, refused.errors[0][0]) == (403, "ForbiddenError")
    simulated = await door.send("admin", email_address="simulate-delivered@notification.canada.ca")
    assert simulated.status == 403
    for key in ("normal", "test"):
        assert (await door.send(key)).status == 201
    assert len((await door.get("/v2/notifications", "admin")).body["notifications"]) == 2
    assert len((await door.get("/v2/notifications", "test")).body["notifications"]) == 1


async def _template(door: Door) -> str:
    async with door.database.write() as c:
        return f"manage-template/{(await make_template(c, door.issued['trial'].key.service_id)).id}"


async def _hidden(door: Door) -> str:
    return f"manage-template/{door.service.email_template_id}"


async def _unknown(door: Door) -> str:
    return f"manage-template/{uuid4()}"


@pytest.mark.parametrize("of", [_template, _hidden, _unknown])
async def test_what_is_not_of_the_keys_service_is_not_there(door: Door, of: Callable[[Door], Awaitable[str]]) -> None:
    path = await of(door)
    for method, end, body in (
        ("GET", "", None),
        ("GET", "/versions", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
    ):
        answer = await ask(door, method, path + end, body)
        assert (answer.status, answer.errors) == (404, [("NoResultFound", "No result found")])
    assert await entered(door) == []


async def test_an_admin_key_may_do_so_much_in_a_minute(database: Database) -> None:
    async with running_door(database) as door:
        async with database.write() as c:
            terms: Any = {"per_minute": 3}
            issued = await keys.create(
                c, door.keyring, Limits(), door.service, door.clock(), name="few", type=KeyType.ADMIN, **terms
            )
        door.issued["few"] = issued
        door.clock.ahead_seconds += 60 - door.clock() % 60
        answers = [await ask(door, "GET", "manage-guest", key="few") for _ in range(4)]
        assert [each.status for each in answers] == [200, 200, 200, 429]
        limit = "Exceeded rate limit for key type ADMIN of 3 requests per 60 seconds"
        assert answers[-1].errors == [("RateLimitError", limit)]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


async def test_what_cannot_be_used_is_said_and_changes_nothing(door: Door) -> None:
    for method, path, body, message in (
        ("POST", "manage-template", {}, "name is a required property"),
        (
            "POST",
            "manage-template",
            NEW | {"template_type": "letter"},
            "template_type letter is not one of [sms, email]",
        ),
        ("POST", "manage-template", NEW | {"more": 1}, "Additional properties are not allowed (more was unexpected)"),
        ("POST", "manage-template", NEW | {"content": " "}, "a template's body has 1 to 50000 characters"),
        ("PATCH", f"manage-template/{door.template.id}", {}, "nothing is named that is to change"),
        ("PUT", "manage-callback", {"url": "https://city.example"}, "bearer_token is a required property"),
        ("POST", "manage-guest", {"guest": "nobody"}, "this is neither a mail address nor a telephone number"),
        ("DELETE", "manage-guest/one", None, "id is not a valid UUID"),
    ):
        answer = await ask(door, method, path, body)
        assert answer.status == 400, (method, path, answer.body)
        assert message in answer.errors[0][1]
    assert await entered(door) == []


async def test_a_service_says_how_long_its_contents_are_kept(database: Database) -> None:
    """On SQLite and on PostgreSQL."""
    async with running_door(database) as door:
        assert (await ask(door, "GET", "manage-service")).body == {"content_days": 7}
        changed = await ask(door, "PUT", "manage-service", {"content_days": 3})
        assert (changed.status, changed.body) == (200, {"content_days": 3})
        assert (await ask(door, "GET", "manage-service")).body == {"content_days": 3}
        for days in (0, 31):
            refused = await ask(door, "PUT", "manage-service", {"content_days": days})
            assert refused.errors == [("BadRequestError", "what messages say is kept for 1 to 30 days")]
        assert (await ask(door, "PUT", "manage-service", {"content_days": True})).status == 400
        assert (await ask(door, "PUT", "manage-service", {"content_days": 3}, key="normal")).status == 403

        assert [each[:3] for each in await entered(door)] == [
            ("service.update", "key", str(door.issued["admin"].key.id))
        ]
