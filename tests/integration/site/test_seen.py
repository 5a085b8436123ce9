"""What pages look like to people who see little, or have a small window: WCAG 2.2 AA, light, dark, forced colours.

At 200 % a window of 1,280 pixels has 640, at 400 % 320; and letters alone twice as large, as a browser's setting makes
them. Every page of the table in both languages where CI runs the whole set; else a few that differ in what they are
made of. A form with errors is one of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from relay.site.navigation import SERVICE
from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.furnished import Furnished, furnished
from tests.harness.sampled import IS_WHOLE
from tests.harness.site import RunningSite

SAMPLE = ("/fr/contact",)
KEYS = "services/{service_id}/keys"
ZOOMED = ("200%", "400%", "letters")
MAX_LINE_CHARACTERS = 90


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(site: RunningSite) -> AsyncIterator[Furnished]:
    if problem := missing():
        skip_or_fail(f"PAGES NOT LOOKED AT: {problem}")
    yield await furnished(site)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reports(site: RunningSite, here: Furnished) -> list[dict[str, Any]]:
    await here.browser.open("/en/contact")
    await here.browser.press("Send your message")  # its draft is shown with its errors from now on
    every = [here.path(language, path) for path in here.pages for language in ("en", "fr")]
    sample = (*SAMPLE, here.path("fr", KEYS))
    asked = [*(every if IS_WHOLE else sample), "/en/nothing"]
    cookies = list(here.browser.cookies.items())
    lines = "".join(json.dumps({"url": site.url.rstrip("/") + path, "cookies": cookies}) + "\n" for path in asked)
    node = await asyncio.create_subprocess_exec(
        "node", NODE / "pages.cjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(node.communicate(lines.encode()), 1500)
    found = [json.loads(line) for line in printed.splitlines()]
    assert len(found) == len(asked)
    return found


async def test_axe_finds_nothing(reports: list[dict[str, Any]]) -> None:
    assert {each["url"]: each["axe"] for each in reports if each["axe"]} == {}


async def test_everything_fits_from_320_to_1600_pixels(reports: list[dict[str, Any]]) -> None:
    found = {(each["url"], width): seen["wide"] for each in reports for width, seen in each["widths"].items()}
    assert {place: wide for place, wide in found.items() if wide} == {}


async def test_nothing_is_lost_at_200_and_400_percent(reports: list[dict[str, Any]]) -> None:
    found = {(each["url"], how): each["zoomed"][how] for each in reports for how in ZOOMED}
    assert {place: seen["lost"] for place, seen in found.items() if seen["lost"]} == {}
    assert {seen["letters"] for (_, how), seen in found.items() if how == "letters"} == {
        36
    }  # pixels: twice those of 18


async def test_lines_can_be_read(reports: list[dict[str, Any]]) -> None:
    longest = {each["url"]: max(seen["longest"] for seen in each["widths"].values()) for each in reports}
    assert {url: length for url, length in longest.items() if length > MAX_LINE_CHARACTERS} == {}


async def test_keyboard_skips_to_the_content(reports: list[dict[str, Any]]) -> None:
    skipping = {"href": "#content", "next": True, "seen": True}
    others = {each["url"]: each["keys"] for each in reports if each["keys"] != skipping}
    assert [url for url in others if not url.endswith("/contact")] == []  # there the errors come first


async def test_a_services_navigation_stands_behind_a_menu_where_there_is_little_room(
    reports: list[dict[str, Any]], here: Furnished
) -> None:
    found = {each["url"]: each["menu"] for each in reports}
    pages = len(SERVICE)
    menu = found[next(url for url in found if url.endswith(here.path("fr", KEYS)))]
    assert menu == {"words": "Menu Clés", "closed": 0, "open": pages, "wide": pages, "stays": False}


async def test_nothing_is_blocked_or_missing(reports: list[dict[str, Any]]) -> None:
    told = [each for report in reports for each in report["complaints"] if "404" not in each]
    assert told == []
