"""What names a thing of another service, in a page's path or in a field of a form, is as if there were no such thing.

Every page with an id, and every field of every form, of the table: whoever adds one is asked for it, too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select

from auth.audit import Actor
from auth.people import invitations
from auth.people.permissions import Permission
from config.database import metadata
from messages.address import Address
from messages.message import Channel, KeyType
from relay.actions import guests, keys, reply_tos, suppressions, templates
from relay.site.routes import ROUTES
from tests.harness.browser import Browser, Page
from tests.harness.furnished import Furnished, furnished
from tests.harness.html import Element
from tests.harness.sampled import sampled
from tests.harness.site import Person, RunningSite

CLERK = Actor("operator", "clerk")
HIDDEN = "Zebra"  # in the names of all that the other service has
KINDS = ("key", "template", "reply_to", "suppression", "message", "user", "guest", "invitation", "service", "session")
MAIL = b"From: a@b.example\r\nTo: r@example.org\r\nSubject: x\r\n\r\nx\r\n"
FITTING = {"cancel": "invitation", "remove": "guest", "session": "session", "template": "template"}
CONTROLS = ("input", "textarea", "select", "button")
UNKEPT = {"drafts", "audit"}  # what was typed; who did what to their own
ANSWERS = (200, 303, 400, 404, 413, 429)


@dataclass
class Two:
    """Somebody who may do everything in one service, and what another service has."""

    site: RunningSite
    mine: Furnished
    browser: Browser
    theirs: dict[str, UUID]

    async def rows(self) -> set[tuple[str, str]]:
        """All that has to do with what the other service has."""
        found, ids = set(), {*self.theirs.values()}
        async with self.site.database.read() as connection:
            for table in metadata.sorted_tables:
                if table.name not in UNKEPT:
                    for row in await connection.execute(select(table)):
                        if not ids.isdisjoint(each for each in row if isinstance(each, UUID)):
                            found.add((table.name, repr(row)))
        return found

    async def sent(self, path: str, data: Any, method: str = "POST") -> Page:
        """The page that an answer leads to: a form may be sent back before it is asked what its path names."""
        answered = await self.browser.ask(method, path, data=data)
        assert answered.status in ANSWERS, f"{method} {path}: {answered.status}"
        if answered.status != 303:
            return answered
        return await self.browser.open(urljoin(path, answered.headers["Location"]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(site: RunningSite) -> Two:
    mine, other = await furnished(site, "Licences"), await furnished(site, HIDDEN)
    person, named = Person(), str(other.ids["service_id"])
    site.people.members[person.id, UUID(str(mine.ids["service_id"]))] = frozenset(Permission)
    theirs = {each: UUID(str(other.ids[f"{each}_id"])) for each in ("service", "message", "user")}
    async with site.writing(CLERK) as t:
        service = await t.service(named)
        theirs["key"] = (await keys.create(t, named, name=f"{HIDDEN} key", type=KeyType.NORMAL)).key.id
        written = {"name": f"{HIDDEN} template", "subject": HIDDEN, "body": HIDDEN}
        theirs["template"] = (await templates.create(t, named, channel=Channel.EMAIL, **written)).id
        theirs["reply_to"] = (await reply_tos.begin(t, named, f"{HIDDEN}@dept.gc.ca"))[0].id
        theirs["suppression"] = (await suppressions.add(t, named, f"{HIDDEN}@dept.gc.ca")).id
        await guests.add(t, service, f"{HIDDEN}@dept.gc.ca")
        theirs["guest"] = next(iter(await guests.entries(t, service)))
        address, by = Address.parse(f"{HIDDEN}@dept.gc.ca"), theirs["user"]
        given: dict[str, Any] = {"service_id": service.id, "address": address, "invited_by": by}
        await invitations.add(t.connection, t.secret, t.now, permissions=frozenset(Permission), **given)
        (invited,) = await invitations.of_service(t.connection, t.secret, service.id, t.now)
        theirs["invitation"] = invited.id
        found = metadata.tables["sessions"].c
        theirs["session"] = await t.connection.scalar(select(found.id).where(found.user_id == theirs["user"]))
    return Two(site, mine, await site.signed_in(person), theirs)


# -- In the path ---------------------------------------------------------------------------------------------------


async def test_no_page_shows_and_no_form_changes_what_its_path_names_of_another(two: Two) -> None:
    assert {*two.theirs} == {*KINDS}
    before, tried = await two.rows(), 0
    token = (await two.browser.open(two.mine.path("en", "services/{service_id}/settings/name"))).token
    for route in ROUTES:
        others = {each for each in re.findall(r"\{(\w+)_id\}", route.path) if each in two.theirs} - {"service"}
        for each in others if "{service_id}" in route.path and not route.live else ():
            path = f"/en/{route.path.format(**{**two.mine.ids, f'{each}_id': two.theirs[each]})}"
            data = {"csrf": token, "sure": "yes", "do": "default"} if route.method == "POST" else None
            shown = await two.sent(path, data, route.method)
            assert (shown.status, HIDDEN in shown.html) == (404, False), f"{route.method} {route.path}"
            tried += 1
    assert tried > 30
    assert await two.rows() == before


# -- In a field ----------------------------------------------------------------------------------------------------


def posts(page: Page) -> Iterator[tuple[str, Element, list[Element]]]:
    """Where each form of a page goes, and what it sends, its buttons with it."""
    for form in page.forms():
        if form.attributes.get("method", "get").lower() == "post":
            named = [each for each in form.all() if each.tag in CONTROLS and each.attributes.get("name")]
            yield urljoin(page.url, form.attributes.get("action") or page.url), form, named


def body(form: Element, named: list[Element], planted: dict[str, str]) -> Any:
    sent = {each.attributes["name"]: each.attributes.get("value", "") for each in named} | planted
    if form.attributes.get("enctype") != "multipart/form-data":
        return sent
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in sent.items():
        if name != "message":
            data.add_field(name, value)
    data.add_field("message", MAIL, filename="a.eml", content_type="application/octet-stream")
    return data


def is_chosen(control: Element) -> bool:
    """Whether it is one of what the page offers: there an id stands."""
    return control.tag in ("select", "button") or control.attributes.get("type") in ("hidden", "radio", "checkbox")


@pytest.mark.parametrize("kind", sampled(["fitting", *KINDS], lambda at: at == 0))
async def test_no_form_takes_an_id_of_another(two: Two, kind: str) -> None:
    before, tried = await two.rows(), 0
    for route in [each for each in two.mine.pages if "{service_id}" in each or each == "account/sessions"]:
        page = await two.browser.open(two.mine.path("en", route))
        for action, form, named in posts(page):
            for name in {each.attributes["name"] for each in named if kind in KINDS or is_chosen(each)} - {"csrf"}:
                planted = two.theirs[kind if kind in KINDS else FITTING.get(name, "key")]
                two.site.site.pace._taken.clear()  # no pace is what refuses it
                shown = await two.sent(action, body(form, named, {name: str(planted)}))
                assert HIDDEN not in shown.html, f"{action} {name}"
                tried += 1
    assert tried > (50 if kind in KINDS else 20)
    assert await two.rows() == before
