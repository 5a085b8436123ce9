"""Somebody's account, as they change it themselves, without a script."""

import asyncio
import re
from itertools import count
from uuid import UUID

import pyotp
import pytest

from auth import audit
from auth.audit import Actor
from auth.people import memberships, recovery, sessions, totp, users
from auth.people.permissions import Permission
from auth.people.sessions import Factor
from relay.actions import authenticators, people
from relay.site.account import rooms
from relay.site.routing import Needs
from relay.site.standing import FRESH_SECONDS
from tests.fakes.auth import counted
from tests.harness.browser import Page
from tests.harness.people import PASSWORD, Somebody, somebody
from tests.harness.site import RunningSite

WEAK = (Factor.PASSWORD, Factor.EMAIL)
FRESH = sorted(
    {route.path for route in rooms.ROUTES if route.fresh and route.method == "GET" and "{" not in route.path}
)
_numbers = count()


async def new(site: RunningSite, **given: object) -> Somebody:
    return await somebody(site, f"person{next(_numbers)}@dept.example.ca", **given)  # type: ignore[arg-type]


async def told(amala: Somebody, to: str | None = None) -> str:
    """What the last letter to them says."""
    (newest, *_) = await amala.letters(to)
    return newest["personalisation"]["body"]


async def go_stale(amala: Somebody) -> None:
    amala.site.clock.ahead_seconds += FRESH_SECONDS + 1


async def is_out(browser: object) -> bool:
    page: Page = await browser.open("/en/account")  # type: ignore[attr-defined]
    return page.status == 404 or any("sign-in" in hop for hop in page.hops)


def test_asvs_7_5_1_each_change_needs_a_fresh_factor() -> None:
    """ASVS 7.5.1: every form of the account but the two that ask for the factor itself."""
    posts = [route for route in rooms.ROUTES if route.method == "POST" and route.path != "step-up"]
    assert len(posts) > 10
    assert [route.path for route in posts if not route.fresh] == []
    assert {route.needs for route in rooms.ROUTES} == {Needs.SIGNED_IN}


@pytest.mark.parametrize("path", FRESH)
async def test_asvs_7_5_1_who_has_been_there_for_long_is_asked_again(site: RunningSite, path: str) -> None:
    amala = await new(site)
    await go_stale(amala)
    page = await amala.browser.open(f"/en/{path}")
    assert page.heading == "Confirm that it is you"
    before = amala.browser.cookies
    page = await amala.browser.press("Confirm the code", {"Code of your authenticator app": amala.code()})
    assert page.status in (200, 404)  # 404: a picture of what was not begun
    assert page.url.startswith("/en/account")
    assert amala.browser.cookies != before  # ASVS 7.2.4: the token before is worth nothing now


async def test_asvs_7_2_4_the_token_before_a_step_up_is_dead(site: RunningSite) -> None:
    amala = await new(site)
    thief = await site.browser()
    for name, value in amala.browser.cookies.items():
        thief.set_cookie(name, value)
    assert not await is_out(thief)
    await amala.browser.open("/en/step-up")
    await amala.browser.press("Confirm the code", {"Code of your authenticator app": amala.code()})
    assert await is_out(thief)


async def test_what_was_typed_waits_behind_the_step_up(site: RunningSite) -> None:
    amala = await new(site)
    await amala.browser.open("/en/account/name")
    await go_stale(amala)
    await amala.browser.press("Save your name", {"Your name": "Amala Roy"})
    page = await amala.browser.press("Confirm the code", {"Code of your authenticator app": amala.code()})
    assert page.value("Your name") == "Amala Roy"


async def test_a_wrong_code_opens_nothing_and_counts(site: RunningSite) -> None:
    amala = await new(site)
    await go_stale(amala)
    await amala.browser.open("/en/account/name")
    page = await amala.browser.press("Confirm the code", {"Code of your authenticator app": "000000"})
    assert page.heading == "Confirm that it is you"
    assert len(page.errors) == 1
    for _ in range(9):
        site.site.throttle.failed("127.0.0.1", amala.user.email)
    page = await amala.browser.press("Confirm the code", {"Code of your authenticator app": amala.code()})
    assert page.status == 429  # ASVS 6.3.1: not even the right one is looked at now


async def test_asvs_6_5_1_a_code_opens_once(site: RunningSite) -> None:
    amala = await new(site)
    other, code = await amala.again(), amala.code()
    for browser, heading in ((amala.browser, "Your account"), (other, "Confirm that it is you")):
        await browser.open("/en/step-up")
        assert (await browser.press("Confirm the code", {"Code of your authenticator app": code})).heading == heading


async def test_who_has_an_app_does_not_get_by_with_the_password(site: RunningSite) -> None:
    amala = await new(site)
    page = await amala.browser.open("/en/step-up")
    assert "Your password" not in page.labels
    token = page.forms()[0].tagged("input")[0].attributes["value"]
    page = await amala.browser.open("/en/step-up", method="POST", data={"csrf": token, "password": PASSWORD})
    assert page.heading == "Confirm that it is you"


async def test_who_has_neither_is_asked_for_the_password(site: RunningSite) -> None:
    ben = await new(site, has_app=False, factors=WEAK)
    await go_stale(ben)
    await ben.browser.open("/en/account/name")
    page = await ben.browser.press("Confirm the password", {"Your password": "not the password"})
    assert page.errors == ["This is not your password"]
    page = await ben.browser.press("Confirm the password", {"Your password": PASSWORD})
    assert page.url == "/en/account/name"


async def test_a_name_and_a_language_are_changed_and_told(site: RunningSite) -> None:
    amala = await new(site)
    await amala.browser.open("/en/account/name")
    page = await amala.browser.press("Save your name", {"Your name": " "})
    assert page.errors
    page = await amala.browser.press("Save your name", {"Your name": "Amala *Roy* [x](http://evil.example)"})
    assert page.notice == "Your name was changed."
    assert r"\*Roy\*" in await told(amala)  # a name is no Markdown
    await amala.browser.open("/en/account/language")
    await amala.browser.press("Save your language", {"In which language do we write to you?": "Français"})
    assert (await told(amala)).startswith("Bonjour")


async def test_an_address_counts_once_its_code_came_back(site: RunningSite) -> None:
    amala = await new(site, operator=True)
    other = await amala.again()
    await amala.browser.open("/en/account/email")
    assert (await amala.browser.press("Send a code", {"Your new email address": "nobody"})).errors
    page = await amala.browser.press("Send a code", {"Your new email address": "roy@new.example.ca"})
    assert "roy@new.example.ca" in page.text
    page = await amala.browser.press("Confirm", {"Code": "00 00"})
    assert page.errors
    code = await amala.sent_code("roy@new.example.ca")
    page = await amala.browser.press("Confirm", {"Code": f"{code[:3]} {code[3:]}"})
    assert "roy@new.example.ca" in page.text
    assert "changed to another one" in await told(amala)  # the address that it had
    assert "is the address of your account" in await told(amala, "roy@new.example.ca")
    assert await is_out(other)


async def test_an_address_of_no_organisation_is_refused(site: RunningSite) -> None:
    amala = await new(site)
    await amala.browser.open("/en/account/email")
    page = await amala.browser.press("Send a code", {"Your new email address": "roy@home.example"})
    assert page.errors
    assert page.value("Your new email address") == "roy@home.example"


async def test_a_code_that_was_sent_to_one_address_proves_no_other(site: RunningSite) -> None:
    amala = await new(site, operator=True)
    await amala.browser.open("/en/account/email")
    await amala.browser.press("Send a code", {"Your new email address": "first@new.example.ca"})
    first = await amala.sent_code("first@new.example.ca")
    site.clock.ahead_seconds += 31
    await amala.browser.open("/en/account/email")
    await amala.browser.press("Send a code", {"Your new email address": "second@new.example.ca"})
    if first != await amala.sent_code("second@new.example.ca"):
        page = await amala.browser.press("Confirm", {"Code": first})
        assert page.errors
    page = await amala.browser.open("/en/account")
    assert amala.user.email in page.text


async def test_asvs_7_4_3_a_password_is_changed_with_the_one_before(site: RunningSite) -> None:
    amala = await new(site)
    other = await amala.again()
    await amala.browser.open("/en/account/password")
    fields = {"Your password now": "not the password", "Your new password": "another four words here"}
    page = await amala.browser.press("Change your password", fields)
    assert page.errors == ["This is not your password"]
    assert "another four" not in page.html
    short = {"Your password now": PASSWORD, "Your new password": "short"}
    assert (await amala.browser.press("Change your password", short)).errors
    page = await amala.browser.press("Change your password", {**fields, "Your password now": PASSWORD})
    assert page.notice
    assert await is_out(other)  # ASVS 7.4.3
    assert "password of your account was changed" in await told(amala)


async def test_an_app_is_added_by_a_code_of_it(site: RunningSite) -> None:
    ben = await new(site, has_app=False, factors=WEAK)
    other = await ben.again(factors=WEAK)
    await ben.browser.open("/en/account/factors/app")
    page = await ben.browser.press("Continue", {"Name": "Work phone"})
    secret = page.root.at("app-key").text.replace(" ", "")
    picture = await ben.browser.ask("GET", "/en/account/factors/app/qr")
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert b"style=" not in picture.octets
    assert secret.encode() not in picture.octets
    page = await ben.browser.press("Add Work phone", {"Code": "000000"})
    assert page.errors
    code = pyotp.TOTP(secret).at(int(site.clock()))
    page = await ben.browser.press("Add Work phone", {"Code": code})
    assert "Work phone" in page.text
    assert await is_out(other)  # ASVS 7.4.3
    assert "Work phone" in await told(ben)
    assert (await ben.browser.ask("GET", "/en/account/factors/app/qr")).status == 404  # never shown again


async def test_whoever_adds_an_app_is_not_asked_for_a_code_of_it_at_once(site: RunningSite) -> None:
    ben = await new(site, has_app=False, factors=WEAK)
    service_id = await site.service("Passports", f"passports{next(_numbers)}")
    async with site.database.write() as connection:
        await memberships.add(connection, service_id, ben.user.id, {Permission.MANAGE_API_KEYS}, site.clock())
    keys = f"/en/services/{service_id}/keys"
    assert "needs an authenticator app" in (await ben.browser.open(keys)).text
    await ben.browser.open("/en/account/factors/app")
    page = await ben.browser.press("Continue", {"Name": "Work phone"})
    secret = page.root.at("app-key").text.replace(" ", "")
    await ben.browser.press("Add Work phone", {"Code": pyotp.TOTP(secret).at(int(site.clock()))})
    assert (await ben.browser.open(keys)).heading == "Keys"


async def test_an_app_is_named_and_removed(site: RunningSite) -> None:
    amala = await new(site, factors=(Factor.PASSWORD, Factor.EMAIL, Factor.TOTP))
    await amala.browser.open("/en/account/factors")
    await amala.browser.follow("Telephone")
    page = await amala.browser.press("Save the name", {"Name": "Old phone"})
    await amala.browser.follow("Old phone")
    await amala.browser.follow("Remove it")
    page = await amala.browser.press("Remove it")
    assert "You have none yet" in page.text
    assert "Old phone" in await told(amala)


@pytest.mark.parametrize("holds_keys", [True, False])
async def test_operators_and_holders_of_keys_keep_one(site: RunningSite, holds_keys: bool) -> None:
    amala = await new(site, operator=not holds_keys)
    if holds_keys:
        service_id = await site.service("Passports", f"passports{next(_numbers)}")
        async with site.database.write() as connection:
            await memberships.add(connection, service_id, amala.user.id, {Permission.MANAGE_API_KEYS}, site.clock())
    await amala.browser.open("/en/account/factors")
    await amala.browser.follow("Telephone")
    await amala.browser.follow("Remove it")
    page = await amala.browser.press("Remove it")
    assert len(page.errors) == 1
    assert "Telephone" in (await amala.browser.open("/en/account/factors")).text


async def test_recovery_codes_are_shown_once_and_work_once(site: RunningSite) -> None:
    amala = await new(site)
    await amala.browser.open("/en/account/recovery")
    page = await amala.browser.press("Make new recovery codes")
    codes = re.findall(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}\b", page.text)
    assert len(codes) == recovery.COUNT
    assert page.headers["Cache-Control"] == "no-store"
    page = await amala.browser.open("/en/account/recovery")
    assert codes[0] not in page.html
    assert "10 are left" in page.text
    for heading in ("Your account", "Confirm that it is you"):
        await amala.browser.open("/en/step-up")
        page = await amala.browser.press("Use the recovery code", {"One of your recovery codes": codes[0].lower()})
        assert page.heading == heading


async def test_asvs_7_5_2_sessions_are_listed_and_ended(site: RunningSite) -> None:
    """ASVS 7.5.2."""
    amala = await new(site)
    phone, library = await amala.again(agent="A phone"), await amala.again(agent="A <b>library</b>")
    page = await amala.browser.open("/en/account/sessions")
    assert "A phone" in page.text
    assert "A <b>library</b>" in page.text  # a browser may call itself anything
    await amala.browser.press("Sign out Device 2")
    assert [await is_out(each) for each in (phone, library)].count(True) == 1
    page = await amala.browser.press("Sign out everywhere else")
    assert [await is_out(each) for each in (phone, library)] == [True, True]
    assert not await is_out(amala.browser)
    assert page.notice


async def test_asvs_8_2_2_what_is_anothers_is_not_there(site: RunningSite) -> None:
    """ASVS 8.2.2: neither a factor nor a session."""
    amala, ben = await new(site), await new(site)
    assert ben.app is not None
    page = await amala.browser.open(f"/en/account/factors/{ben.app.id}")
    assert page.status == 404
    async with site.database.read() as connection:
        from auth.people import sessions

        (theirs,) = await sessions.of_user(connection, ben.user.id, site.clock())
    page = await amala.browser.open("/en/account/name")
    token = page.forms()[0].tagged("input")[0].attributes["value"]
    data = {"csrf": token, "session": str(theirs.id)}
    assert (await amala.browser.open("/en/account/sessions", method="POST", data=data)).status == 404
    assert not await is_out(ben.browser)


async def test_asvs_7_4_2_a_deactivated_account_is_out_everywhere(site: RunningSite) -> None:
    """ASVS 7.4.2."""
    amala = await new(site)
    other = await amala.again()
    await amala.browser.open("/en/account/deactivate")
    page = await amala.browser.press("Deactivate your account")
    assert page.errors
    await amala.browser.press("Deactivate your account", {"Are you sure?": ["Yes, deactivate my account"]})
    assert await is_out(amala.browser)
    assert await is_out(other)
    async with site.database.read() as connection:
        found = await users.find(connection, site.site.secret, amala.user.id)
    assert found is not None
    assert found.held_at is not None
    assert "deactivated" in await told(amala)


async def test_the_audit_tells_each_change_and_no_secret(site: RunningSite) -> None:
    amala = await new(site)
    await amala.browser.open("/en/account/recovery")
    await amala.browser.press("Make new recovery codes")
    await amala.browser.open("/en/account/factors/app")
    page = await amala.browser.press("Continue", {"Name": "Tablet"})
    secret = page.root.at("app-key").text.replace(" ", "")
    await amala.browser.press("Add Tablet", {"Code": pyotp.TOTP(secret).at(int(site.clock()))})
    async with site.database.read() as connection:
        found = await audit.find(connection, 10, object_id=str(amala.user.id))
        assert len(await totp.of_user(connection, site.site.secret, amala.user.id)) == 2
    assert {(each.actor_kind, each.actor, each.action) for each in found} == {
        ("user", str(amala.user.id), "user.recovery.make"),
        ("user", str(amala.user.id), "user.totp.add"),
    }
    assert secret not in repr(found)


@pytest.mark.parametrize(("language", "said"), [("en", "less safe"), ("fr", "moins sûr")])
async def test_asvs_6_6_1_who_gives_a_number_is_told_the_risk_and_led_to_what_is_safer(
    site: RunningSite, language: str, said: str
) -> None:
    amala = await new(site)
    page = await amala.browser.open(f"/{language}/account/number")
    assert said in page.text
    assert f"/{language}/account/factors" in [link.attributes.get("href") for link in page.root.tagged("a")]


async def test_a_number_is_judged_and_goes_when_asked(site: RunningSite) -> None:
    amala = await new(site)
    await amala.browser.open("/en/account/number")
    assert (await amala.browser.press("Send a code", {"Your new phone number": "12"})).errors
    async with site.writing(Actor("operator", "test")) as t:
        await people.update(t, amala.user.id, phone="+16135550123")
    page = await amala.browser.open("/en/account/number")
    assert "+16135550123" in page.text
    await amala.browser.press("Remove your number")
    page = await amala.browser.open("/en/account/number")
    assert "+16135550123" not in page.text
    assert "phone number of your account was removed" in await told(amala)


async def test_who_removes_what_they_signed_in_with_signs_in_again(site: RunningSite) -> None:
    amala = await new(site)
    assert amala.app
    await amala.browser.open(f"/en/account/factors/{amala.app.id}/remove")
    page = await amala.browser.press("Remove it")
    assert page.url == "/en/sign-in"
    assert "sign in again" in page.notice
    assert await is_out(amala.browser)


async def test_a_session_is_strong_no_more_once_its_app_is_gone(site: RunningSite) -> None:
    amala = await new(site, factors=(Factor.PASSWORD, Factor.EMAIL, Factor.TOTP))
    assert amala.app
    await amala.browser.open(f"/en/account/factors/{amala.app.id}/remove")
    assert (await amala.browser.press("Remove it")).url == "/en/account/factors"
    async with site.database.read() as connection:
        (found,) = await sessions.of_user(connection, amala.user.id, site.clock())
    assert found.is_signed_in
    assert not found.is_strong


async def test_of_two_apps_that_an_operator_removes_at_once_one_stays(site: RunningSite) -> None:
    amala = await new(site, operator=True)
    async with site.database.write() as connection:
        other = await totp.begin(connection, site.site.secret, amala.user.id, "Second", site.clock())
        code = pyotp.TOTP(other.secret).at(int(site.clock()))
        assert await totp.prove(connection, other, code, site.clock())
    assert amala.app
    async with site.database.read() as connection:
        (mine,) = await sessions.of_user(connection, amala.user.id, site.clock())

    async def remove(app_id: UUID) -> None:
        async with site.site.writing(Actor("user", str(amala.user.id))) as t:
            await authenticators.remove(t, mine, app_id)

    done = await asyncio.gather(remove(amala.app.id), remove(other.id), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["AuthError", "NoneType"]


async def test_of_two_apps_begun_at_once_one_is_being_set_up(site: RunningSite) -> None:
    amala = await new(site)
    async with site.database.read() as connection:
        (mine,) = await sessions.of_user(connection, amala.user.id, site.clock())

    async def begin(name: str) -> None:
        async with site.site.writing(Actor("user", str(amala.user.id))) as t:
            await authenticators.begin_app(t, mine, name)

    await asyncio.gather(begin("One"), begin("Two"))
    async with site.database.read() as connection:
        assert await totp.beginning(connection, site.site.secret, amala.user.id, site.clock())


async def test_who_adds_an_app_for_a_page_goes_on_to_it(site: RunningSite) -> None:
    ben = await new(site, has_app=False, factors=WEAK)
    await ben.browser.open("/en/step-up?next=/en/account/sessions")
    page = await ben.browser.follow("Add one")
    page = await ben.browser.follow("Add an authenticator app")
    await ben.browser.press("Continue", {"Name": "Work phone"})
    async with site.database.read() as connection:
        app = await totp.beginning(connection, site.site.secret, ben.user.id, site.clock())
    assert app
    page = await ben.browser.press("Add Work phone", {"Code": pyotp.TOTP(app.secret).at(int(site.clock()))})
    assert page.url == "/en/account/sessions"
    assert "was added" in page.notice


@pytest.mark.parametrize("path", sorted({"account", *FRESH}))
async def test_a_page_reads_the_account_once(site: RunningSite, path: str) -> None:
    amala = await new(site)
    with counted(site.site.database) as asked:
        page = await amala.browser.open(f"/en/{path}")
    assert sum("FROM users" in each for each in asked) == 1 + len(page.hops)
