"""The pages of one key, as those that need nothing more: in words of the catalogue, seen narrow and wide."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest_asyncio

from auth import keys, services
from auth.people.permissions import Permission
from auth.watches import Step, Watches
from config.database import Database
from messages.message import KeyType, new_id
from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.browser import Browser
from tests.harness.sampled import IS_WHOLE
from tests.harness.site import DOMAIN, Person, RunningSite, running_site
from tests.harness.untranslated import bracketed, untranslated

SAME = ("Administration", "Documentation", "Menu", "Messages", "Pages", "Port", "Service", "Type")
PAGES = ("", "/rotate", "/revoke", "/made", "/smtp", "/smtp/moodle")
# In words of docs/clients.fr.md, and of more.toml.
DOCUMENTED = ("/smtp/postfix", "/smtp/multifunction-printers-and-other-devices", "/smtp/xerox-workcentre")


async def of_a_key(site: RunningSite) -> tuple[Browser, str]:
    """A browser, and the path of a key that did each of what a door tells of."""
    limits, now = site.site.settings.limits, site.clock()
    async with site.database.write() as connection:
        service = await services.create(
            connection, limits, now, name="007", email_from=new_id(now, bytes(10)).hex, domain=DOMAIN, live=True
        )
        issued = await keys.create(
            connection, site.site.secret, limits, service, now, name="007", type=KeyType.TEAM, expires_at=now + 86400
        )
    person = Person(name="007")
    site.people.members[person.id, service.id] = frozenset({Permission.MANAGE_API_KEYS})
    browser, path = await site.signed_in(person), f"services/{service.id}/keys/{issued.key.id}"
    await browser.open(f"/fr/{path}/smtp")
    door = Watches(site.database, site.clock, default_domain=DOMAIN)
    await door.share()
    watch = door.of(issued.key.smtp_username)
    assert watch is not None
    told = {"network": "192.0.2.0/24", "listener": "devices", "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384"}
    told |= {"domain": "", "group_id": str(issued.key.id), "reply": "service-held"}
    for number, step in enumerate(Step):
        door.note(watch, issued.key.id, number, step, {**told, "recipients": 2, "values": {}}, 0)
    await door.share()
    return browser, path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bracketing(database: Database) -> AsyncIterator[RunningSite]:
    async with running_site(database, spoken=bracketed(*SAME)) as site:
        yield site


async def test_no_page_says_a_word_that_the_catalogue_does_not_have(bracketing: RunningSite) -> None:
    browser, path = await of_a_key(bracketing)
    for rest in PAGES:
        page = await browser.open(f"/fr/{path}{rest}")
        assert page.status == 200
        assert untranslated(page.root) == [], rest


async def test_axe_finds_nothing_and_everything_fits_from_320_to_1600_pixels(site: RunningSite) -> None:
    if problem := missing():
        skip_or_fail(f"PAGES NOT LOOKED AT: {problem}")
    browser, path = await of_a_key(site)
    cookies = list(browser.cookies.items())
    every = [f"/{language}/{path}{rest}" for language in ("en", "fr") for rest in (*PAGES, *DOCUMENTED)]
    chosen = every if IS_WHOLE else [f"/fr/{path}/smtp/moodle"]
    asked = [f"{browser.url}{each}" for each in chosen]
    lines = "".join(json.dumps({"url": url, "cookies": cookies}) + "\n" for url in asked)
    node = await asyncio.create_subprocess_exec(
        "node", NODE / "pages.cjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(node.communicate(lines.encode()), 600)
    found = [json.loads(line) for line in printed.splitlines()]
    assert len(found) == len(asked)
    assert {each["url"]: each["axe"] for each in found if each["axe"]} == {}
    wide = {(each["url"], width): seen["wide"] for each in found for width, seen in each["widths"].items()}
    assert {place: what for place, what in wide.items() if what} == {}
