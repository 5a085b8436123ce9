"""What holds for each page of the table that can be opened without knowing more: words, sizes, what it is made of."""

import re
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from config.database import Database
from relay.site import assets
from tests.harness.browser import Page
from tests.harness.html import read_html
from tests.harness.sampled import sampled
from tests.harness.site import OPENABLE, Visitor, running_site, visitor_of
from tests.harness.untranslated import bracketed, untranslated

FIRST_VIEW, STYLESHEET, SCRIPTS = 60_000, 25_000, 12_000
SOME, OTHERS = sampled(OPENABLE, lambda at: at % 2 == 0), sampled(OPENABLE, lambda at: at % 2 == 1)
SAME = ("Code", "Documentation", "Message", "Message-ID", "Messages", "Pages", "SMTP", "Service", "Type", "URL")
SAME = (*SAME, "Actions", "Menu", "Version", "Versions")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visitor(database: Database, site_database: Database) -> AsyncIterator[Visitor]:
    async with running_site(database, own=site_database) as site:
        yield await visitor_of(site)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader_of_brackets(database: Database) -> AsyncIterator[Visitor]:
    async with running_site(database, spoken=bracketed(*SAME)) as site:
        yield await visitor_of(site)


async def opened(visitor: Visitor, language: str, path: str) -> Page:
    """Skips the test where there is no page but a file."""
    page = await visitor.open(language, path)
    if not page.headers.get("Content-Type", "").startswith("text/html"):
        pytest.skip("a file")
    if not page.html.lstrip().startswith("<!DOCTYPE"):
        pytest.skip("a piece of a page")
    assert page.status in (200, 404), page.status
    return page


@pytest.mark.parametrize("path", SOME)
async def test_no_page_says_a_word_that_the_catalogue_does_not_have(reader_of_brackets: Visitor, path: str) -> None:
    assert untranslated((await opened(reader_of_brackets, "fr", path)).root) == []


def test_a_word_outside_the_catalogue_is_found() -> None:
    said = "<p>\u27e6Lisez \u27e6ceci\u27e7\u27e7 <a href='x'>\u27e6plus\u27e7</a></p>"
    assert untranslated(read_html(said)) == []
    for wrong in ("<p>Lisez \u27e6ceci\u27e7</p>", "<p>\u27e6a\u27e7<a>plus</a></p>", "<input aria-label='Nom'>"):
        assert untranslated(read_html(wrong)) != [], wrong


@pytest.mark.parametrize("path", OTHERS)
async def test_a_first_view_is_small(visitor: Visitor, path: str) -> None:
    page = await opened(visitor, "fr", path)
    found = [each.attributes["href"] for each in page.root.tagged("link") if each.attributes["rel"] != "alternate"]
    found += [each.attributes["src"] for each in page.root.all() if each.tag in ("script", "img")]
    sizes = {url: len((await visitor.browser.ask("GET", url)).octets) for url in found}

    assert len(page.octets) + sum(sizes.values()) <= FIRST_VIEW, sizes


def test_the_stylesheet_and_the_scripts_are_small() -> None:
    files = {path: path.stat().st_size for path in assets.FOLDER.iterdir()}

    assert sum(size for path, size in files.items() if path.suffix == ".css") <= STYLESHEET
    assert sum(size for path, size in files.items() if path.suffix == ".js") <= SCRIPTS


@pytest.mark.parametrize("path", OTHERS)
async def test_a_page_is_made_as_screen_readers_need_it(visitor: Visitor, path: str) -> None:
    page = await opened(visitor, "en", path)
    levels = [int(each.tag[1]) for each in page.root.all() if re.fullmatch("h[1-6]", each.tag)]
    ids = [each.attributes["id"] for each in page.root.all() if "id" in each.attributes]

    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    assert len({*ids}) == len(ids), "an id stands twice"
    assert page.title.endswith("notify-relay")
    assert page.root.tagged("a")[0].attributes["href"] == "#content"
    for each in page.root.all():
        if each.tag in ("input", "select", "textarea") and each.attributes.get("type") not in ("hidden", "submit"):
            labels = [label.attributes.get("for") for label in page.root.tagged("label")]
            assert each.attributes["id"] in labels
        for name in ("aria-describedby", "aria-labelledby", "for"):
            assert {*each.attributes.get(name, "").split()} <= {*ids}
        if each.tag == "table":
            assert each.tagged("caption")
            assert all("scope" in head.attributes for head in each.tagged("th"))


@pytest.mark.parametrize("path", SOME)
async def test_a_page_has_no_style_or_script_within_and_nothing_from_elsewhere(visitor: Visitor, path: str) -> None:
    for each in (await opened(visitor, "en", path)).root.all():
        assert each.tag != "style"
        assert "style" not in each.attributes
        assert not [name for name in each.attributes if name.startswith("on")]
        assert not each.attributes.get("src", "").startswith(("http", "//", "data:"))
        if each.tag == "script":
            assert each.attributes["src"].startswith("/assets/")
            assert not each.text


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_link_of_a_public_page_leads_somewhere(visitor: Visitor, language: str) -> None:
    seen, waiting = set(), {f"/{language}"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = await visitor.browser.open(path)
        assert page.status == 200, path
        found = {url.partition("#")[0].partition("?")[0] for _, url in page.links if url.startswith(f"/{language}")}
        waiting |= found - seen
        assert len(seen) < 200

    public = {f"/{language}/{path}".rstrip("/") for path in OPENABLE if path in _public()}
    assert public - seen <= {f"/{language}/contact/sent"}


def _public() -> set[str]:
    from relay.site.public import activity, contact, pages

    return {route.path for room in (activity, contact, pages) for route in room.ROUTES}
