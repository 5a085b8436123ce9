"""What every page and every form of the web site does, whatever room it is in."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from starlette.responses import Response

from auth.people import sessions
from auth.people.sessions import IDLE_SECONDS, WHOLE_SECONDS, Factor
from config.database import Database
from config.settings import Settings
from messages.message import Language
from messages.text import Text
from relay.site.public.contact import REASONS
from relay.site.routes import ROUTES
from relay.site.routing import Needs, Route
from relay.site.visits import Visit, local
from tests.harness.site import Person, RunningSite, running_site

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "frame-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ABOUT, MESSAGE, NAME = "What is your message about?", "Your message", "Your name"


async def show(visit: Visit) -> Response:
    reasons = [(name, visit.say(text)) for name, text in REASONS.items()]
    form = visit.filled(reason="ask")
    return visit.page("public/contact.html", title=Text("Contact us"), form=form, reasons=reasons, limit=9)


async def answer(visit: Visit) -> Response:
    form = await visit.form()
    if form["name"] == "bug":
        raise RuntimeError("SECRET-OF-OURS")
    if not form.line("name"):
        return visit.invalid(visit.path, {"name": Text("Enter your name")})
    return visit.to("probe", notice=Text("Your name can have {limit} characters", {"limit": form["name"]}))


PROBES = (
    Route("GET", "probe", show, Needs.SIGNED_IN),
    Route("POST", "probe", answer, Needs.SIGNED_IN),
    Route("GET", "strong", show, Needs.SIGNED_IN, strong=True),
    Route("GET", "fresh", show, Needs.SIGNED_IN, fresh=True),
    Route("GET", "operator", show, Needs.OPERATOR),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(database: Database, site_database: Database) -> AsyncIterator[RunningSite]:
    async with running_site(database, own=site_database, routes=(*ROUTES, *PROBES)) as found:
        yield found


async def test_a_public_page_is_there_in_both_languages(site: RunningSite) -> None:
    browser = await site.browser()
    english = await browser.open("/en")
    french = await browser.follow("Français")

    assert (english.status, french.status, french.url) == (200, 200, "/fr")
    assert english.heading == "Send emails and text messages to the people you serve"
    assert french.heading != english.heading
    assert english.title == f"{english.heading} \N{EN DASH} notify-relay"
    assert [each.root.tagged("html")[0].attributes["lang"] for each in (english, french)] == ["en-CA", "fr-CA"]
    assert [each.headers["Content-Language"] for each in (english, french)] == ["en", "fr"]
    assert french.link("English") == "/en"


@pytest.mark.parametrize("path", ["/en", "/en/nothing", "/assets/nothing.css"])
async def test_asvs_3_4_3_3_4_4_3_4_5_3_4_6_every_answer_tells_browsers_what_they_may_do_with_it(
    site: RunningSite, path: str
) -> None:
    answered = await (await site.browser()).ask("GET", path)

    assert {name: answered.headers.get(name) for name in HEADERS} == HEADERS
    assert "Server" not in answered.headers


async def test_a_signed_in_page_is_for_who_is_signed_in(site: RunningSite) -> None:
    nobody, somebody = await site.browser(), await site.signed_in()

    assert (await nobody.ask("GET", "/en/probe?a=b")).headers["Location"] == "/en/sign-in?next=%2Fen%2Fprobe%3Fa%3Db"
    assert (await somebody.open("/en/probe")).heading == "Contact us"
    assert (await somebody.open("/fr/probe")).status == 200


@pytest.mark.parametrize(
    ("path", "factors", "led"),
    [
        ("probe", (Factor.PASSWORD,), "sign-in"),
        ("probe", (Factor.TOTP,), "sign-in"),
        ("probe", (Factor.PASSWORD, Factor.EMAIL), None),
        ("probe", (Factor.PASSKEY,), None),
        ("strong", (Factor.PASSWORD, Factor.TEXT), "step-up"),
        ("strong", (Factor.PASSWORD, Factor.TOTP), None),
    ],
)
async def test_what_was_proved_decides_what_is_open(
    site: RunningSite, path: str, factors: tuple[Factor, ...], led: str | None
) -> None:
    browser = await site.signed_in(factors=factors)
    answered = await browser.ask("GET", f"/en/{path}")

    assert answered.headers.get("Location") == (led and f"/en/{led}?next=%2Fen%2F{path}")


async def test_what_is_for_operators_is_not_there_for_others(site: RunningSite) -> None:
    assert (await (await site.signed_in()).open("/en/operator")).status == 404
    assert (await (await site.signed_in(Person(operator=True))).open("/en/operator")).status == 200


async def test_asvs_7_3_1_7_3_2_a_session_is_locked_when_idle_and_ends_after_its_hours(site: RunningSite) -> None:
    browser = await site.signed_in()
    try:
        site.clock.ahead_seconds += IDLE_SECONDS - 60
        assert (await browser.ask("GET", "/en/probe")).status == 200  # somebody is there: it is not idle
        site.clock.ahead_seconds += IDLE_SECONDS - 60
        assert (await browser.ask("GET", "/en/probe")).status == 200
        site.clock.ahead_seconds += IDLE_SECONDS + 60
        assert (await browser.ask("GET", "/en/probe")).headers["Location"] == "/en/unlock?next=%2Fen%2Fprobe"
        site.clock.ahead_seconds += WHOLE_SECONDS
        assert (await browser.ask("GET", "/en/probe")).headers["Location"] == "/en/sign-in?next=%2Fen%2Fprobe"
    finally:
        site.clock.ahead_seconds = 0.0


@pytest.mark.parametrize(("path", "said"), [("/en/probe", "Sign out"), ("/fr/services", "Fermer la session")])
async def test_asvs_7_4_4_a_signed_in_page_lets_one_sign_out(site: RunningSite, path: str, said: str) -> None:
    browser = await site.signed_in()
    await browser.open(path)
    await browser.follow(said)
    await browser.press(said)
    assert (await browser.ask("GET", "/en/probe")).status == 303


async def test_a_held_user_is_nobody(site: RunningSite) -> None:
    browser = await site.signed_in(Person(held_at=1.0))

    assert (await browser.ask("GET", "/en/probe")).headers["Location"].startswith("/en/sign-in")


async def test_an_invalid_form_is_shown_again_with_what_is_wrong(site: RunningSite) -> None:
    browser = await site.signed_in()
    await browser.open("/en/probe?tab=2")
    page = await browser.press("Send your message", {MESSAGE: "<b>Hello</b>", ABOUT: "Ask about privacy"})

    assert page.url == "/en/probe?tab=2"
    assert page.title.startswith("Error: Contact us")
    assert page.errors == ["Enter your name"]
    assert page.link("Enter your name") == "#name"
    assert page.field(NAME)[1].attributes["aria-describedby"] == "name-error"
    assert page.value(MESSAGE) == "<b>Hello</b>"
    assert "<b>Hello" not in page.html


async def test_the_toggle_keeps_page_query_and_draft(site: RunningSite) -> None:
    browser = await site.signed_in()
    await browser.open("/en/probe?tab=2")
    await browser.press("Send your message", {MESSAGE: "Bonjour"})
    page = await browser.follow("Français")

    assert page.url == "/fr/probe?tab=2"
    assert page.title.startswith("Erreur")
    assert page.value("Votre message") == "Bonjour"
    assert page.errors == ["Entrez votre nom"]


async def test_a_form_that_could_be_done_leaves_no_draft_and_tells_once(site: RunningSite) -> None:
    browser = await site.signed_in()
    await browser.open("/en/probe")
    await browser.press("Send your message", {MESSAGE: "Hello"})
    done = await browser.press("Send your message", {NAME: "<i>7</i>"})
    again = await browser.open("/en/probe")

    assert done.notice == "Your name can have <i>7</i> characters"
    assert (again.notice, again.errors, again.value(MESSAGE)) == ("", [], "")


async def test_what_was_typed_survives_a_lock(site: RunningSite) -> None:
    person = Person()
    browser = await site.signed_in(person)
    await browser.open("/en/probe")
    try:
        site.clock.ahead_seconds += IDLE_SECONDS + 60
        answered = await browser.press("Send your message", {MESSAGE: "A long text", NAME: "Amala"})
        assert answered.url == "/en/unlock?next=%2Fen%2Fprobe"
    finally:
        site.clock.ahead_seconds = 0.0
    again = await (await site.signed_in(person)).open("/en/probe")

    assert (again.value(MESSAGE), again.value(NAME), again.errors) == ("A long text", "Amala", [])


FORGED = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
async def test_a_form_of_another_site_is_refused(site: RunningSite, headers: dict[str, str]) -> None:
    browser = await site.signed_in()
    page = await browser.open("/en/probe")
    token = page.root.tagged("form")[0].tagged("input")[0].attributes["value"]
    answered = await browser.open("/en/probe", method="POST", data={"csrf": token, "name": "Amala"}, headers=headers)

    assert (answered.status, answered.heading) == (403, "We could not accept this form")


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_a_form_without_the_sessions_token_is_refused(site: RunningSite, token: str) -> None:
    other = await (await site.signed_in()).open("/en/probe")
    others = other.root.tagged("form")[0].tagged("input")[0].attributes["value"]
    browser = await site.signed_in()
    for given in (token, others):
        answered = await browser.open("/en/probe", method="POST", data={"csrf": given, "name": "Amala"})
        assert answered.status == 403


async def test_nobody_gets_a_session_row_by_looking(site: RunningSite) -> None:
    async def rows() -> int:
        async with site.database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(sessions.sessions)) or 0)

    before, browser = await rows(), await site.browser()
    await browser.open("/en/contact")
    assert "session" in browser.cookies
    assert await rows() == before
    await browser.press("Send your message")
    assert await rows() == before + 1


async def test_nobody_fills_the_database_with_sessions(site: RunningSite) -> None:
    site.clock.ahead_seconds += 700
    data, statuses = {"name": "x" * 100}, []
    for _ in range(121):
        answered = await (await site.browser()).ask("POST", "/en/probe", data=data)
        statuses.append(answered.status)
    site.clock.ahead_seconds += 700

    assert statuses == [303] * 120 + [429]


async def test_asvs_3_3_2_3_3_4_a_cookie_is_hidden_from_scripts_and_from_other_sites(site: RunningSite) -> None:
    answered = await (await site.browser()).ask("GET", "/en/contact")

    assert re.fullmatch(r"session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", answered.headers["Set-Cookie"])


async def test_a_bug_is_told_without_its_text(site: RunningSite) -> None:
    browser = await site.signed_in()
    await browser.open("/en/probe")
    page = await browser.press("Send your message", {NAME: "bug"})

    assert (page.status, page.heading) == (500, "Sorry, there is a problem with the service")
    assert "SECRET" not in page.html


@pytest.mark.parametrize("path", ["/en/nothing", "/fr/nothing", "/nothing", "/en/../etc/passwd", "/en/contact/x/y"])
async def test_what_is_not_there_is_said_in_the_pages_language(site: RunningSite, path: str) -> None:
    page = await (await site.browser()).open(path)

    assert page.status == 404
    assert page.heading == ("Page introuvable" if path.startswith("/fr") else "Page not found")


@pytest.mark.parametrize(
    ("path", "language", "led"),
    [
        ("/", "fr-CA,en;q=0.5", "/fr"),
        ("/", "en", "/en"),
        ("/contact?about=privacy", "fr", "/fr/contact?about=privacy"),
        ("/en/", "fr", "/en"),
        ("/fr/contact/", "en", "/fr/contact"),
    ],
)
async def test_a_page_without_its_language_is_one_of_the_readers(
    site: RunningSite, path: str, language: str, led: str
) -> None:
    answered = await (await site.browser(language=language)).ask("GET", path)

    assert (answered.status, answered.headers["Location"]) == (303, led)


async def test_another_host_is_told_where_the_site_is(site: RunningSite) -> None:
    answered = await (await site.browser()).ask("GET", "/en", headers={"Host": "evil.example"})

    assert answered.status == 421
    assert b"evil" not in answered.octets


async def test_other_methods_are_not_allowed(site: RunningSite) -> None:
    browser = await site.browser()

    assert (await browser.ask("POST", "/en")).status == 405
    assert (await browser.ask("PUT", "/en")).status in (404, 405)
    assert (await browser.ask("HEAD", "/en")).status == 200


async def test_a_form_is_bounded(site: RunningSite) -> None:
    browser = await site.signed_in()
    await browser.open("/en/probe")
    page = await browser.press("Send your message", {MESSAGE: "x" * 70_000})

    assert (page.status, page.heading) == (413, "What you sent is too large")


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("/en", True),
        ("/fr/services/1?a=b", True),
        ("//evil.example/en", False),
        ("https://evil.example/en", False),
        ("/\\evil.example/en", False),
        ("/en\r\nX: y", False),
        ("/de/x", False),
        ("", False),
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(url: str, is_ours: bool) -> None:
    assert (local(url) is not None) == is_ours


async def test_assets_never_change_under_their_names(site: RunningSite) -> None:
    browser = await site.browser()
    page = await browser.open("/en")
    for each in page.root.tagged("link"):
        if each.attributes["rel"] in ("stylesheet", "icon"):
            answered = await browser.ask("GET", each.attributes["href"])
            assert (answered.status, answered.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")


def test_languages_of_the_site_are_the_two_official_ones() -> None:
    from relay.site.language import LANGUAGES

    assert LANGUAGES == (Language.EN, Language.FR)


async def test_asvs_3_3_1_3_3_3_behind_tls_the_cookie_is_bound_to_the_host_and_browsers_are_told_to_stay(
    database: Database,
) -> None:
    settings = Settings(site={"public_url": "https://notify.example.ca"})
    async with running_site(database, settings=settings) as site:
        browser, host = await site.browser(), {"Host": "notify.example.ca"}
        answered = await browser.ask("GET", "/en/contact", headers=host)
        token = answered.root.tagged("form")[0].tagged("input")[0].attributes["value"]
        cookie = answered.headers["Set-Cookie"].partition(";")[0]
        sent = {**host, "Cookie": cookie, "Origin": "https://notify.example.ca"}
        posted = await browser.ask("POST", "/en/contact", data={"csrf": token}, headers=sent)
        plain = await browser.ask(
            "POST", "/en/contact", data={"csrf": token}, headers={**sent, "Origin": site.url[:-1]}
        )

    assert re.fullmatch(
        r"__Host-session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", answered.headers["Set-Cookie"]
    )
    assert answered.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (posted.status, posted.headers["Location"]) == (303, "/en/contact")
    assert plain.status == 403
