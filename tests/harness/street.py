"""The people who come to a real relay's site: each at a browser of their own, with a mailbox and a phone."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Literal

import pyotp

from messages.message import Language
from messages.text import Text
from tests.harness.browser import Browser, Page, Value
from tests.harness.chromium import Chromium
from tests.harness.relay import Relay
from tests.harness.words import words

DOMAIN = "docks.example"
PASSWORD = "quiet harbour lamp seven"
Way = Literal["without scripts", "by pointer", "by keyboard"]
_SECONDS = 60


@dataclass
class Street:
    """A relay whose site people come to, with the pages that each of them saw."""

    relay: Relay
    stack: AsyncExitStack
    way: Way = "without scripts"
    language: Language = Language.EN
    seen: list[Page] = field(default_factory=list)

    @property
    def is_scripted(self) -> bool:
        return self.way != "without scripts"

    def say(self, source: str, **values: object) -> str:
        """A text of the site in the language of the walk, its spaces as pages are read here: none of them hard."""
        return " ".join(Text(source, values).render(words().translator(self.language)).split())

    async def person(self, name: str) -> "Person":
        """Somebody who was never here."""
        url = f"http://localhost:{self.relay.site_port}"  # by its name: a browser binds no passkey to a number
        browser: Browser | Chromium = (
            Chromium(url, language=self.language, hand="keyboard" if self.way == "by keyboard" else "pointer")
            if self.is_scripted
            else Browser(url, language=self.language)
        )
        return Person(self, await self.stack.enter_async_context(browser), f"{name.lower()}@{DOMAIN}", name)

    async def register(self, name: str, *, path: str = "") -> "Person":
        """Somebody new, signed in."""
        person = await self.person(name)
        await person.open(path or f"/{self.language}")
        await person.follow("Create an account")
        await person.press(
            "Continue",
            {"Full name": name, "Work email address": person.email, "Password": PASSWORD}
            | {"Terms of use": ["I agree to the terms of use"]},
        )
        await person.press("Continue", {"Code": await person.mailed_code()})
        return person

    async def mailed(self, recipient: str, pattern: str) -> str:
        """What fits in the newest mail to somebody in which it does."""

        async def look() -> str:
            texts = [content.decode() for _, content in reversed(self.relay.mail_to(recipient))]
            return next((found[1] for text in texts if (found := re.search(pattern, text, re.MULTILINE))), "")

        return await until(look)


@dataclass
class Person:
    street: Street
    browser: Browser | Chromium
    email: str
    name: str
    secret: str = ""  # of their app
    codes: list[str] = field(default_factory=list)  # that they used

    def say(self, source: str, **values: object) -> str:
        return self.street.say(source, **values)

    async def open(self, path: str) -> Page:
        return self._saw(await self.browser.open(path))

    async def follow(self, *sources: str) -> Page:
        """A link by its words; each of their parts is translated by itself, and what is no text of the site stays."""
        return self._saw(await self.browser.follow(" ".join(self.say(each) for each in sources)))

    async def press(self, button: str, values: Mapping[str, Value] | None = None, **of_button: object) -> Page:
        """A button by its words, the form that it is in by labels; what is chosen is named by its label, too."""
        typed = {self.say(label): self._chosen(value) for label, value in (values or {}).items()}
        return self._saw(await self.browser.press(self.say(button, **of_button), typed))

    def _chosen(self, value: Value) -> Value:
        if isinstance(value, list):
            return [self.say(each) for each in value]
        return self.say(value) if isinstance(value, str) else value

    async def mailed_code(self) -> str:
        """One of six digits that they did not use yet."""

        async def look() -> str:
            found = [re.search(rb"^Subject: (\d{6})", content, re.MULTILINE) for _, content in self._mails()]
            return next((code for each in found if each and (code := each[1].decode()) not in self.codes), "")

        self.codes.append(await until(look))
        return self.codes[-1]

    def _mails(self) -> list[tuple[dict[str, object], bytes]]:
        return self.street.relay.mail_to(self.email)

    async def texted_code(self) -> str:
        async def look() -> str:
            files = sorted((self.street.relay.folder / "var/outbox").glob("*.sms.json"))
            found = [re.search(r"\b\d{6}\b", json.dumps(json.loads(each.read_text())["body"])) for each in files]
            return next((code for each in found if each and (code := each[0]) not in self.codes), "")

        self.codes.append(await until(look))
        return self.codes[-1]

    async def app_code(self) -> str:
        """What their app shows now, once it shows another than before."""

        async def look() -> str:
            code = pyotp.TOTP(self.secret).now()
            return "" if code in self.codes else code

        self.codes.append(await until(look, 40))
        return self.codes[-1]

    async def add_app(self) -> None:
        await self.open(f"/{self.street.language}/account")
        await self.follow("Change", "Authenticator apps and passkeys")
        await self.follow("Add an authenticator app")
        page = await self.press("Continue", {"Name": "Work phone"})
        self.secret = page.root.at("app-key").text.replace(" ", "")
        await self.press("Add {name}", {"Code": await self.app_code()}, name="Work phone")

    async def sign_out(self) -> None:
        await self.open(f"/{self.street.language}")
        await self.follow("Sign out")
        await self.press("Sign out")

    async def begin_to_sign_in(self) -> Page:
        """As far as the second factor."""
        await self.open(f"/{self.street.language}/sign-in")
        return await self.press("Continue", {"Email address": self.email, "Password": PASSWORD})

    def _saw(self, page: Page) -> Page:
        assert page.status == 200, (page.url, page.html)
        assert not page.errors, (page.url, page.errors)
        assert page.root.tagged("html")[0].attributes["lang"] == f"{self.street.language}-CA"
        self.street.seen.append(page)
        return page


async def until(look: Callable[[], Awaitable[object]], seconds: float = _SECONDS) -> str:
    """What it finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := await look()):
        assert time.monotonic() < deadline, look
        await asyncio.sleep(0.05)
    return str(found)
