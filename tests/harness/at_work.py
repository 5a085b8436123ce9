"""A person at the site of a started relay, who does everything once that the site is for: each room, each change."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time

import pyotp

from delivery.store.base import Search
from messages.address import Address
from tests.fakes.receiver import Receiver
from tests.harness.browser import Browser, Page, Value
from tests.harness.relay import Relay
from tests.harness.store import Store

_NAME, _PASSWORD, _GUEST = "Amala Okafor-Tremblay", "walrus tent orange nine", "guest.of.honour@home.example"
_GONE = "gone.with.the.wind@home.example"
_DOMAIN, _CALLBACK_TOKEN = "dept.example.ca", "a-token-of-theirs"


def open_to_people(owner: Relay) -> None:
    """An organisation, and the service that codes come from."""
    owner.run("organisation", "create", "--name", "Department")
    owner.run("organisation", "domain", "add", "Department", _DOMAIN)
    owner.run("user", "create", "--email", f"operator@{_DOMAIN}", "--operator")


@asynccontextmanager
async def at_work(relay: Relay, store: Store) -> AsyncIterator["AtWork"]:
    """Somebody without an account, at the site of a relay that is open to people; `store` is its owner's."""
    async with Receiver() as receiver, Browser(f"http://127.0.0.1:{relay.site_port}/") as browser:
        yield AtWork(browser, store, f"amala.8471@{_DOMAIN}", receiver.url)


@dataclass
class AtWork:
    """`email` is of a domain that an organisation has, and has no account yet."""

    browser: Browser
    store: Store
    email: str
    callback_url: str
    home: str = ""  # their service's
    recovery_code: str = ""
    app_secret: str = ""

    @property
    def private(self) -> list[str]:
        """What nobody but them and those they write to may read."""
        return [_NAME, self.email, _PASSWORD, self.app_secret, self.recovery_code, _CALLBACK_TOKEN, _GUEST, _GONE]

    async def everything(self, openable: Sequence[str]) -> None:
        """`openable` are paths of the route table: each is opened in both languages when there is what to see."""
        await self.register()
        await self.add_an_app()
        await self.make_a_service()
        await self.lead_the_team()
        template = await self.write_templates()
        await self.send(template)
        await self.follow_callbacks()
        await self.hold_keys()
        await self.ask_to_go_live()
        await self.write_to_the_operator()
        for language in ("en", "fr"):
            for path in openable:
                await self.open(f"/{language}/{path}".replace("services/{service_id}", self.home), known={200, 404})
        await self.change_the_account()
        await self.sign_in_again()

    async def open(self, path: str, *, known: Sequence[int] | set[int] = (200,)) -> Page:
        page = await self.browser.open(path.rstrip("/"))
        assert page.status in known, (path, page.status)
        return page

    async def at(self, path: str) -> Page:
        """Of the service."""
        return await self.open(f"/en/{self.home}/{path}")

    async def press(self, button: str, **values: Value) -> Page:
        return await self.fill(button, {label.replace("_", " "): value for label, value in values.items()})

    async def fill(self, button: str, values: dict[str, Value] | None = None) -> Page:
        page = await self.browser.press(button, values)
        assert (page.status, page.errors) == (200, []), (button, page.url, page.text)
        return page

    async def letter(self, to: str) -> str:
        """The newest that went there; the first goes behind the answer (relay/site/later.py)."""
        async with asyncio.timeout(60):
            while not (found := await self.store.searching.find(Search(recipient=Address.parse(to).key), 1)):
                await asyncio.sleep(0.1)
        (content,) = (await self.store.contents.load([found[0].message.content_id])).values()
        return json.dumps(json.loads(content or b"{}")["personalisation"])

    async def code(self, to: str) -> str:
        (code,) = set(re.findall(r"\b\d{6}\b", await self.letter(to)))
        return code

    async def register(self) -> None:
        await self.open("/en/register")
        who: dict[str, Value] = {"Full name": _NAME, "Work email address": self.email, "Password": _PASSWORD}
        await self.fill("Continue", who | {"I agree to the terms of use": True})
        await self.fill("Continue", {"Code": await self.code(self.email)})

    async def add_an_app(self) -> None:
        await self.open("/en/account/factors/app")
        page = await self.press("Continue", Name="Telephone")
        self.app_secret = page.root.at("app-key").text.replace(" ", "")
        app = pyotp.TOTP(self.app_secret)
        await self.open("/en/account/factors/app/qr")
        await self.open("/en/account/factors/app/code")
        await self.press("Add Telephone", Code=app.at(int(time()) - 30))
        await self.open("/en/step-up")
        await self.fill("Confirm the code", {"Code of your authenticator app": app.at(int(time()))})

    async def make_a_service(self) -> None:
        await self.open("/en/services/add")
        await self.press("Continue", Name_in_English="Permits", Name_in_French="Permis")
        await self.fill("Continue", {"Part before the @": "permits"})
        page = await self.press("Create the service")
        found = re.match(r"/en/(services/[0-9a-f-]{36})", page.url)
        assert found
        self.home = found[1]

    async def lead_the_team(self) -> None:
        await self.at("team/invite")
        may: dict[str, Value] = {"What may this person do?": ["See activity"]}
        colleague = f"colleague-{self.email}"
        await self.fill("Send the invitation", {"Email address": colleague, **may})
        await self.press(f"Cancel \N{EN DASH} {colleague}")
        await self.at("guests")
        page = await self.fill("Add to the list", {"Email address or phone number": _GUEST})
        assert _GUEST in page.text
        await self.at("reply-to/new")
        desk = f"desk@{_DOMAIN}"  # a service's address is in the clear: it stands in all that it sends
        await self.press("Send the code", Email_address=desk)
        await self.fill("Confirm the address", {"Code of 6 digits": await self.code(desk)})
        await self.at("suppressions/new")
        await self.fill("Put on the list", {"Email address or phone number": _GONE})
        await self.at("suppressions/recipient")
        page = await self.fill("Search", {"Email address or phone number": _GONE})
        await self.open(page.link("Send to this recipient again"))
        await self.press("Send to this recipient again")
        await self.at("settings/kept")
        await self.fill("Save", {"Days": "3"})
        await self.at("settings/contact")
        await self.fill("Save", {"Email address of the contact": desk})

    async def write_templates(self) -> str:
        await self.at("templates/new-email")
        page = await self.press("Save", Name="Reminder", Subject="Hi", Message="Hello ((name))")
        one = page.url
        await self.open(f"{one}/edit")
        await self.press("Save", Message="Good day ((name))")
        for path in ("versions", "versions/1", "frame"):
            await self.open(f"{one}/{path}")
        await self.open(f"{one}/copy")
        copied = (await self.press("Copy")).url
        for button in ("archive", "restore"):
            await self.open(f"{copied}/{button}")
            await self.press(button.title())
        return one.rpartition("/")[2]

    async def send(self, template: str) -> None:
        await self.at(f"send/{template}")
        await self.fill("Continue", {"Email address of the recipient": self.email, "name": "Zoë"})
        page = await self.press("Send")
        sent = page.url.partition("?")[0].rpartition("/")[2]
        await self.at(f"messages/{sent}")
        await self.at(f"messages/{sent}/content")
        await self.at("trace")
        await self.fill("Trace", {"What you have": sent})
        await self.at("activity")
        await self.press("Filter", Sent_by="This site")
        await self.at("activity/recipient")
        await self.fill("Search", {"Email address or phone number": self.email})

    async def follow_callbacks(self) -> None:
        await self.at("callbacks/delivery-status")
        await self.fill("Save", {"URL": self.callback_url, "Bearer token": _CALLBACK_TOKEN})
        await self.at("callbacks/delivery-status")
        page = await self.press("Send a test event")
        assert "Your receiver answered" in page.notice + page.text
        await self.at("callbacks/delivery-status/remove")
        await self.press("Remove this callback")

    async def hold_keys(self) -> None:
        await self.at("keys/new")
        await self.fill("Make the key", {"Name": "Scanner", "What may the key do?": "Team and guest list"})
        await self.press("Copied: back to the keys")
        one = (await self.browser.follow("Scanner")).url
        await self.press("Save", Name="Old scanner")
        await self.open(f"{one}/smtp/swaks")
        for ask in ("rotate", "revoke"):
            await self.open(f"{one}/{ask}", known={200})
        await self.press("Revoke the key")

    async def ask_to_go_live(self) -> None:
        await self.at("go-live/use-case")
        many = dict.fromkeys(
            ("Emails on your busiest day", "Emails in a year", "Text messages on your busiest day",
             "Text messages in a year"), "1"
        )  # fmt: skip
        await self.fill("Save", {"What are the messages for?": "Reminders", "Who gets them?": "Archers", **many})

    async def write_to_the_operator(self) -> None:
        await self.open("/en/contact?about=other")
        about: dict[str, Value] = {"What is your message about?": "Something else", "Your message": "Hello"}
        await self.fill("Send your message", about | {"Your name": _NAME, "Your email address": self.email})

    async def change_the_account(self) -> None:
        await self.open("/en/account/name")
        await self.fill("Save your name", {"Your name": _NAME + "-Roy"})
        await self.open("/en/account/language")
        await self.fill("Save your language", {"In which language do we write to you?": "English"})
        await self.open("/en/account/recovery")
        page = await self.press("Make new recovery codes")
        self.recovery_code = re.findall(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}\b", page.text)[0]

    async def sign_in_again(self) -> None:
        await self.open("/en/sign-out")
        await self.press("Sign out")
        await self.open("/en/sign-in")
        await self.fill("Continue", {"Email address": self.email, "Password": _PASSWORD})
        page = await self.fill("Use the recovery code", {"One of your recovery codes": self.recovery_code})
        assert page.url == "/en/services"
