"""Somebody of a service's team at a browser, and the messages that the service sent."""

import os
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from auth import keys, services
from auth.people.permissions import Permission
from auth.principal import Key, Service
from messages.message import ContentKind, KeyType, Message, new_id
from tests.fakes.messages import make_message
from tests.harness.browser import Browser, Page
from tests.harness.site import DOMAIN, Person, RunningSite
from tests.harness.store import group_of

MAIL = b"From: a@x.example\r\nSubject: s\r\nContent-Type: text/html\r\n\r\n<h1>Your licence is ready</h1>"


@dataclass
class Team:
    site: RunningSite
    service: Service
    key: Key
    browser: Browser
    count: int = 0

    async def page(self, path: str, language: str = "en") -> Page:
        """Below the service's."""
        return await self.browser.open(f"/{language}/services/{self.service.id}/{path}")

    async def sent(self, content: bytes = MAIL, **changes: Any) -> Message:
        self.count += 1
        now = self.site.clock() - 60 + self.count / 100  # one after the other
        made = {"id": new_id(now, os.urandom(10)), "created_at": now, "content_id": new_id(now, os.urandom(10))}
        mine = {"service_id": self.service.id, "key_id": self.key.id, "content_kind": ContentKind.RAW}
        message = make_message(**{**made, **mine, **changes})
        await self.site.store.putting.put(group_of((message,), content))
        return message


async def team(site: RunningSite, *permissions: Permission, name: str = "Licences", **options: Any) -> Team:
    """Of a new service."""
    person, limits, now = Person(), site.site.settings.limits, site.clock()
    async with site.database.write() as connection:
        local = uuid4().hex[:12]
        service = await services.create(connection, limits, now, name=name, email_from=local, domain=DOMAIN)
        issued = await keys.create(
            connection, site.site.secret, limits, service, now, name="Case system", type=KeyType.NORMAL
        )
    site.people.members[person.id, service.id] = frozenset(permissions)
    return Team(site, service, issued.key, await site.signed_in(person, **options))
