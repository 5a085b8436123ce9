"""The way in, as people and their attackers go it: without a script. The numbers are of OWASP ASVS 5.0."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from auth.audit import Actor
from auth.keys import keys
from auth.people import codes, sessions
from auth.people.codes import Purpose
from auth.people.sessions import Factor
from auth.people.users import User
from auth.services import OWN_ID
from delivery.store.base import Search
from messages.address import Address
from messages.message import Language
from messages.status import Status
from relay.actions import organisations, people, services
from tests.harness.browser import Browser, Page
from tests.harness.people import PASSWORD, Somebody, somebody
from tests.harness.site import RunningSite

PHONE = "+16135550142"
DOMAIN = "dept.example.ca"
NOBODY = User(uuid4(), f"nobody@{DOMAIN}", "Nobody", Language.EN, False, 0.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def organisation(site: RunningSite) -> None:
    async with site.writing(Actor("operator", "test")) as t:
        given = {"name": "Department", "name_fr": "Ministère", "language": Language.BOTH}
        made = await organisations.create(t, **given)
        await organisations.add_domain(t, str(made.id), DOMAIN)
        await services.ensure_own(t)


async def account(site: RunningSite, name: str, **given: Any) -> Somebody:
    return await somebody(site, f"{name}@{DOMAIN}", has_app=False, **given)


async def at_password(site: RunningSite, who: Somebody, password: str = PASSWORD, **options: Any) -> Browser:
    browser = await site.browser(**options)
    await browser.open(f"/{who.user.language}/sign-in")
    await browser.press("Continue", {"Email address": who.user.email, "Password": password})
    return browser


async def registering(site: RunningSite, email: str, **changes: Any) -> tuple[Browser, Page]:
    browser = await site.browser()
    await browser.open("/en/register")
    given = {"Full name": "Amala Okafor", "Work email address": email, "Password": "walrus tent orange nine"}
    page = await browser.press("Continue", {**given, "I agree to the terms of use": True, **changes})
    return browser, page


async def mailed(site: RunningSite, email: str) -> str:
    """The code that went to somebody who has no account yet."""
    return await Somebody(site, NOBODY, await site.browser()).sent_code(email)


async def test_an_account_is_made_by_an_address_of_an_organisation_and_a_code(site: RunningSite) -> None:
    email = f"Amala@{DOMAIN}"
    browser, page = await registering(site, email)
    assert page.heading == "Check your email"
    assert "It waits to be sent." in page.text
    page = await browser.press("Continue", {"Code": "12345"})
    assert page.errors == ["This is not the code that was sent last"]
    page = await browser.press("Continue", {"Code": await mailed(site, email)})
    assert page.hops[-1] == "/en/services"
    page = await browser.open("/en/account")
    assert email in page.text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Work email address": "someone@example.com"}, "not of an organisation"),
        ({"Work email address": "someone"}, "Enter your work email address"),
        ({"Password": "short"}, "at least 12"),
        ({"Password": f"amala.okafor@{DOMAIN}"}, "does not consist of your name"),
        ({"Full name": " "}, "Enter your full name"),
        ({"I agree to the terms of use": False}, "Say that you agree"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept_but_the_password(
    site: RunningSite, changes: dict[str, Any], says: str
) -> None:
    email = str(changes.get("Work email address", f"amala.okafor@{DOMAIN}"))
    _, page = await registering(site, email, **changes)
    assert [says in each for each in page.errors] == [True], page.errors
    assert page.title.startswith("Error: ")
    assert page.value("Work email address") == email
    assert page.value("Password") == ""


async def test_asvs_6_3_8_who_has_an_account_sees_the_same_page_and_hears_by_mail(site: RunningSite) -> None:
    known = await account(site, "known")
    _, page = await registering(site, known.user.email)
    _, other = await registering(site, f"new@{DOMAIN}")
    same = [re.sub(r'value="[0-9a-f]{64}"', "", each.html) for each in (page, other)]
    assert same[0] == same[1]
    (letter, *_) = await known.letters()
    assert "You have an account already" in str(letter)


async def test_both_factors_open_the_site_and_lead_where_one_was_going(site: RunningSite) -> None:
    who = await account(site, "both")
    browser = await site.browser()
    page = await browser.open("/en/account/sessions")
    assert page.heading == "Sign in"
    page = await browser.press("Continue", {"Email address": who.user.email.upper(), "Password": PASSWORD})
    assert page.heading == "Check your email"
    halfway = browser.cookies
    assert (await browser.open("/en/account")).heading == "Sign in"  # one factor is none
    await browser.open(page.url)
    page = await browser.press("Sign in", {"Code": await who.sent_code(who.user.email)})
    assert page.url == "/en/account/sessions"
    assert browser.cookies != halfway  # ASVS 7.2.4: a new token


async def test_asvs_6_3_8_a_wrong_password_and_an_unknown_address_are_answered_alike(site: RunningSite) -> None:
    who = await account(site, "alike")
    pages = []
    for email in (who.user.email, f"nobody@{DOMAIN}"):
        browser = await site.browser()
        await browser.open("/en/sign-in")
        pages.append(await browser.press("Continue", {"Email address": email, "Password": "wrong wrong wrong"}))
    assert (
        pages[0].errors
        == pages[1].errors
        == ["The email address or the password is wrong. If you forgot the password, choose a new one"]
    )
    sizes = {len(each.html.replace(each.value("Email address"), "")) for each in pages}
    assert len(sizes) == 1


async def test_asvs_6_6_3_five_wrong_codes_end_the_code(site: RunningSite) -> None:
    who = await account(site, "guesser")
    browser = await at_password(site, who)
    code = await who.sent_code(who.user.email)
    for number in range(5):
        page = await browser.press("Sign in", {"Code": f"{(int(code) + number + 1) % 1_000_000:06}"})
        assert page.errors
    page = await browser.press("Sign in", {"Code": code})
    assert page.errors == ["This code is over: ask for a new one"]


async def test_asvs_6_5_1_6_6_2_a_code_is_good_once_and_in_its_own_session(site: RunningSite) -> None:
    who = await account(site, "replayed")
    first = await at_password(site, who)
    code = await who.sent_code(who.user.email)
    site.clock.ahead_seconds += 31
    other = await at_password(site, who)
    assert (await other.press("Sign in", {"Code": code})).errors  # of the session that asked first
    assert (await first.press("Sign in", {"Code": await who.sent_code(who.user.email)})).errors
    page = await other.press("Sign in", {"Code": await who.sent_code(who.user.email)})
    assert not page.errors
    third = await at_password(site, who)
    assert (await third.press("Sign in", {"Code": code})).errors


async def test_another_code_comes_after_thirty_seconds_and_the_page_says_how_it_fares(site: RunningSite) -> None:
    who = await account(site, "again")
    browser = await at_password(site, who)
    page = await browser.press("Send another code by email")
    assert "30 seconds" in page.notice
    site.clock.ahead_seconds += 31
    page = await browser.press("Send another code by email")
    assert not page.notice
    piece = await browser.ask("GET", "/en/two-factor/delivery")
    assert "It waits to be sent." in piece.html
    (found, *_) = await site.store.searching.find(Search(recipient=Address.parse(who.user.email).key), 1)
    await site.store.settle(found.message.id, Status.PERMANENT_FAILURE, site.clock())
    piece = await browser.ask("GET", "/en/two-factor/delivery")
    assert "could not be delivered" in piece.html


async def test_a_strong_factor_is_asked_for_where_there_is_one_and_no_code_is_mailed(site: RunningSite) -> None:
    who = await somebody(site, f"strong@{DOMAIN}")
    before = len(await who.letters())
    browser = await at_password(site, who)
    assert browser.page
    assert browser.page.labels == ["Code of your authenticator app"]
    page = await browser.press("Confirm the code", {"Code of your authenticator app": who.code()})
    assert page.hops[-1] == "/en/services"
    assert not [each for each in (await who.letters())[: len(await who.letters()) - before] if "code" in str(each)]


async def test_asvs_7_2_4_a_planted_cookie_is_nobodys(site: RunningSite) -> None:
    who = await account(site, "fixed")
    browser, planted = await site.browser(), "x" * 43
    browser.set_cookie("session", planted)
    await browser.open("/en/sign-in")
    await browser.press("Continue", {"Email address": who.user.email, "Password": PASSWORD})
    await browser.press("Sign in", {"Code": await who.sent_code(who.user.email)})
    attacker = await site.browser()
    attacker.set_cookie("session", planted)
    assert (await attacker.open("/en/account")).heading == "Sign in"
    assert browser.cookies["session"] != planted


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"])
async def test_nobody_is_led_to_another_site(site: RunningSite, target: str) -> None:
    who = await account(site, f"led{abs(hash(target)) % 10**8}")
    browser = await site.browser()
    await browser.open(f"/en/sign-in?next={target}")
    await browser.press("Continue", {"Email address": who.user.email, "Password": PASSWORD})
    page = await browser.press("Sign in", {"Code": await who.sent_code(who.user.email)})
    assert page.hops[-1] == "/en/services"


async def test_asvs_3_5_1_a_form_of_another_site_signs_nobody_in(site: RunningSite) -> None:
    who = await account(site, "forged")
    browser = await site.browser()
    sent = {"email": who.user.email, "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        answer = await browser.ask("POST", "/en/sign-in", data=sent, headers=headers)
        assert answer.status == 403


async def test_guesses_at_one_account_end_in_a_wait_that_no_other_account_has(site: RunningSite) -> None:
    who, other = await account(site, "banned"), await account(site, "neighbour")
    for _ in range(10):
        site.site.throttle.failed("127.0.0.1", who.user.email)
    browser = await at_password(site, who)
    assert browser.page
    assert browser.page.status == 429
    again = await at_password(site, other)
    assert again.page
    assert again.page.heading == "Check your email"


async def test_a_new_browser_is_told_and_the_first_one_is_not(site: RunningSite) -> None:
    who = await account(site, "devices")
    for agent, told in (("Firefox", 0), ("Firefox", 0), ("Opera <b>`x`</b>", 1)):
        site.clock.ahead_seconds += 31
        browser = await at_password(site, who, agent=agent)
        await browser.press("Sign in", {"Code": await who.sent_code(who.user.email)})
        news = [each for each in await who.letters() if "A new sign-in" in str(each)]
        assert len(news) == told, agent


async def test_asvs_7_4_1_sign_out_ends_the_session_for_whoever_kept_the_cookie(site: RunningSite) -> None:
    who = await account(site, "out")
    kept = who.browser.cookies["session"]
    await who.browser.open("/en/account")
    await who.browser.follow("Sign out")
    page = await who.browser.press("Sign out")
    assert page.notice == "You are signed out."
    thief = await site.browser()
    thief.set_cookie("session", kept)
    assert (await thief.open("/en/account")).heading == "Sign in"


async def test_a_locked_session_opens_by_one_factor_with_what_was_typed(site: RunningSite) -> None:
    who = await account(site, "locked")
    await who.browser.open("/en/account")
    site.clock.ahead_seconds += 31 * 60
    page = await who.browser.open("/en/account")
    assert page.heading == "Are you still there?"
    assert (await who.browser.press("Go on", {"Your password": "wrong wrong wrong"})).errors
    page = await who.browser.press("Go on", {"Your password": PASSWORD})
    assert page.url == "/en/account"


async def test_asvs_6_4_3_a_new_password_needs_the_second_factor_and_ends_all_sessions(site: RunningSite) -> None:
    who = await somebody(site, f"reset@{DOMAIN}")
    browser = await site.browser()
    await browser.open("/en/forgot-password")
    page = await browser.press("Continue", {"Email address": who.user.email})
    page = await browser.press("Continue", {"Code": await who.sent_code(who.user.email)})
    assert page.heading == "Choose a new password"
    new = {"New password": "lantern river seven boots"}
    page = await browser.press("Change the password", {**new, "Code of your authenticator app": "000000"})
    assert page.errors == ["This code is wrong, or was used before. Wait for the next one and enter it"]
    page = await browser.press("Change the password", new)
    assert page.errors == ["Enter your second factor, too"]
    page = await browser.press("Change the password", {**new, "Code of your authenticator app": who.code()})
    assert page.notice == "Your password was changed. Sign in with it."
    assert (await who.browser.open("/en/account")).heading == "Sign in"
    assert "Your password was changed" in str((await who.letters())[0])
    assert (await at_password(site, who)).page.errors  # type: ignore[union-attr]
    assert not (await at_password(site, who, "lantern river seven boots")).page.errors  # type: ignore[union-attr]


async def test_asvs_6_3_8_a_forgotten_password_is_answered_alike_for_everybody(site: RunningSite) -> None:
    who = await account(site, "forgot")
    pages, said = [], []
    for email in (who.user.email, f"nobody.else@{DOMAIN}"):
        browser = await site.browser()
        await browser.open("/en/forgot-password")
        page = await browser.press("Continue", {"Email address": email})
        pages.append(re.sub(r'value="[0-9a-f]{64}"', "", page.html))
        await site.site.later.drain()
        said.append((await browser.press("Continue", {"Code": "000000"})).errors)
    assert pages[0] == pages[1]
    assert said[0] == said[1] != []


async def test_who_mistypes_an_address_does_not_wait_for_a_new_password(site: RunningSite) -> None:
    browser = await site.browser()
    await browser.open("/en/forgot-password")
    page = await browser.press("Continue", {"Email address": "name.example.ca"})
    assert page.errors == ["Enter an email address in the correct format, like name@example.ca"]


async def test_a_code_sent_again_at_once_is_answered_alike_whoever_registers(site: RunningSite) -> None:
    known = await account(site, "sentagain")
    notices = []
    for email in (known.user.email, f"sent.again@{DOMAIN}"):
        browser, _ = await registering(site, email)
        notices.append((await browser.press("Send another code")).notice)
    assert notices[0] == notices[1]
    assert "30 seconds" in notices[0]


async def test_nobodys_password_is_on_an_account_that_somebody_else_proves(site: RunningSite) -> None:
    site.clock.ahead_seconds += 600  # the pace of this network
    email = f"twice@{DOMAIN}"
    first, _ = await registering(site, email)
    code = await mailed(site, email)
    _, page = await registering(site, email.upper(), Password="intruder tent orange nine")
    assert "30 seconds" in page.errors[0]
    site.clock.ahead_seconds += 31
    _, page = await registering(site, email, Password="intruder tent orange nine")
    assert page.heading == "Check your email"
    for each in (await mailed(site, email), code):
        page = await first.press("Continue", {"Code": each})
        assert page.errors == ["This code is over: ask for a new one"]
    site.clock.ahead_seconds += 31
    again, _ = await registering(site, email)
    assert not (await again.press("Continue", {"Code": await mailed(site, email)})).errors
    browser = await site.browser()
    await browser.open("/en/sign-in")
    page = await browser.press("Continue", {"Email address": email, "Password": "intruder tent orange nine"})
    assert page.errors


async def asked_for_reset(site: RunningSite, email: str) -> Browser:
    browser = await site.browser()
    await browser.open("/en/forgot-password")
    await browser.press("Continue", {"Email address": email})
    return browser


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_asvs_6_3_8_a_reset_asked_for_twice_is_answered_alike(site: RunningSite, language: str) -> None:
    site.clock.ahead_seconds += 600
    who = await account(site, f"askedtwice.{language}")
    said: list[list[Any]] = []
    for email in (who.user.email, f"askedtwice.nobody.{language}@{DOMAIN}"):
        first, answers = await asked_for_reset(site, email), []
        second = await asked_for_reset(site, email)
        assert second.page
        answers += [second.page.errors, second.page.status, second.page.hops]
        await first.open(f"/{language}/forgot-password/code")
        for _ in range(6):
            page = await first.press("Continue" if language == "en" else "Continuer", {"Code": "12345"})
            answers += [page.errors, page.heading, page.hops]
        said.append(answers)
    assert said[0] == said[1]
    assert "30 seconds" in said[0][0][0]
    assert said[0][3] != []


@pytest.mark.parametrize("path", ["two-factor", "two-factor/delivery", "unlock", "verify", "new-password", "account"])
async def test_asvs_6_3_8_who_asks_for_a_reset_sees_nothing_of_the_account(site: RunningSite, path: str) -> None:
    site.clock.ahead_seconds += 600
    who = await somebody(site, f"seen.{path.replace('/', '.')}@{DOMAIN}")
    pages = []
    for email in (who.user.email, f"unseen.{path.replace('/', '.')}@{DOMAIN}"):
        page = await (await asked_for_reset(site, email)).open(f"/en/{path}")
        pages.append((page.hops, re.sub(r'value="[0-9a-f]{64}"|challenge[^,]+', "", page.html)))
    assert pages[0] == pages[1]


async def test_of_resets_asked_for_at_once_one_is_begun_whoever_it_is_for(site: RunningSite) -> None:
    site.clock.ahead_seconds += 600
    who, begun = await account(site, "atonce"), []
    for email in (who.user.email, f"atonce.nobody@{DOMAIN}"):
        browsers = [await site.browser() for _ in range(4)]
        for browser in browsers:
            await browser.open("/en/forgot-password")
        pages = await asyncio.gather(*(each.press("Continue", {"Email address": email}) for each in browsers))
        begun.append(sum(not page.errors for page in pages))
    assert begun == [1, 1]


async def test_asvs_6_3_8_a_held_account_registers_as_a_free_address_does(site: RunningSite) -> None:
    site.clock.ahead_seconds += 600
    known, held, said = await account(site, "known.again"), await account(site, "held.again"), []
    async with site.writing(Actor("operator", "test")) as t:
        await people.hold(t, held.user.email)
    for email in (known.user.email, held.user.email, f"free.again@{DOMAIN}"):
        browser, page = await registering(site, email)
        answers = ["It waits to be sent." in page.text, (await browser.press("Send another code")).notice]
        answers += (await browser.press("Continue", {"Code": "12345"})).errors
        await site.site.later.drain()
        answers.append("It waits to be sent." in (await browser.ask("GET", "/en/two-factor/delivery")).html)
        site.clock.ahead_seconds += 31
        answers.append((await browser.press("Send another code")).notice)
        said.append([*answers, len(await held.letters(email))])
    assert said[0] == said[1] == said[2]
    assert said[0][0] is True
    assert said[0][-1] == 2
    assert "on hold" in str((await held.letters())[0])


async def test_no_mailbox_is_flooded_by_registering_it(site: RunningSite) -> None:
    email, sent = f"flooded@{DOMAIN}", 0
    for _ in range(7):
        site.clock.ahead_seconds += 121
        _, page = await registering(site, email)
        sent += page.heading == "Check your email"
    assert sent == 5
    assert page.errors == ["5 codes were sent within an hour: try again later"]
    assert len(await Somebody(site, NOBODY, await site.browser()).letters(email)) == 5


async def test_what_tells_of_an_account_is_sent_when_the_answer_is_gone(site: RunningSite) -> None:
    site.clock.ahead_seconds += 600
    who = await account(site, "timed")
    await asked_for_reset(site, who.user.email)
    key = Address.parse(who.user.email).key
    assert not await site.store.searching.find(Search(recipient=key), 1)
    assert "choose a new password" in str((await who.letters())[0])


async def with_phone(site: RunningSite, name: str) -> Somebody:
    who = await account(site, name)
    async with site.writing(Actor("operator", "test")) as t:
        who.user = await people.update(t, who.user.id, phone=PHONE)
    return who


async def test_a_code_by_text_is_recorded_as_one_and_is_not_strong(site: RunningSite) -> None:
    who = await with_phone(site, "texted")
    browser = await at_password(site, who)
    site.clock.ahead_seconds += 31
    await browser.press("Send a code by text message")
    page = await browser.press("Sign in", {"Code": await who.sent_code(PHONE)})
    assert page.hops[-1] == "/en/services"
    async with site.database.read() as connection:
        found = await sessions.of_user(connection, who.user.id, site.clock())
    newest = max(found, key=lambda each: each.created_at)
    assert {*newest.factors} == {Factor.PASSWORD, Factor.TEXT}
    assert not newest.is_strong


async def test_asvs_6_4_3_a_new_password_needs_the_code_by_text_of_who_has_a_phone(site: RunningSite) -> None:
    site.clock.ahead_seconds += 600
    who = await with_phone(site, "reset.phone")
    browser = await asked_for_reset(site, who.user.email)
    mailed_code = await who.sent_code(who.user.email)
    await browser.press("Continue", {"Code": mailed_code})
    new = {"New password": "lantern river seven boots"}
    assert (await browser.press("Change the password", new)).errors
    page = await browser.press("Change the password", {**new, "Code that we sent to your phone": mailed_code})
    assert page.errors
    assert "30 seconds" in (await browser.press("Send another code")).notice
    site.clock.ahead_seconds += 31
    assert not (await browser.press("Send another code")).notice
    code = {"Code that we sent to your phone": await who.sent_code(PHONE)}
    page = await browser.press("Change the password", {**new, **code})
    assert page.notice == "Your password was changed. Sign in with it."
    assert not (await at_password(site, who, "lantern river seven boots")).page.errors  # type: ignore[union-attr]


async def test_who_creates_an_account_goes_on_where_they_wanted(site: RunningSite) -> None:
    site.clock.ahead_seconds += 600
    browser, email = await site.browser(), f"goes.on@{DOMAIN}"
    await browser.open("/en/account/sessions")
    await browser.follow("Create an account")
    given = {"Full name": "Amala Okafor", "Work email address": email, "Password": "walrus tent orange nine"}
    await browser.press("Continue", given)  # the terms are missing
    await browser.press("Continue", {**given, "I agree to the terms of use": True})
    page = await browser.press("Continue", {"Code": await mailed(site, email)})
    assert page.url == "/en/account/sessions"
    assert page.notice == "Your account is ready."


async def test_where_one_was_going_has_a_bound(site: RunningSite) -> None:
    who, browser = await account(site, "long.next"), await site.browser()
    await browser.open(f"/en/sign-in?next=/en/{'a' * 3000}")
    assert (await browser.follow("Create an account")).url == "/en/register"
    page = await browser.open(f"/en/account?{'a' * 3000}")
    assert page.url == "/en/sign-in?next=%2Fen%2Faccount"
    await browser.press("Continue", {"Email address": who.user.email, "Password": PASSWORD})
    page = await browser.press("Sign in", {"Code": await who.sent_code(who.user.email)})
    assert page.url == "/en/account"


async def test_a_code_that_our_relay_does_not_take_is_logged_without_its_address(site: RunningSite) -> None:
    who, before = await account(site, "untaken"), keys.update().where(keys.c.service_id == OWN_ID)
    async with site.database.write() as connection:
        await connection.execute(before.values(revoked_at=site.clock()))
    site.clock.ahead_seconds += 600  # what is remembered of the key is forgotten
    try:
        with capture_logs() as logs:
            browser = await at_password(site, who)
    finally:
        async with site.database.write() as connection:
            await connection.execute(before.values(revoked_at=None))
        site.clock.ahead_seconds += 600
    assert browser.page
    assert browser.page.status == 503
    (line,) = [each for each in logs if each["event"] == "site.code_not_sent"]
    assert who.user.email not in str(line)


async def test_resets_that_a_stranger_asks_for_leave_the_codes_of_signing_in(site: RunningSite) -> None:
    who = await account(site, "stranger")
    async with site.database.write() as connection:
        for n in range(5):
            at = site.clock() - 200 + 31 * n
            await codes.issue(connection, site.site.secret, Purpose.RESET, who.user.id, uuid4(), at)
    browser = await at_password(site, who)
    assert not (await browser.press("Sign in", {"Code": await who.sent_code(who.user.email)})).errors


async def test_a_password_is_changed_by_nobody_who_proved_nothing(site: RunningSite) -> None:
    browser = await site.browser()
    assert (await browser.open("/en/new-password")).heading == "Choose a new password"
    assert browser.page
    assert browser.page.url == "/en/forgot-password"
    who = await account(site, "proved")
    browser = await at_password(site, who)
    assert (await browser.open("/en/new-password")).url == "/en/forgot-password"


async def test_asvs_7_4_5_who_is_held_is_out_at_once_and_gets_in_no_more(site: RunningSite) -> None:
    who = await account(site, "held")
    async with site.writing(Actor("operator", "test")) as t:
        await people.hold(t, who.user.email)
    assert (await who.browser.open("/en/account")).heading == "Sign in"
    assert (await at_password(site, who)).page.errors  # type: ignore[union-attr]
    async with site.writing(Actor("operator", "test")) as t:
        await people.release(t, who.user.email)
    assert not (await at_password(site, who)).page.errors  # type: ignore[union-attr]
