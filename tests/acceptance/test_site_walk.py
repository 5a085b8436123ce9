"""The whole web site as a newcomer walks it, by the real command: from an account to going live.

Without scripts in English, where CI runs the whole set also in Chromium: in French by pointer, in English by keyboard
only. There whatever a browser complains of fails, a place that nobody sees, or that the tabulator does not reach.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from messages.message import Language
from tests.conftest import skip_or_fail
from tests.harness.branded import missing
from tests.harness.browser import Page
from tests.harness.chromium import Chromium
from tests.harness.mail import connect
from tests.harness.relay import Relay
from tests.harness.sampled import sampled
from tests.harness.street import DOMAIN, Person, Street, Way, until

ORGANISATION, PHONE = "Department of Docks", "+16135550188"
TEMPLATE = "[[en]]\nHello ((skipper))\n[[/en]]\n\n[[fr]]\nBonjour ((skipper))\n[[/fr]]"
EML = b"From: a@x.example\r\nTo: odile@docks.example\r\nSubject: Scan\r\nContent-Type: text/html\r\n\r\n<p>Hi"
WAYS = [("without scripts", Language.EN), ("by pointer", Language.FR), ("by keyboard", Language.EN)]


@pytest_asyncio.fixture
async def street(make_relay: Callable[..., Relay], way: Way, language: Language) -> AsyncIterator[Street]:
    if way != "without scripts" and (problem := missing()):
        skip_or_fail(f"SITE NOT WALKED IN A BROWSER: {problem}")
    relay = make_relay()
    relay.environment["NOTIFY_RELAY_SITE__PUBLIC_URL"] = f"http://localhost:{relay.site_port}/"
    relay.start()
    relay.run("organisation", "create", "--name", ORGANISATION, "--name-fr", "Ministère des Quais")
    relay.run("organisation", "domain", "add", ORGANISATION, DOMAIN)
    async with AsyncExitStack() as stack:
        yield Street(relay, stack, way, language)


@pytest.mark.parametrize(("way", "language"), sampled(WAYS, lambda at: at == 0))
async def test_a_newcomer_gets_from_an_account_to_a_live_service(street: Street) -> None:
    odile = await street.register("Odile")
    service = await create_service(odile)
    await odile.add_app()
    reply = await send_by_smtp(odile)
    await send_by_template(odile)
    await trace(odile, reply)
    await try_the_rest(odile)
    piet = await invite(odile, "Piet")
    await go_live(odile)
    if street.is_scripted:
        await sign_in_by_letter_and_text(piet)
        await sign_in_by_app_and_passkey(odile)
    else:
        await see_the_account_in_french(odile, service)
    await odile.sign_out()
    assert (await odile.open(service)).heading == odile.say("Sign in")


async def create_service(odile: Person) -> str:
    """Its dashboard's path: the new service leads there, as the list of services does, and on to all its rooms."""
    await open_services(odile)
    await odile.follow("Create a service")
    await odile.press("Continue", {"Name in English": "Docks Licences", "Name in French": "Permis des quais"})
    await odile.press("Continue")
    page = await odile.press("Create the service")
    assert page.heading == odile.say("Dashboard")
    assert odile.say("Make a key") in page.text
    await open_services(odile)
    assert (await odile.follow(service_name(odile))).url == page.url
    assert (await odile.follow("Keys")).heading == odile.say("Confirm that it is you")
    return page.url


async def open_services(person: Person) -> None:
    await person.open(f"/{person.street.language}/services")


def service_name(person: Person) -> str:
    return "Permis des quais" if person.street.language is Language.FR else "Docks Licences"


async def send_by_smtp(odile: Person) -> str:
    """A key is made, and a product sends with it while its page looks on. The relay's reply."""
    await open_services(odile)
    await odile.follow(service_name(odile))
    await odile.follow("Keys")
    await odile.follow("Make a key")
    page = await odile.press("Make the key", {"Name": "Scanner", "What may the key do?": "Team and guest list"})
    user, password = (page.root.at(f"copy-{each}").text for each in ("user-name", "password"))
    page = await odile.press("Copied: set up a product or device")
    nothing = "Nothing has come with this user name yet. Send a test message from your product."
    assert odile.say(nothing) in page.text
    logged_in, accepted = odile.say("Logged in with this key"), odile.say("Message accepted, recipients: {recipients}")

    async def is_seen() -> bool:
        """Doors learn within seconds that somebody looks on."""
        with connect(odile.street.relay) as client:
            client.login(user, password)
        return logged_in in (await shown(odile, page.url)).text

    async def is_accepted() -> bool:
        return accepted.format(recipients=1) in (await shown(odile, page.url)).text

    await until(is_seen)
    with connect(odile.street.relay) as client:
        client.login(user, password)
        reply = client.submit([odile.email], EML)
    await until(is_accepted)
    (group,) = re.findall(r"\b[0-9a-f-]{36}\b", reply)
    assert odile.email in (await odile.follow(group)).text
    return reply


async def shown(person: Person, path: str) -> Page:
    """The page as it is now: by itself with scripts, else asked for again."""
    if isinstance(person.browser, Chromium):
        return await person.browser.look()
    return await person.open(path)


async def send_by_template(odile: Person) -> None:
    """One is written, looked at and sent; its message's page, and the dashboard, tell what becomes of it."""
    await odile.follow("Templates")
    await odile.follow("New email template")
    await odile.press("Save", {"Name": "Licence ready", "Subject": "Ready, ((skipper))", "Message": TEMPLATE})
    assert odile.browser.page is not None
    (frame,) = odile.browser.page.root.tagged("iframe")
    assert "Bonjour" in (await odile.browser.ask("GET", frame.attributes["src"])).html
    await odile.follow("Send this template")
    await odile.press("Continue", {"Email address of the recipient": odile.email, "skipper": "Odile"})
    page = await odile.press("Send")
    assert page.heading == "Ready, Odile"
    assert odile.say("{person} sent it from this site.", person="Odile") in page.text
    await odile.street.mailed(odile.email, "^(Subject: Ready, Odile)")
    dashboard = await odile.follow("Dashboard")
    counted = odile.say("Today: {accepted} accepted, {delivered} delivered, {failed} failed, {waiting} on the way.")

    async def delivered() -> bool:
        page = await shown(odile, dashboard.url)
        return counted.format(accepted=2, delivered=2, failed=0, waiting=0) in page.text

    await until(delivered)


async def trace(odile: Person, reply: str) -> None:
    page = await odile.follow("Activity")
    assert page.text.count(odile.email) == 2
    await odile.follow("Trace a message")
    await odile.press("Trace", {"What you have": reply})
    page = await odile.follow(odile.email)
    assert odile.say("The relay accepted it by SMTP, with the key “{key}”.", key="Scanner") in page.text


async def try_the_rest(odile: Person) -> None:
    await odile.follow("Callbacks")
    await odile.follow("Change", "What became of messages")
    await odile.press("Save", {"URL": "https://receiver.docks.example/hook", "Bearer token": "long-enough-token"})
    await odile.follow("Continue")
    unanswered = odile.say("Your receiver could not be asked: {why}. That took {seconds} seconds.").partition("{")[0]
    assert unanswered in (await odile.press("Send a test event")).notice
    await odile.follow("Preview an email")
    page = await odile.press("Preview", {"Email file (.eml)": ("a.eml", EML)})
    assert odile.say("It would be accepted") in page.text
    await odile.follow("Guest list")
    await odile.press("Add to the list", {"Email address or phone number": "guest@example.ca"})
    await odile.follow("Usage")


async def invite(odile: Person, name: str) -> Person:
    await odile.follow("Team")
    await odile.follow("Invite a person")
    email = f"{name.lower()}@{DOMAIN}"
    await odile.press(
        "Send the invitation",
        {"Email address": email, "What may this person do?": ["See activity", "Manage the service"]},
    )
    path = await odile.street.mailed(email, rf"^http://[^/]+(/{odile.street.language}/invitation/\S+)")
    piet = await odile.street.register(name, path=path)
    await piet.open(path)
    assert (await piet.press("Join the team")).heading == piet.say("Dashboard")
    return piet


async def go_live(odile: Person) -> None:
    """Somebody of the organisation decides, who is not of the team."""
    await odile.follow("Go live")
    await odile.follow("Tell us what the service is for, and how much it sends")
    amounts = dict.fromkeys(
        [f"{what} {when}" for what in ("Emails", "Text messages") for when in ("on your busiest day", "in a year")],
        "1200",
    )
    await odile.press("Save", {"What are the messages for?": "Licences", "Who gets them?": "Skippers", **amounts})
    await odile.follow("Name a contact for incidents")
    await odile.press("Save", {"Email address of the contact": f"team@{DOMAIN}"})
    page = await odile.follow("Go live")
    await odile.press("Ask to go live", {page.labels[0]: True})

    ana = await odile.street.register("Ana")
    await ana.add_app()
    odile.street.relay.run("organisation", "approver", "add", ORGANISATION, ana.email)
    await open_services(ana)
    await ana.follow(ana.say("Requests to go live that wait for your decision: {count}", count=1))
    assert re.search("1[, ]200", (await ana.follow(service_name(ana))).text)
    await ana.press("Decide", {"Your decision": "The service goes live"})
    assert odile.say("The service is live: it reaches everybody.") in (await odile.follow("Go live")).text
    audit = re.sub(" +", " ", (await odile.follow("Who changed what")).text)
    assert f"Ana {odile.say('took the service live')}" in audit


async def sign_in_by_letter_and_text(piet: Person) -> None:
    """Who has neither app nor passkey gets a code; they are told how it fares."""
    await piet.open(f"/{piet.street.language}/account/number")
    await piet.press("Send a code", {"Your new phone number": PHONE})
    assert PHONE in (await piet.press("Confirm", {"Code": await piet.texted_code()})).text
    await piet.sign_out()
    assert piet.say("Where your code is") in (await piet.begin_to_sign_in()).text
    await piet.press("Sign in", {"Code": await piet.mailed_code()})
    await piet.sign_out()
    await piet.begin_to_sign_in()
    await asyncio.sleep(30)  # between one code and the next
    assert (await piet.press("Send a code by text message")).heading == piet.say("Check your phone")
    page = await piet.press("Sign in", {"Code": await piet.texted_code()})
    assert page.heading == piet.say("Your services")


async def sign_in_by_app_and_passkey(odile: Person) -> None:
    await odile.sign_out()
    await odile.begin_to_sign_in()
    await odile.press("Confirm the code", {"Code of your authenticator app": await odile.app_code()})
    assert isinstance(odile.browser, Chromium)
    await odile.browser.tell("device")
    await odile.open(f"/{odile.street.language}/account/factors/passkey")
    page = await odile.press("Add the passkey", {"Name": "Laptop"})
    assert "Laptop" in page.text
    await odile.sign_out()
    await odile.open(f"/{odile.street.language}/sign-in")
    assert (await odile.press("Sign in with a passkey")).heading == odile.say("Your services")


async def see_the_account_in_french(odile: Person, service: str) -> None:
    """All that links lead to, from the account and the service: each page is there, and in French."""
    todo, done = ["/fr/account", service.replace("/en/", "/fr/")], set[str]()
    while todo:
        path = todo.pop()
        page = await odile.browser.open(path)
        assert page.status == 200, path
        if not page.headers["Content-Type"].startswith("text/csv"):
            assert page.root.tagged("html")[0].attributes["lang"] == "fr-CA"
        done.add(path)
        found = {url.partition("#")[0] for _, url in page.links if url.startswith("/fr/")}
        todo += {url for url in found if "/smtp" not in url and "sign-out" not in url} - done - {*todo}
    assert len(done) > 50
