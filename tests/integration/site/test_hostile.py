"""What a hostile visitor tries, whatever the room; on PostgreSQL, which takes less than SQLite."""

import hashlib
import io
import re
import threading
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from auth import keys
from auth import services as stored
from auth.audit import Actor
from auth.people import drafts
from auth.people.permissions import Permission
from messages.email.shown import Shown, shown
from messages.message import KeyType
from relay.actions import services
from relay.site.previews import page as previews
from relay.site.routes import ROUTES
from tests.harness.browser import Browser
from tests.harness.sampled import in_turn, sampled
from tests.harness.site import Person, RunningSite

ON_POSTGRESQL = True
ODD = ("%00", "%ed%a0%80", "%e2%80%ae", "%0d%0aX:1", "%7Bvisit%7D", hashlib.sha512(b"long").hexdigest() * 20)
MAIL = b"From: a@b.example\r\nTo: r@example.org\r\nSubject: x\r\n\r\nx\r\n"


async def member(site: RunningSite, *permissions: Permission) -> tuple[UUID, Browser]:
    service_id, person = await site.service(uuid4().hex, f"s{uuid4().hex}"), Person()
    site.people.members[person.id, service_id] = frozenset(permissions or Permission)
    return service_id, await site.signed_in(person)


def token(html: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("odd", "turn"),
    sampled([(odd, turn) for odd in ODD for turn in range(len(ODD))], in_turn(len(ODD))),
    ids=lambda given: str(given)[:12],
)
async def test_no_path_breaks_anything(site: RunningSite, odd: str, turn: int) -> None:
    service_id, mine = await member(site)
    nobody = await site.browser()
    await nobody.open("/en/contact", method="POST", data={"csrf": ""})  # has a session, so drafts are looked for
    for route in [route for route in ROUTES if "{" in route.path][turn :: len(ODD)]:
        filled = route.path.replace("{service_id}", str(service_id))
        for browser, path in ((mine, filled), (nobody, route.path)):
            data = {"a": "b"} if route.method == "POST" else None
            answered = await browser.ask(route.method, "/en/" + re.sub(r"\{\w+\}", odd, path), data=data)
            assert answered.status < 500, f"{route.method} {path}"


async def test_a_team_does_not_release_what_an_operator_holds_by_holding_it_again(site: RunningSite) -> None:
    service_id, mine = await member(site, Permission.MANAGE_SERVICE)
    path = f"/en/services/{service_id}/settings/hold"
    async with site.site.writing(Actor("operator", "root")) as t:
        await services.hold(t, str(service_id))

    for wanted in ("yes", "no"):
        page = await mine.open(path)
        await mine.open(path, method="POST", data={"csrf": token(page.html), "held": wanted})

    async with site.site.reading(Actor("operator", "root")) as t:
        assert (await t.service(str(service_id))).held


async def test_a_team_releases_what_it_held_itself(site: RunningSite) -> None:
    service_id, mine = await member(site, Permission.MANAGE_SERVICE)
    path = f"/en/services/{service_id}/settings/hold"

    for wanted in ("yes", "yes", "no"):
        page = await mine.open(path)
        await mine.open(path, method="POST", data={"csrf": token(page.html), "held": wanted})

    async with site.site.reading(Actor("operator", "root")) as t:
        assert not (await t.service(str(service_id))).held


async def test_a_letter_is_read_for_its_preview_beside_the_other_visitors(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    service_id, mine = await member(site, Permission.MANAGE_API_KEYS)
    limits, now = site.site.settings.limits, site.clock()
    async with site.database.write() as connection:
        service = await stored.find(connection, limits, service_id)
        await keys.create(connection, site.site.secret, limits, service, now, name="a", type=KeyType.TEAM)
    seen = []

    def spied(content: bytes) -> Shown:
        seen.append(threading.current_thread())
        return shown(content)

    monkeypatch.setattr(previews, "shown", spied)
    await mine.open(f"/en/services/{service_id}/preview")
    await mine.press("Preview", {"Email file (.eml)": ("a.eml", MAIL)})

    assert seen
    assert threading.main_thread() not in seen


async def test_a_form_with_a_file_carries_no_megabytes_beside_it(site: RunningSite) -> None:
    service_id, mine = await member(site, Permission.MANAGE_API_KEYS)
    path = f"/en/services/{service_id}/preview"
    page = await mine.open(path)
    fields = {"csrf": token(page.html), "to": "x " * 500_000}
    parts = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value.encode())
        for name, value in fields.items()
    )

    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    answered = await mine.ask("POST", path, data=io.BytesIO(parts + b"--B--\r\n"), headers=headers)

    assert answered.status == 413


async def test_nobody_keeps_more_than_a_few_drafts(site: RunningSite) -> None:
    nobody = await site.browser()
    async with site.database.read() as connection:
        before = await connection.scalar(select(func.count()).select_from(drafts.drafts)) or 0

    for _ in range(10):
        await nobody.ask("POST", f"/en/services/{uuid4()}/settings/name", data={"name": "x" * 60_000})

    async with site.database.read() as connection:
        assert (await connection.scalar(select(func.count()).select_from(drafts.drafts)) or 0) - before <= 3


async def test_no_mailbox_is_filled_with_codes_by_adding_an_address_again_and_again(site: RunningSite) -> None:
    service_id, mine = await member(site, Permission.MANAGE_SERVICE)
    page = await mine.open(f"/en/services/{service_id}/reply-to/new")
    statuses = []
    for count in range(21):
        data = {"csrf": token(page.html), "address": f"a{count}@example.org"}
        answered = await mine.ask("POST", f"/en/services/{service_id}/reply-to/new", data=data)
        statuses.append(answered.status)
        if answered.status == 303 and answered.headers["Location"].count("-") > 8:
            await mine.ask("POST", answered.headers["Location"], data={"csrf": data["csrf"], "do": "remove"})

    assert statuses == [303] * 20 + [429]
