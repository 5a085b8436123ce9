"""The pictures of docs/site.md: a site in this process with a service that sent for a day, as Chromium shows it.

`make pictures` takes them anew. It is the same noon in all of them, and the ids in them are all that differs.
"""

import asyncio
import json
import os
import random
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from auth import keys, services
from auth.audit import Actor
from auth.fiscal_year import TIME_ZONE
from auth.people.permissions import Permission
from auth.watches import Step, Watches
from config.database import Database
from delivery.library import templates
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt, Event, EventKind, Outcome, Record
from messages.message import Channel, ContentKind, Door, KeyType, Message, new_id
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.branded import NODE
from tests.harness.browser import Browser
from tests.harness.held import held
from tests.harness.migrated import template as migrated
from tests.harness.site import DOMAIN, Person, RunningSite, running_site
from tests.harness.store import group_of

FOLDER = Path(__file__).parents[2] / "docs/site"
NOON = datetime(2026, 11, 30, 12, tzinfo=ZoneInfo(TIME_ZONE)).timestamp()
_PHONE, _WIDE = 320, 1280
_SUBJECT = "Your licence is ready, ((name)) / Votre permis est prêt, ((name))"
_BODY = """[[en]]
# Hello ((name))

Your licence ((number)) is ready.
[[/en]]

---

[[fr]]
# Bonjour ((name))

Votre permis ((number)) est prêt.
[[/fr]]"""
_MAIL = "<h1>Hello Zoé</h1><p>Your licence A-123456 is ready.</p><hr><h1>Bonjour Zoé</h1><p>Votre permis est prêt.</p>"
_ENDS = (*[Status.DELIVERED] * 60, *[Status.PERMANENT_FAILURE] * 2, Status.SENDING)


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody, their service that sends, and one that is new."""

    site: RunningSite
    person: Person
    browser: Browser
    service_id: UUID
    new_id: UUID
    key: keys.Key
    template_id: UUID

    async def sent(self, at: float, **changes: Any) -> Message:
        mine = {"service_id": self.service_id, "key_id": self.key.id, "template_id": self.template_id}
        whole = {"id": new_id(at, os.urandom(10)), "created_at": at, "content_id": new_id(at, os.urandom(10))}
        made = make_message(**{**whole, **mine, "content_kind": ContentKind.RAW, **changes})
        content = f"From: a@b.example\r\nSubject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{_MAIL}"
        await self.site.store.putting.put(group_of((made,), content.encode()))
        return made


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "relay.db"
        path.write_bytes(migrated())
        database = Database(f"sqlite+aiosqlite:///{path}", synchronous="OFF")
        async with running_site(database) as site:
            site.clock.ahead_seconds += NOON - site.clock()
            yield await _furnished(site)
        await database.close()


async def _furnished(site: RunningSite) -> Office:
    limits, secret, now = site.site.settings.limits, site.site.secret, site.clock()
    person = Person(name="Odile Roy", email="odile.roy@docks.example")
    author = Actor("user", str(person.id))
    async with site.database.write() as c:
        names = {"name": "Docks Licences", "name_fr": "Permis des quais", "email_from": "docks-licences"}
        service = await services.create(c, limits, now, domain=DOMAIN, live=True, **names)
        names = {"name": "Harbour notices", "name_fr": "Avis du port", "email_from": "harbour-notices"}
        new = await services.create(c, limits, now, domain=DOMAIN, live=False, **names)
        issued = await keys.create(c, secret, limits, service, now, name="Case system", type=KeyType.NORMAL)
        written = {"name": "Licence ready", "subject": _SUBJECT, "body": _BODY}
        template = await templates.create(c, service.id, now - 86_400, channel=Channel.EMAIL, author=author, **written)
    for each in service, new:
        site.people.members[person.id, each.id] = frozenset(Permission)
    browser = await site.signed_in(person)
    return Office(site, person, browser, service.id, new.id, issued.key, template.id)


async def _a_day(its: Office) -> None:
    """Of messages, by the hour as offices send them."""
    dice = random.Random(7)
    for hour in range(24):
        for _ in range(dice.randrange(9, 16) if hour in range(20, 24) else dice.randrange(0, 4)):
            at = NOON - (24 - hour) * 3600 + dice.random() * 3500
            to, subject = f"reader-{dice.randrange(900)}@example.org", "Your licence is ready / Votre permis est prêt"
            message = await its.sent(at, recipient=to, subject=subject)
            end = dice.choice(_ENDS)
            if end is not Status.SENDING:
                await its.site.store.settle(message.id, end, at + 3)


async def _delivered(its: Office) -> Message:
    """One that somebody sent from the site, with all that became of it; before there is another in the queue."""
    at, store = NOON - 600, its.site.store
    subject = "Your licence is ready, Zoé / Votre permis est prêt, Zoé"
    sent = await its.sent(
        at, recipient="zoe@example.org", door=Door.SITE, subject=subject, created_by=its.person.id, reference=None
    )
    queue = SqlQueue(its.site.database)
    await queue.claim("w", 1, at + 1, 60, 180)
    attempt = Attempt(new_id(at + 1, os.urandom(10)), sent.id, 1, "ses", at + 1)
    await store.attempting.attempt([attempt], "w", at + 61)
    await store.attempting.record(
        Record(sent.id, attempt.id, Outcome.RELAYED, at + 2, status=Status.SENDING, provider_id="p-1")
    )
    told = Event(uuid4(), EventKind.DELIVERY, "ses", "p-1", sent.id, attempt.id, at + 4, Status.DELIVERED)
    await store.settling.learn([told], at + 4)
    return sent


async def _device(its: Office) -> None:
    """What a door told of a device: refused, then not. The page has to be open for it."""
    door = Watches(its.site.database, its.site.clock, default_domain=DOMAIN)
    await door.share()
    watch = door.of(its.key.smtp_username)
    assert watch is not None
    told = {"network": "192.0.2.0/24", "listener": "starttls", "version": "TLSv1.3", "domain": "docks.example"}
    told |= {"cipher": "TLS_AES_256_GCM_SHA384", "group_id": str(uuid4()), "reply": "credentials-invalid"}
    refused = (Step.CONNECTED, Step.TLS, Step.REFUSED)
    for ago, steps in ((120, refused), (30, [each for each in Step if each is not Step.REFUSED])):
        session = uuid4()
        for number, step in enumerate(steps):
            door.note(watch, session, number, step, {**told, "recipients": 1, "values": {}}, ago)
    await door.share()


async def take() -> None:
    async with office() as its:
        mine, new = f"services/{its.service_id}", f"services/{its.new_id}"
        device = f"en/{mine}/keys/{its.key.id}/smtp/postfix"
        sent = await _delivered(its)
        await _a_day(its)
        await its.browser.open(f"/{device}")
        await _device(its)
        cookies, root = [*its.browser.cookies.items()], its.site.url
        wide = {"width": _WIDE, "cookies": cookies}
        await _shoot(
            {"name": "start", "url": f"{root}en", "width": _WIDE, "height": 760},
            {"name": "new-service", "url": f"{root}en/{new}", "height": 620, **wide},
            {"name": "device", "url": root + device, "height": 720, "heading": "Your device, as we see it", **wide},
            {"name": "template", "url": f"{root}en/{mine}/templates/{its.template_id}", "height": 900, **wide},
            {"name": "message", "url": f"{root}en/{mine}/messages/{sent.id}", "height": 900, **wide},
            {"name": "dashboard", "url": f"{root}en/{mine}", "height": 1080, **wide},
            {"name": "activity", "url": f"{root}en/{mine}/activity", "height": 1150, "scheme": "dark", **wide,
             "width": _PHONE},
            {"name": "go-live", "url": f"{root}fr/{new}/go-live", "height": 700, **wide},
        )  # fmt: skip
        await held(its.site, its.service_id)  # from now on its other pages warn of it
        await _shoot({"name": "holds", "url": f"{root}en/{mine}/holds", "height": 820, **wide})


async def _shoot(*pictures: dict[str, Any]) -> None:
    lines = [json.dumps({**each, "path": str(FOLDER / f"{each['name']}.png")}) + "\n" for each in pictures]
    node = await asyncio.create_subprocess_exec("node", NODE / "pictures.cjs", stdin=subprocess.PIPE)
    await asyncio.wait_for(node.communicate("".join(lines).encode()), 120)
    assert node.returncode == 0


if __name__ == "__main__":
    asyncio.run(take())
