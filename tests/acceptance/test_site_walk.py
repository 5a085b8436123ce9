"""The whole web site as a newcomer walks it, without scripts, by the real command: from an account to going live."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pyotp
import pytest_asyncio

from tests.harness.browser import Browser, Page
from tests.harness.mail import connect
from tests.harness.relay import Relay

ORGANISATION, DOMAIN = "Department of Docks", "docks.example"
PASSWORD = "quiet harbour lamp seven"
TEMPLATE = "[[en]]\nHello ((name))\n[[/en]]\n\n[[fr]]\nBonjour ((name))\n[[/fr]]"
EML = b"From: a@x.example\r\nTo: odile@docks.example\r\nSubject: Scan\r\nContent-Type: text/html\r\n\r\n<p>Hi"
_SECONDS = 10


@dataclass
class Street:
    """A relay whose site people come to, with the pages that each of them saw."""

    relay: Relay
    stack: AsyncExitStack
    seen: list[Page] = field(default_factory=list)

    async def register(self, name: str, *, path: str = "/en") -> "Person":
        """Somebody new, signed in."""
        browser = await self.stack.enter_async_context(Browser(f"http://127.0.0.1:{self.relay.site_port}"))
        person = Person(self, browser, f"{name.lower()}@{DOMAIN}")
        await browser.open(path)
        await person.follow("Create an account")
        typed = {"Full name": name, "Work email address": person.email, "Password": PASSWORD}
        await person.press("Continue", **typed, **{"Terms of use": ["I agree to the terms of use"]})
        await person.press("Continue", Code=await self.subject(person.email, r"\d{6}"))
        return person

    async def subject(self, recipient: str, pattern: str) -> str:
        """What fits in a subject that was mailed to somebody."""
        return await self.mailed(recipient, rf"^Subject: ({pattern})")

    async def mailed(self, recipient: str, pattern: str) -> str:
        async def look() -> str:
            texts = [content.decode() for _, content in self.relay.mail_to(recipient)]
            return next((found[1] for text in texts if (found := re.search(pattern, text, re.MULTILINE))), "")

        return await until(look)


@dataclass
class Person:
    street: Street
    browser: Browser
    email: str

    async def open(self, path: str) -> Page:
        return self._saw(await self.browser.open(path))

    async def follow(self, words: str) -> Page:
        return self._saw(await self.browser.follow(words))

    async def press(self, button: str, **values: object) -> Page:
        return self._saw(await self.browser.press(button, values))  # type: ignore[arg-type]

    async def add_app(self) -> None:
        await self.open("/en/account")
        await self.follow("Change Authenticator apps and passkeys")
        await self.follow("Add an authenticator app")
        page = await self.press("Continue", Name="Work phone")
        secret = page.root.at("app-key").text.replace(" ", "")
        await self.press("Add Work phone", Code=pyotp.TOTP(secret).now())

    def _saw(self, page: Page) -> Page:
        assert page.status == 200, (page.url, page.html)
        assert not page.errors, (page.url, page.errors)
        self.street.seen.append(page)
        return page


@pytest_asyncio.fixture
async def street(make_relay: Callable[..., Relay]) -> AsyncIterator[Street]:
    relay = make_relay()
    relay.environment["NOTIFY_RELAY_SITE__PUBLIC_URL"] = f"http://127.0.0.1:{relay.site_port}/"
    relay.start()
    relay.run("organisation", "create", "--name", ORGANISATION, "--name-fr", "Ministère des Quais")
    relay.run("organisation", "domain", "add", ORGANISATION, DOMAIN)
    async with AsyncExitStack() as stack:
        yield Street(relay, stack)


async def until(look: Callable[[], Awaitable[object]]) -> str:
    """What it finds, once it finds something."""
    deadline = time.monotonic() + _SECONDS
    while not (found := await look()):
        assert time.monotonic() < deadline, look
        await asyncio.sleep(0.05)
    return str(found)


async def test_a_newcomer_gets_from_an_account_to_a_live_service(street: Street) -> None:
    odile = await street.register("Odile")
    service = await create_service(odile)
    await odile.add_app()
    reply = await send_by_smtp(odile)
    await send_by_template(odile)
    await trace(odile, reply)
    await try_the_rest(odile)
    await invite(odile, "Piet")
    await go_live(odile)
    await see_the_account_in_french(odile, service)
    await odile.open("/en")
    await odile.follow("Sign out")
    await odile.press("Sign out")
    assert (await odile.open(service)).heading == "Sign in"


async def create_service(odile: Person) -> str:
    """Its dashboard's path: the new service leads there, as the list of services does, and on to all its rooms."""
    await odile.open("/en/services")
    await odile.follow("Create a service")
    await odile.press("Continue", **{"Name in English": "Docks Licences", "Name in French": "Permis des quais"})
    await odile.press("Continue")
    page = await odile.press("Create the service")
    assert page.heading == "Dashboard"
    assert "Make a key" in page.text
    await odile.follow("Your services")
    assert (await odile.follow("Docks Licences")).url == page.url
    assert "an authenticator app" in (await odile.follow("Keys")).text
    return page.url


async def send_by_smtp(odile: Person) -> str:
    """A key is made, and a product sends with it while its page looks on. The relay's reply."""
    await odile.open("/en/services")
    await odile.follow("Docks Licences")
    await odile.follow("Keys")
    await odile.follow("Make a key")
    page = await odile.press("Make the key", **{"Name": "Scanner", "What may the key do?": "Team and guest list"})
    user, password = (page.root.at(f"copy-{each}").text for each in ("user-name", "password"))
    page = await odile.press("Copied: set up a product or device")
    assert "Nothing has come with this user name yet" in page.text

    async def is_seen() -> bool:
        """Doors learn within seconds that somebody looks on."""
        with connect(odile.street.relay) as client:
            client.login(user, password)
        return "Logged in with this key" in (await odile.open(page.url)).text

    async def is_accepted() -> bool:
        return "Message accepted" in (await odile.open(page.url)).text

    await until(is_seen)
    with connect(odile.street.relay) as client:
        client.login(user, password)
        reply = client.submit([odile.email], EML)
    await until(is_accepted)
    (group,) = re.findall(r"\b[0-9a-f-]{36}\b", reply)
    assert odile.email in (await odile.follow(group)).text
    return reply


async def send_by_template(odile: Person) -> None:
    """One is written, looked at and sent; its message's page, and the dashboard, tell what becomes of it."""
    await odile.follow("Templates")
    await odile.follow("New email template")
    await odile.press("Save", Name="Licence ready", Subject="Ready, ((name))", Message=TEMPLATE)
    assert odile.browser.page is not None
    (frame,) = odile.browser.page.root.tagged("iframe")
    assert "Bonjour" in (await odile.browser.ask("GET", frame.attributes["src"])).html
    await odile.follow("Send this template")
    await odile.press("Continue", **{"Email address of the recipient": odile.email, "name": "Odile"})
    page = await odile.press("Send")
    assert page.heading == "Ready, Odile"
    assert "Odile sent it from this site." in page.text
    await odile.street.mailed(odile.email, "^(Subject: Ready, Odile)")

    async def delivered() -> bool:
        return "2 delivered" in (await odile.follow("Dashboard")).text

    await until(delivered)


async def trace(odile: Person, reply: str) -> None:
    page = await odile.follow("Activity")
    assert page.text.count(odile.email) == 2
    await odile.follow("Trace a message")
    await odile.press("Trace", **{"What you have": reply})
    page = await odile.follow(odile.email)
    assert "with the key “Scanner”" in page.text


async def try_the_rest(odile: Person) -> None:
    await odile.follow("Callbacks")
    await odile.follow("Change What became of messages")
    await odile.press("Save", **{"URL": "https://receiver.docks.example/hook", "Bearer token": "long-enough-token"})
    await odile.follow("Continue")
    assert "could not be asked" in (await odile.press("Send a test event")).notice
    await odile.follow("Preview an email")
    assert "It would be accepted" in (await odile.press("Preview", **{"Email file (.eml)": ("a.eml", EML)})).text
    await odile.follow("Guest list")
    await odile.press("Add to the list", **{"Email address or phone number": "guest@example.ca"})
    await odile.follow("Usage")


async def invite(odile: Person, name: str) -> None:
    await odile.follow("Team")
    await odile.follow("Invite a person")
    email = f"{name.lower()}@{DOMAIN}"
    await odile.press(
        "Send the invitation",
        **{"Email address": email, "What may this person do?": ["See activity", "Manage the service"]},
    )
    path = await odile.street.mailed(email, r"^http://[^/]+(/en/invitation/\S+)")
    piet = await odile.street.register(name, path=path)
    await piet.open(path)
    assert (await piet.press("Join the team")).heading == "Dashboard"


async def go_live(odile: Person) -> None:
    """Somebody of the organisation decides, who is not of the team."""
    await odile.follow("Go live")
    await odile.follow("Tell us what the service is for, and how much it sends")
    amounts = dict.fromkeys(
        [f"{what} {when}" for what in ("Emails", "Text messages") for when in ("on your busiest day", "in a year")],
        "1200",
    )
    await odile.press("Save", **{"What are the messages for?": "Licences", "Who gets them?": "Skippers", **amounts})
    await odile.follow("Name a contact for incidents")
    await odile.press("Save", **{"Email address of the contact": f"team@{DOMAIN}"})
    page = await odile.follow("Go live")
    await odile.press("Ask to go live", **{page.labels[0]: True})

    ana = await odile.street.register("Ana")
    await ana.add_app()
    odile.street.relay.run("organisation", "approver", "add", ORGANISATION, ana.email)
    await ana.open("/en/services")
    await ana.follow("Requests to go live that wait for your decision: 1")
    assert "1,200" in (await ana.follow("Docks Licences")).text
    await ana.press("Decide", **{"Your decision": "The service goes live"})
    assert "it reaches everybody" in (await odile.follow("Go live")).text
    assert "Ana took the service live" in re.sub(" +", " ", (await odile.follow("Who changed what")).text)


async def see_the_account_in_french(odile: Person, service: str) -> None:
    """All that links lead to, from the account and the service: each page is there, and in French."""
    todo, done = ["/fr/account", service.replace("/en/", "/fr/")], set[str]()
    while todo:
        path = todo.pop()
        page = await odile.open(path)
        assert (
            page.headers["Content-Type"].startswith("text/csv")
            or page.root.tagged("html")[0].attributes["lang"] == "fr-CA"
        )
        done.add(path)
        found = {url.partition("#")[0] for _, url in page.links if url.startswith("/fr/")}
        todo += {url for url in found if "/smtp" not in url and "sign-out" not in url} - done - {*todo}
    assert len(done) > 50
