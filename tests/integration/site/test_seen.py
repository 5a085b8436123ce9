"""What pages look like to people who see little, or have a small window: WCAG 2.2 AA, light, dark, forced colours.

At 400 % a window of 1,280 pixels has 320. Every page of the table in both languages where CI runs the whole set; else a
few that differ in what they are made of. A form with errors is one of them.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.site import OPENABLE, RunningSite, Visitor, visitor_of

SAMPLE = ("/en", "/fr/contact", "/en/activity")
MAX_LINE_CHARACTERS = 90


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visitor(site: RunningSite) -> AsyncIterator[Visitor]:
    if problem := missing():
        skip_or_fail(f"PAGES NOT LOOKED AT: {problem}")
    yield await visitor_of(site)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reports(visitor: Visitor) -> list[dict[str, Any]]:
    await visitor.open("en", "contact")
    await visitor.browser.press("Send your message")  # its draft is shown with its errors from now on
    every = (visitor.path(language, path) for path in OPENABLE for language in ("en", "fr") if "csv" not in path)
    asked = [*(every if os.environ.get("RELAY_TESTS_WHOLE") else SAMPLE), "/en/nothing"]
    cookies = list(visitor.browser.cookies.items())
    lines = "".join(json.dumps({"url": visitor.browser.url + path, "cookies": cookies}) + "\n" for path in asked)
    node = await asyncio.create_subprocess_exec(
        "node", NODE / "pages.cjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(node.communicate(lines.encode()), 600)
    found = [json.loads(line) for line in printed.splitlines()]
    assert len(found) == len(asked)
    return found


async def test_axe_finds_nothing(reports: list[dict[str, Any]]) -> None:
    assert {each["url"]: each["axe"] for each in reports if each["axe"]} == {}


async def test_everything_fits_from_320_to_1600_pixels(reports: list[dict[str, Any]]) -> None:
    found = {(each["url"], width): seen["wide"] for each in reports for width, seen in each["widths"].items()}
    assert {place: wide for place, wide in found.items() if wide} == {}


async def test_lines_can_be_read(reports: list[dict[str, Any]]) -> None:
    longest = {each["url"]: max(seen["longest"] for seen in each["widths"].values()) for each in reports}
    assert {url: length for url, length in longest.items() if length > MAX_LINE_CHARACTERS} == {}


async def test_keyboard_skips_to_the_content(reports: list[dict[str, Any]]) -> None:
    keys = [each["keys"] for each in reports if not each["url"].endswith("/contact")]  # there the errors come first
    assert {json.dumps(each, sort_keys=True) for each in keys} == {'{"href": "#content", "next": true, "seen": true}'}


async def test_nothing_is_blocked_or_missing(reports: list[dict[str, Any]]) -> None:
    told = [each for report in reports for each in report["complaints"] if "404" not in each]
    assert [each for each in told if not each.endswith("/live")] == []  # a stream ends with its page
