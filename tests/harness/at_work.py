"""A person at the site of a started relay, who does everything once that the site is for: each room, each change."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import Any

import pyotp

from delivery.store.base import Search
from messages.address import Address
from tests.harness.browser import Browser, Page, Value
from tests.harness.store import Store

_PASSWORD = "walrus tent orange nine"


@dataclass
class AtWork:
    """`email` is of a domain that an organisation has, and has no account yet."""

    browser: Browser
    store: Store
    email: str
    callback_url: str
    home: str = ""  # their service's
    app: pyotp.TOTP | None = None

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
        """The newest that went there."""
        found = await self.store.searching.find(Search(recipient=Address.parse(to).key), 1)
        (content,) = (await self.store.contents.load([found[0].message.content_id])).values()
        return json.dumps(json.loads(content or b"{}")["personalisation"])

    async def code(self, to: str) -> str:
        (code,) = set(re.findall(r"\b\d{6}\b", await self.letter(to)))
        return code

    async def register(self) -> None:
        await self.open("/en/register")
        who: dict[str, Value] = {"Full name": "Amala Okafor", "Work email address": self.email, "Password": _PASSWORD}
        await self.fill("Continue", who | {"I agree to the terms of use": True})
        await self.fill("Continue", {"Code": await self.code(self.email)})

    async def add_an_app(self) -> None:
        await self.open("/en/account/factors/app")
        page = await self.press("Continue", Name="Telephone")
        self.app = pyotp.TOTP(page.root.at("app-key").text.replace(" ", ""))
        await self.open("/en/account/factors/app/qr")
        await self.open("/en/account/factors/app/code")
        await self.press("Add Telephone", Code=self.app.at(int(time()) - 30))
        await self.open("/en/step-up")
        await self.fill("Confirm the code", {"Code of your authenticator app": self.app.at(int(time()))})

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
        page = await self.fill("Add to the list", {"Email address or phone number": "guest@home.example"})
        assert "guest@home.example" in page.text
        await self.at("reply-to/new")
        desk = f"desk-{self.email}"
        await self.press("Send the code", Email_address=desk)
        await self.fill("Confirm the address", {"Code of 6 digits": await self.code(desk)})
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
        (sent,) = set(re.findall(r"messages/([0-9a-f-]{36})", page.html))
        await self.at(f"messages/{sent}")
        await self.at(f"messages/{sent}/content")
        await self.at("trace")
        await self.fill("Trace", {"What you have": sent})
        await self.at("activity")
        await self.fill("Search", {"Email address or phone number": self.email})

    async def follow_callbacks(self) -> None:
        await self.at("callbacks/delivery-status")
        await self.fill("Save", {"URL": self.callback_url, "Bearer token": "a-token-of-theirs"})
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
        about: Any = {"Your name": "Amala", "Your email address": self.email, "Your message": "Hello"}
        await self.browser.press("Send your message", about)

    async def change_the_account(self) -> None:
        await self.open("/en/account/name")
        await self.fill("Save your name", {"Your name": "Amala Roy"})
        await self.open("/en/account/language")
        await self.fill("Save your language", {"In which language do we write to you?": "English"})
        await self.open("/en/account/recovery")
        await self.press("Make new recovery codes")
        await self.open("/en/account/sessions")

    async def sign_in_again(self) -> None:
        await self.open("/en/sign-out")
        await self.press("Sign out")
        await self.open("/en/sign-in")
        await self.fill("Continue", {"Email address": self.email, "Password": _PASSWORD})
        page = await self.fill("Sign in", {"Code of your authenticator app": self.app.at(int(time()))})
        assert page.url == "/en/services"
