"""A service with one of everything, and somebody who may see it, so that each page of the table can be opened."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

from auth import keys, reply_tos, services
from auth.audit import Actor
from auth.people import memberships
from auth.people.permissions import Permission
from delivery.library import templates
from messages.message import Channel, KeyType
from relay.actions import callbacks, suppressions
from relay.site.routes import ROUTES
from tests.harness.browser import Browser
from tests.harness.people import somebody
from tests.harness.site import DOMAIN, RunningSite
from tests.harness.team import Team

# Pages that hold no longer than a step of a flow; the walks over forms look at them.
PASSING = {
    "services/{service_id}/keys/{key_id}/made",
    "services/{service_id}/send/{template_id}/check",
    "invitation/{code}",
    "approvals/{request_id}",
}
_PIECE = re.compile(r"/(frame|content|seen|preview|qr|csv|live|delivery)$")  # of a page, or no page


@dataclass(frozen=True, slots=True)
class Furnished:
    browser: Browser
    ids: dict[str, object]

    def path(self, language: str, route: str) -> str:
        return f"/{language}/{route.format(**self.ids)}".rstrip("/")

    @property
    def pages(self) -> list[str]:
        """Of every route that shows one."""
        found = {route.path for route in ROUTES if route.method == "GET"} - PASSING
        return sorted(each for each in found if not _PIECE.search(each) or each == "services/{service_id}/preview")


async def furnished(site: RunningSite, name: str = "Licences") -> Furnished:
    email_from, limits, now = f"s{uuid4().hex[:8]}", site.site.settings.limits, site.clock()
    who = await somebody(site, f"zoe-{email_from}@dept.gc.ca", operator=True)
    async with site.database.write() as c:
        named = {"name": name, "name_fr": "Permis", "email_from": email_from, "domain": DOMAIN}
        service = await services.create(c, limits, now, live=True, **named)
        await templates.create_hidden(c, service.email_template_id, service.id, now)
        await keys.hidden(c, site.site.secret, limits, service, now)
        made = await keys.create(c, site.site.secret, limits, service, now, name="Scanners", type=KeyType.NORMAL)
        written = {"name": "Ready", "subject": "Ready, ((name))", "body": "Hello ((name))"}
        template = await templates.create(c, service_id=service.id, channel=Channel.EMAIL, now=now, **written)
        await memberships.add(c, service.id, who.user.id, Permission, now)
        reply_to = await reply_tos.add(c, service.id, "answers@dept.gc.ca", now, verified=True)
    async with site.writing(Actor("user", str(who.user.id))) as t:
        suppressed = await suppressions.add(t, str(service.id), "gone@example.org")
        token = "long-enough-token"
        await callbacks.put(t, str(service.id), url="https://receiver.dept.example/hook", bearer_token=token)
    team = Team(site, service, made.key, who.browser)
    message = await team.sent()
    assert who.app is not None
    ids: dict[str, UUID] = {"service_id": service.id, "key_id": made.key.id, "template_id": template.id}
    ids |= {"message_id": message.id, "reply_to_id": reply_to.id, "user_id": who.user.id, "factor_id": who.app.id}
    ids |= {"suppression_id": suppressed.id}
    return Furnished(who.browser, {**ids, "product": "swaks", "version": 1, "kind": "delivery-status"})
