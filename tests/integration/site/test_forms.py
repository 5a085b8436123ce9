"""Every form of the site in Chromium with its scripts: filled in wrongly, then rightly, in both languages.

After a wrong one the focus is on the error summary, and each of its links leads to what it is about. What the browser
complains of fails, what the policy of the pages forbids with it. Each POST route of the table is filled in, or named
here with the reason why it cannot be done wrongly.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pyotp
import pytest
import pytest_asyncio

from auth import guests, keys
from auth import services as stored
from auth.audit import Actor
from auth.people import organisations
from auth.people.permissions import Permission
from delivery.figures.tables import count_changes
from delivery.store.suppressing import Codec
from delivery.store.suppressions import Reason
from messages.message import Channel, Language
from relay.actions import templates as changing
from relay.site.routes import ROUTES
from tests.conftest import skip_or_fail
from tests.harness.branded import missing
from tests.harness.browser import Page, Value
from tests.harness.chromium import Chromium
from tests.harness.held import held
from tests.harness.people import PASSWORD, Somebody, somebody
from tests.harness.sampled import sampled
from tests.harness.site import RunningSite

POSTS = {route.path for route in ROUTES if route.method == "POST"}
NEVER_WRONG = {
    "sign-out": "a button",
    "account/recovery": "a button",
    "account/language": "one of the two is chosen already",
    "services/{service_id}/settings/language": "one of them is chosen already",
    "account/sessions": "buttons, one for each device",
    "account/factors/{factor_id}/remove": "a button; that the last one stays is what test_account tries",
    "services/add/check": "a button; what it sends was checked on the pages before",
    "services/{service_id}/settings/channels": "boxes, each of which may stay empty",
    "services/{service_id}/settings/hold": "a button",
    "services/{service_id}/holds": "a button",
    "services/{service_id}/callbacks/{kind}/remove": "a button",
    "services/{service_id}/keys/{key_id}/made": "buttons",
    "services/{service_id}/keys/{key_id}/revoke": "a button",
    "services/{service_id}/keys/{key_id}/rotate": "one of them is chosen already",
    "services/{service_id}/team": "a button for each invitation",
    "services/{service_id}/team/{user_id}/remove": "a button; that the last one stays is what test_teams tries",
    "services/{service_id}/templates/{template_id}/archive": "a button",
    "services/{service_id}/templates/{template_id}/restore": "a button",
    "services/{service_id}/send/{template_id}/check": "a button; what may be wrong by then is what test_send tries",
    "invitation/{code}": "a button",
    "account/factors/passkey": "the device answers, and test_passkeys_in_a_browser has one that does not",
}
FRAMED = {"services/{service_id}/templates/{template_id}/frame": "fills a frame beside a form, and has no page"}
MAIL = b"From: a@b.example\r\nTo: reader@dept.gc.ca\r\nSubject: x\r\n\r\nx\r\n"
Form = Mapping[str, Value]


@dataclass
class Desk:
    """Somebody at a browser who fills in forms."""

    site: RunningSite
    browser: Chromium
    language: Language
    ids: dict[str, str] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)

    async def sit(self, who: Somebody | None) -> None:
        await self.browser.tell("cookies", cookies=[*who.browser.cookies.items()] if who else [])

    async def open(self, route: str) -> Page:
        path = re.sub(r"\{(\w+)\}", lambda found: self.ids[found[1]], route)
        return await self.browser.open(f"/{self.language}/{path}")

    async def fill(
        self,
        route: str,
        right: Form | Callable[[], Awaitable[Form]] | None = None,
        wrong: Form | None = None,
        *,
        named: tuple[str, str] | None = None,
        opens: str | None = "",
    ) -> Page:
        """The form of a route's page, at `opens` where that says more; None: where one is already."""
        if opens is not None:
            await self.open(opens or route)
        assert (wrong is None) == (route in NEVER_WRONG), route
        if wrong is not None:
            await self._wrongly(route, wrong, named)
        values = await right() if callable(right) else (right or {})
        page = await self.browser.submit(values, named)
        assert page.status == 200, (route, page.status)
        assert page.errors == [], route
        self.filled.add(route)
        return page

    async def _wrongly(self, route: str, wrong: Form, named: tuple[str, str] | None) -> None:
        page = await self.browser.submit(wrong, named)
        assert page.status == 200, (route, page.status)
        assert page.errors, (route, page.text)
        assert page.title.startswith("Erreur" if self.language is Language.FR else "Error"), route
        assert self.browser.focus == "summary", (route, self.browser.focus)
        for words, about, led in await self.browser.errors():
            assert about == led, (route, words)

    def take(self, name: str, pattern: str) -> str:
        """An id from the address of the page."""
        assert self.browser.page is not None
        found = re.search(pattern, self.browser.page.url)
        assert found, self.browser.page.url
        self.ids[name] = found[1]
        return found[1]


async def entry(desk: Desk) -> None:
    email, site = f"odile-{desk.language}@dept.gc.ca", desk.site
    who = await somebody(site, f"amala-{desk.language}@dept.gc.ca", has_app=False)
    await desk.sit(None)
    await desk.fill(
        "contact",
        {"reason": "ask", "message": "How?", "name": "Zoé", "email": "zoe@example.ca"},
        {"message": "", "email": "zoe"},
    )
    named = {"name": "Odile", "email": email, "password": "quiet harbour lamp seven", "terms": ["yes"]}
    await desk.fill("register", named, {"name": "", "email": "odile@elsewhere.example", "password": "short"})
    await desk.fill("verify", lambda: _code(who, email), {"code": "12"}, opens=None)
    await desk.fill("sign-out")
    await desk.fill("forgot-password", {"email": who.user.email}, {"email": ""})
    await desk.fill("forgot-password/code", lambda: _code(who), {"code": "000"}, opens=None)
    await desk.fill("new-password", {"password": PASSWORD + " more"}, {"password": "short"}, opens=None)
    given = {"email": who.user.email, "password": PASSWORD + " more"}
    await desk.fill("sign-in", given, {"email": who.user.email, "password": "wrong wrong wrong"})
    await desk.fill("two-factor", lambda: _code(who), {"code": ""}, opens=None)
    site.clock.ahead_seconds += 31 * 60
    await desk.open("account")
    await desk.fill("unlock", {"password": PASSWORD + " more"}, {"password": "wrong wrong wrong"}, opens=None)


async def _code(who: Somebody, to: str = "") -> Form:
    """The one that went last to them, or to another of their addresses."""
    (newest, *_) = await who.letters(to or who.user.email)
    (code,) = set(re.findall(r"(?<![\w-])\d{6}(?![\w-])", str(newest.get("personalisation", newest))))
    return {"code": code}


async def account(desk: Desk) -> None:
    who = await somebody(desk.site, f"otto-{desk.language}@dept.gc.ca")
    await desk.sit(who)
    desk.site.clock.ahead_seconds += 11 * 60

    async def app_code() -> Form:
        return {"app_code": who.code()}

    await desk.open("account/name")
    await desk.fill("step-up", app_code, {"app_code": "000000"}, opens=None)
    await desk.fill("account/name", {"name": "Otto"}, {"name": ""})
    new = f"otto-new-{desk.language}@dept.gc.ca"
    await desk.fill("account/email", {"email": new}, {"email": "otto"})
    await desk.fill("account/email/code", lambda: _code(who, new), {"code": "0"}, opens=None)
    await desk.fill("account/language", {"language": "fr"})
    await desk.fill("account/number", {"phone": "613 555 0123"}, {"phone": "12"})
    await desk.fill("account/number/code", lambda: _code(who, "+16135550123"), {"code": "0"}, opens=None)
    changed = {"current_password": PASSWORD, "password": "another quiet lamp of eight"}
    await desk.fill("account/password", changed, {"current_password": "no", "password": "short"})
    await desk.fill("account/factors/app", {"name": "Tablet"}, {"name": ""})

    async def new_code() -> Form:
        assert desk.browser.page is not None
        secret = desk.browser.page.root.at("app-key").text.replace(" ", "")
        return {"code": pyotp.TOTP(secret).at(int(desk.site.clock()))}

    page = await desk.fill("account/factors/app/code", new_code, {"code": "000000"}, opens=None)
    (desk.ids["factor_id"],) = {
        found[1] for text, url in page.links if text == "Tablet" and (found := re.search(r"factors/(\S+)", url))
    }
    await desk.fill("account/factors/{factor_id}", {"name": "Slate"}, {"name": ""})
    await desk.fill("account/factors/{factor_id}/remove")
    await desk.browser.tell("device")
    await desk.fill("account/factors/passkey", {"name": "Laptop"})
    await desk.fill("account/recovery")
    await who.again()
    await desk.fill("account/sessions", named=("session", "others"))
    await desk.fill("account/deactivate", {"sure": ["yes"]}, {})


async def services(desk: Desk) -> None:
    spoken, site = desk.language, desk.site
    who = await somebody(site, f"sade-{spoken}@dept.gc.ca")
    other = await somebody(site, f"piet-{spoken}@dept.gc.ca")
    operator = await somebody(site, f"olga-{spoken}@dept.gc.ca", operator=True)
    await desk.sit(who)
    await desk.fill("services/add", {"name": f"Docks {spoken}", "name_fr": f"Quais {spoken}"}, {"name": ""})
    await desk.fill("services/add/address", {"email_from": f"docks-{spoken}"}, {"email_from": "é é"}, opens=None)
    await desk.fill("services/add/check", opens=None)
    desk.take("service_id", r"services/([0-9a-f-]{36})")
    settings = "services/{service_id}/settings/"
    await desk.fill(f"{settings}name", {"name": f"Docks2 {spoken}", "name_fr": f"Quais2 {spoken}"}, {"name": ""})
    await desk.fill(f"{settings}address", {"email_from": f"docks2-{spoken}"}, {"email_from": "é"})
    await desk.fill(f"{settings}channels", {"channels": ["sms_allowed"]})
    await desk.fill(f"{settings}contact", {"contact": "team@dept.gc.ca"}, {"contact": "team"})
    await desk.fill(f"{settings}language", {"language": "both"})
    await desk.fill(f"{settings}kept", {"days": "3"}, {"days": "many"})
    await desk.fill(f"{settings}hold", named=("held", "yes"))
    await desk.fill(f"{settings}hold", named=("held", "no"))
    answers = f"answers-{spoken}@dept.gc.ca"
    await desk.fill("services/{service_id}/reply-to/new", {"address": answers}, {"address": "answers"})
    desk.take("reply_to_id", r"reply-to/([0-9a-f-]{36})")
    one = "services/{service_id}/reply-to/{reply_to_id}"
    await desk.fill(one, lambda: _code(who, answers), {"code": "000000"})
    await desk.fill("services/{service_id}/guests", {"guest": "guest@example.ca"}, {"guest": "guest"})
    await _suppressing(desk)
    await held(desk.site, UUID(desk.ids["service_id"]))
    await desk.fill("services/{service_id}/holds")
    team = "services/{service_id}/team"
    invitation = {"address": other.user.email, "permissions": ["view_activity", "manage_service"]}
    await desk.fill(f"{team}/invite", {**invitation, "address": "x@dept.gc.ca"}, {"address": "x"})
    page = await desk.open(team)
    (button,) = [each for each in page.root.tagged("button") if each.attributes.get("name") == "cancel"]
    await desk.fill(team, named=("cancel", button.attributes["value"]))
    await desk.fill(f"{team}/invite", invitation, {"address": "x", "permissions": []})
    use = {"purposes": "Licences", "recipients": "Skippers"}
    numbers = dict.fromkeys(("emails_per_day", "emails_per_year", "texts_per_day", "texts_per_year"), "12")
    await desk.fill("services/{service_id}/go-live/use-case", {**use, **numbers}, {**use, "emails_per_day": "many"})

    (letter, *_) = await other.letters()
    code = re.search(r"\b(\w{4}-\w{4}-\w{4})\b(?!-)", letter["personalisation"]["body"])
    assert code
    desk.ids["code"] = code[1]
    await desk.sit(other)
    await desk.fill("invitation", {"invitation": code[1]}, {"invitation": "none"})
    await desk.fill("invitation/{code}", opens=None)
    desk.ids["user_id"] = str(other.user.id)
    await desk.sit(who)
    await desk.fill(f"{team}/{{user_id}}", {"permissions": ["view_activity", "manage_service"]}, {"permissions": []})
    await _delivered(desk)
    await desk.fill("services/{service_id}/go-live", {"terms": ["yes"]}, {})
    await desk.sit(operator)
    page = await desk.open("approvals")
    (desk.ids["request_id"],) = {found[1] for _, url in page.links if (found := re.search(r"approvals/(\S+)", url))}
    await desk.fill("approvals/{request_id}", {"answer": "no", "remark": "More"}, {"remark": "More"})
    await desk.sit(who)
    await desk.fill(f"{team}/{{user_id}}/remove")


async def _suppressing(desk: Desk) -> None:
    """Somebody is put on the list by hand, found there; and taken off, who complained."""
    all_of_them, gone = "services/{service_id}/suppressions", "gone@example.ca"
    await desk.fill(
        f"{all_of_them}/new", {"recipient": gone, "last_day": ""}, {"recipient": "gone", "last_day": "2020-01-01"}
    )
    await desk.fill(f"{all_of_them}/recipient", {"recipient": gone}, {"recipient": "gone"})
    site, service_id = desk.site, UUID(desk.ids["service_id"])
    async with site.database.write() as c:
        codec, now = Codec(site.site.secret), site.clock()
        made = await c.run_sync(lambda c: codec.add(c, service_id, "angry@example.ca", Reason.COMPLAINT, now))
    desk.ids["suppression_id"] = str(made)
    await desk.fill(f"{all_of_them}/{{suppression_id}}/lift", {"sure": ["yes"]}, {})


async def _delivered(desk: Desk) -> None:
    """A template, and a message of it that reached somebody: what going live asks for."""
    async with desk.site.writing(Actor("user", "x")) as t:
        await changing.create(t, desk.ids["service_id"], channel=Channel.EMAIL, name="n", subject="s", body="b")
        ids = {name: uuid4() for name in ("id", "key_id", "template_id")}
        row = {"service_id": UUID(desk.ids["service_id"]), "start": 0, "channel": "email", "door": "smtp"}
        counted = {"key_type": "team", "status": "delivered", "messages": 1, "units": 0}
        await t.connection.execute(count_changes.insert().values(**ids, **row, **counted))


async def sending(desk: Desk) -> None:
    who, page = await _at_new_service(desk, "sven")
    named = {"name": f"Ready {desk.language}", "body": "Hello ((skipper))"}
    new = "services/{service_id}/templates/new-"
    await desk.fill(f"{new}text", named, {"name": "", "body": "Hello"})
    await desk.fill(f"{new}email", {**named, "name": "Mail", "subject": "Ready"}, {**named, "subject": ""})
    desk.take("template_id", r"templates/([0-9a-f-]{36})")
    one = "services/{service_id}/templates/{template_id}"
    page = await desk.fill(f"{one}/edit", {**named, "subject": "Ready now"}, {**named, "subject": "", "body": ""})
    await desk.fill(f"{one}/copy", {"name": "Copy"}, {"name": ""})
    send = "services/{service_id}/send/{template_id}"
    await desk.fill(
        send, {"recipient": who.user.email, "value-0": "Zoé", "day": ""}, {"recipient": "zoe", "day": "1999-01-01"}
    )
    page = await desk.fill(f"{send}/check", opens=None)
    assert desk.take("message_id", r"messages/([0-9a-f-]{36})") in page.html
    activity = "services/{service_id}/activity/recipient"
    await desk.fill(activity, {"recipient": who.user.email}, {"recipient": "zoe"})
    await desk.fill("services/{service_id}/trace", {"pasted": desk.ids["message_id"]}, {"pasted": ""})
    await desk.fill(f"{one}/archive")
    await desk.fill(f"{one}/restore")


async def connecting(desk: Desk) -> None:
    await _at_new_service(desk, "kim")
    all_keys = "services/{service_id}/keys/"
    await desk.fill(
        f"{all_keys}new", {"name": "Scanner", "type": "team", "networks": ""}, {"name": "", "networks": "all"}
    )
    desk.take("key_id", r"keys/([0-9a-f-]{36})")
    await desk.fill(f"{all_keys}{{key_id}}/made", named=("next", "list"), opens=None)
    await desk.fill(
        f"{all_keys}{{key_id}}", {"networks": "192.0.2.0/24", "senders": ""}, {"networks": "all", "senders": "é"}
    )
    message = {"message": ("a.eml", MAIL), "to": ""}
    await desk.fill("services/{service_id}/preview", message, {"to": "someone"})
    await desk.fill(f"{all_keys}{{key_id}}/rotate", {"overlap": "0"})
    desk.take("key_id", r"keys/([0-9a-f-]{36})")
    await desk.fill(f"{all_keys}{{key_id}}/revoke")
    desk.ids["kind"] = "delivery-status"
    called = {"url": "https://receiver.dept.example/hook", "token_secret": "long-enough-token"}
    one = "services/{service_id}/callbacks/{kind}"
    await desk.fill(one, called, {"url": "ftp://x", "token_secret": "short"})
    await desk.fill(f"{one}/remove")


async def _at_new_service(desk: Desk, name: str) -> tuple[Somebody, Page]:
    who = await somebody(desk.site, f"{name}-{desk.language}@dept.gc.ca")
    local = f"{name}-{desk.language}"
    service_id = await desk.site.service(local, local)
    desk.ids["service_id"] = str(service_id)
    limits, now = desk.site.site.settings.limits, desk.site.clock()
    async with desk.site.database.write() as connection:
        service = await stored.find(connection, limits, service_id)
        await keys.hidden(connection, desk.site.site.secret, limits, service, now)
        await guests.add(connection, desk.site.site.secret, service_id, who.user.email, now)
    desk.site.people.members[who.user.id, UUID(desk.ids["service_id"])] = frozenset(Permission)
    await desk.sit(who)
    return who, await desk.open("services")


ROOMS: dict[str, tuple[Callable[[Desk], Awaitable[None]], str]] = {
    "entry": (entry, r"contact|register|verify|sign-|forgot-|new-password|two-factor|unlock"),
    "account": (account, r"account|step-up"),
    "services": (
        services,
        r"services/add|services/[^/]+/(settings|reply-to|suppressions|holds|guests|team|go-live)|invitation|approvals",
    ),
    "sending": (sending, r"services/[^/]+/(templates|send|activity|trace)"),
    "connecting": (connecting, r"services/[^/]+/(keys|preview|callbacks)"),
}
WALKS = [(room, language) for room in ROOMS for language in (Language.EN, Language.FR)]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def organisation(site: RunningSite) -> None:
    async with site.database.write() as c:
        made = await organisations.create(c, site.clock(), name="Department", name_fr="Ministère")
        await organisations.add_domain(c, made, "gc.ca", site.clock())


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site: RunningSite, language: Language) -> AsyncIterator[Desk]:
    if problem := missing():
        skip_or_fail(f"FORMS NOT FILLED IN: {problem}")
    url = site.url.replace("127.0.0.1", "localhost")  # a browser binds no passkey to an IP address
    async with Chromium(url, language=language) as browser:
        yield Desk(site, browser, language)


@pytest.mark.parametrize(("room", "language"), sampled(WALKS, lambda at: at == len(WALKS) - 1))
async def test_every_form_says_what_is_wrong_and_takes_what_is_right(desk: Desk, room: str) -> None:
    walk, paths = ROOMS[room]

    await walk(desk)

    assert {each for each in POSTS - {*FRAMED} if re.match(paths, each)} - desk.filled == set()


def test_every_post_of_the_table_is_of_one_room() -> None:
    for path in POSTS:
        assert len([room for room, (_, paths) in ROOMS.items() if re.match(paths, path)]) == 1, path
    assert {*NEVER_WRONG, *FRAMED} <= POSTS
