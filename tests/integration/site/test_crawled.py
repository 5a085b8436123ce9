"""Every page that links lead to, for each kind of person: whole, ours, and told to browsers as it should be.

And every form of them, filled with what nobody should send: nothing breaks, and nothing comes back as more than text.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import pytest_asyncio

from auth.audit import Actor
from auth.people.permissions import Permission
from config.database import Database
from config.keyring import Keyring
from messages.message import Channel
from relay.actions import callbacks, guests, services, templates
from relay.actions.transaction import Transaction
from tests.harness.browser import Browser, Page
from tests.harness.html import Element
from tests.harness.sampled import IS_WHOLE
from tests.harness.site import Person, RunningSite
from tests.harness.team import Team, team

ON_POSTGRESQL = True
CLERK = Actor("operator", "clerk")
HTML = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}((x))"
VALUES = (
    "",
    "x" * 3000,
    "\0",
    "\u202eevil\u2066\u200b",
    "\U0001f9d1\u200d\U0001f680e\u0301",
    HTML,
    "a\r\nBcc: b@c.example",
)
TYPED = VALUES if IS_WHOLE else ("\0", HTML)
LASTING = ("sign-out", "account/deactivate", "account/sessions", "account/password", "account/email")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_LEAK = re.compile(r"@|[?&](?:csrf|code|password|token|secret)=", re.IGNORECASE)


@dataclass
class Crawl:
    browser: Browser
    pages: dict[str, Page] = field(default_factory=dict)  # by path, what differs by an id alone once

    async def from_(self, *starts: str) -> "Crawl":
        waiting = deque(starts)
        while waiting:
            path = waiting.popleft()
            shape = _IDS.sub("*", path.partition("?")[0]) + ("?" if "?" in path else "")
            if shape in self.pages or path.startswith("/assets/"):
                continue
            page = self.pages[shape] = await self.browser.open(path)
            assert page.status < 400, f"{path}: {page.status}"
            if "text/html" in page.headers.get("Content-Type", ""):
                waiting.extend(_own(page))
        return self

    def html(self) -> Iterator[Page]:
        return (page for page in self.pages.values() if page.root.all() and page.root.tagged("h1"))


def _own(page: Page) -> Iterator[str]:
    for name, tags in (("href", ("a", "link")), ("src", ("script", "img", "iframe"))):
        for each in (found for tag in tags for found in page.root.tagged(tag)):
            to = urljoin(page.url, each.attributes.get(name, ""))
            if to.startswith("/") and not to.endswith("/live"):
                yield to.partition("#")[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mine(site: RunningSite, database: Database) -> Team:
    """A team that has something on every page."""
    async with database.write() as connection:
        sealing = Keyring.parse(Keyring.generate())
        t = Transaction(connection, site.site.settings, site.site.secret, sealing, CLERK, site.clock())
        await services.ensure_own(t)
    made = await team(site, *Permission)
    named = str(made.service.id)
    async with site.writing(CLERK) as t:
        for channel, subject in ((Channel.EMAIL, "s"), (Channel.SMS, None)):
            await templates.create(t, named, channel=channel, name=HTML, subject=subject, body="((x)) " + HTML)
        await callbacks.put(t, named, url="https://receiver.example.ca/", bearer_token="a-token-of-theirs")
        await guests.add(t, made.service, "guest@example.org")
    await made.sent()
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crawls(site: RunningSite, mine: Team) -> dict[str, Crawl]:
    operator = Person(operator=True)
    site.people.members[operator.id, mine.service.id] = frozenset(Permission)
    home = f"services/{mine.service.id}"
    return {
        "nobody": await Crawl(await site.browser()).from_("/en", "/fr", "/en/sitemap"),
        "a member": await Crawl(mine.browser).from_(
            "/en", "/en/services", "/en/account", f"/fr/{home}/templates", f"/en/{home}/templates"
        ),
        "an operator": await Crawl(await site.signed_in(operator)).from_(
            "/en", "/en/approvals", f"/en/{home}/settings"
        ),
    }


WHO = ("nobody", "a member", "an operator")


@pytest.mark.parametrize("who", WHO)
async def test_every_link_leads_somewhere_and_every_answer_has_its_headers(crawls: dict[str, Crawl], who: str) -> None:
    pages = crawls[who].pages
    assert len(pages) > (20 if who == "nobody" else 50)
    for path, page in pages.items():
        for name, value in HEADERS.items():
            assert page.headers.get(name) == value, path
        assert "default-src 'none'" in page.headers["Content-Security-Policy"], path
        assert page.headers["Cache-Control"] == "no-store", path


@pytest.mark.parametrize("who", WHO)
async def test_nothing_comes_from_elsewhere_and_no_address_tells_a_secret(crawls: dict[str, Crawl], who: str) -> None:
    crawl = crawls[who]
    secrets = [*crawl.browser.cookies.values()]
    for page in crawl.html():
        _check_whole(page)
        for each in page.root.all():
            for name in ("href", "src", "action", "formaction"):
                url = each.attributes.get(name, "")
                assert not any(secret in url for secret in secrets)
                if not url.startswith("mailto:"):
                    assert not _LEAK.search(unquote(url)), f"{page.url}: {url}"


def _check_whole(page: Page) -> None:
    """No script, style or handler but ours."""
    for each in page.root.all():
        assert not [name for name in each.attributes if name.startswith("on")], page.url
        source = each.attributes.get("src", "")
        assert not source or urlsplit(source).netloc == "", f"{page.url}: {source}"
        assert each.tag != "script" or source.startswith("/assets/"), page.url
        assert each.tag != "style", page.url
        assert not each.attributes.get("href", "").lower().startswith(("javascript:", "data:")), page.url


def _fields(form: Element) -> Iterator[Element]:
    for each in form.all():
        if each.tag in ("input", "textarea", "select", "button") and each.attributes.get("name"):
            yield each


def _sent(form: Element, value: str) -> dict[str, str]:
    """As a browser sends it untouched, and the hostile value where something can be typed or chosen."""
    fixed = ("hidden", "radio", "checkbox")
    return {
        each.attributes["name"]: each.attributes.get("value", "on")
        if each.attributes["name"] == "csrf" or (each.attributes.get("type") in fixed and value not in ("\0", HTML))
        else value
        for each in _fields(form)
        if each.tag != "button"
    }


@pytest.mark.parametrize("who", WHO)
async def test_no_form_is_broken_by_what_is_typed(site: RunningSite, crawls: dict[str, Crawl], who: str) -> None:
    crawl, forms = crawls[who], 0
    pages = [
        page for page in crawl.html() if page.url.startswith("/en") and not any(each in page.url for each in LASTING)
    ]
    for page in pages:
        for form in page.forms():
            if form.attributes.get("method", "get").lower() != "post":
                continue
            action = urljoin(page.url, form.attributes.get("action") or page.url)
            if any(each in action for each in (*LASTING, "revoke", "remove", "hold")):
                continue
            forms += 1
            for value in TYPED:
                site.clock.ahead_seconds += 30
                answered = await crawl.browser.ask("POST", action, data=_sent(form, value))
                assert answered.status in (200, 303, 400, 403, 404, 413, 429), (
                    f"{action} {value[:20]!r}: {answered.status}"
                )
                assert value != "\0" or answered.status in (400, 303, 404), action
                assert not re.search(r"[\r\n]", answered.headers.get("Location", ""))
                if answered.status == 303 and value == HTML:
                    shown = await crawl.browser.open(urljoin(action, answered.headers["Location"]))
                    assert shown.status < 500, action
                    if shown.root.all():
                        _check_whole(shown)
    assert forms > (4 if who == "nobody" else 21)
