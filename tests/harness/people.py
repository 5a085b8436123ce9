"""Somebody with a real account at a site in this process: signed in, with an authenticator app and a mailbox."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyotp

from auth.audit import Actor
from auth.people import totp, users
from auth.people.sessions import Factor
from auth.people.totp import STEP_SECONDS, App
from auth.people.users import User
from delivery.store.base import Search
from messages.address import Address
from messages.message import Language
from messages.phone import PhoneNumber
from relay.actions import services
from tests.harness.browser import Browser
from tests.harness.site import Person, RunningSite

PASSWORD = "four words beside another"


@dataclass(slots=True)
class Somebody:
    site: RunningSite
    user: User
    browser: Browser
    app: App | None = None

    async def again(self, **options: Any) -> Browser:
        """Signed in on another device."""
        return await self.site.signed_in(person(self.user), **options)

    def code(self) -> str:
        """What their app shows now, and never showed before."""
        assert self.app is not None
        self.site.clock.ahead_seconds += STEP_SECONDS
        return pyotp.TOTP(self.app.secret).at(int(self.site.clock()))

    async def letters(self, to: str | None = None) -> list[dict[str, Any]]:
        """Subject and body of each that went to them, or to another of their addresses; the newest first."""
        await self.site.site.later.drain()
        where = to or self.user.email
        key = Address.parse(where).key if "@" in where else PhoneNumber.parse(where).key
        found = await self.site.store.searching.find(Search(recipient=key), 50)
        contents = await self.site.store.contents.load([each.message.content_id for each in found])
        return [json.loads(contents[each.message.content_id] or b"{}") for each in found]

    async def sent_code(self, to: str) -> str:
        """The code that went there last."""
        (newest, *_) = await self.letters(to)
        (code,) = set(re.findall(r"\b\d{6}\b", json.dumps(newest.get("personalisation", newest))))
        return code


def person(user: User) -> Person:
    return Person(name=user.name, language=user.language, operator=user.operator, held_at=user.held_at, id=user.id)


async def somebody(
    site: RunningSite,
    email: str,
    *,
    has_app: bool = True,
    factors: Collection[Factor] = (Factor.PASSWORD, Factor.TOTP),
    **given: Any,
) -> Somebody:
    secret, now = site.site.secret, site.clock()
    encoded = await site.site.passwords.hash(email, PASSWORD)
    async with site.writing(Actor("operator", "test")) as t:
        await services.ensure_own(t)
        values = {"name": "Amala Okafor", "language": Language.EN, "operator": False, **given}
        user = await users.create(t.connection, secret, now, email=email, password=encoded, verified=True, **values)
        app = await totp.begin(t.connection, secret, user.id, "Telephone", now) if has_app else None
        if app is not None:
            assert await totp.prove(t.connection, app, pyotp.TOTP(app.secret).at(int(now)), now)
    return Somebody(site, user, await site.signed_in(person(user), factors), app)
