"""What the pages look like to people who see little, or have a small window: WCAG 2.2 AA, light, dark and by keyboard.

Every page in both languages where CI runs the whole set; else one of those that are made of most.
"""

import json
import re
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest
import requests

from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.html import read_html
from tests.harness.relay import Relay
from tests.harness.sampled import IS_WHOLE

SAMPLE = ["/docs/send_email?lang=fr"]
MAX_LINE_CHARACTERS = 85  # of prose; most stay under 80
BAD = (
    "data:text/html,<!DOCTYPE html><html><body><main><p style='width:2000px;color:%23aaa'>"
    + "a long line " * 30
    + "</p></main><button>first</button></body></html>"
)


def look_at(urls: Iterable[str]) -> list[dict[str, Any]]:
    asked = "".join(json.dumps({"url": url}) + "\n" for url in urls)
    done = subprocess.run(
        ["node", NODE / "pages.cjs"], input=asked, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def every_path(url: str) -> list[str]:
    paths: list[str] = []
    for language in ("en", "fr"):
        contents = read_html(requests.get(f"{url}/docs?lang={language}", timeout=60).text)
        # Without the places within them: the keyboard would begin there.
        found = {each.attributes["href"].partition("#")[0] for each in contents.tagged("a")}
        paths += sorted(found - {"/openapi.json"})
    return [path for path in paths if path.startswith("/")]


@pytest.fixture(scope="module")
def reports(relay: Relay) -> list[dict[str, Any]]:
    if problem := missing():
        skip_or_fail(f"PAGES NOT LOOKED AT: {problem}")
    url = f"http://127.0.0.1:{relay.http_port}"
    paths = every_path(url) if IS_WHOLE else SAMPLE
    return look_at([*(url + path for path in paths), BAD])


def test_axe_finds_nothing_in_light_or_dark(reports: list[dict[str, Any]]) -> None:
    assert {each["url"]: each["axe"] for each in reports[:-1] if each["axe"]} == {}


def test_everything_fits_from_320_to_1600_pixels(reports: list[dict[str, Any]]) -> None:
    found = {(each["url"], width): seen["wide"] for each in reports[:-1] for width, seen in each["widths"].items()}
    assert len(found) >= len(SAMPLE) * 4
    assert {place: wide for place, wide in found.items() if wide} == {}


def test_lines_can_be_read(reports: list[dict[str, Any]]) -> None:
    longest = {each["url"]: max(seen["longest"] for seen in each["widths"].values()) for each in reports[:-1]}
    assert max(longest.values()) > 60
    assert {url: length for url, length in longest.items() if length > MAX_LINE_CHARACTERS} == {}


def test_keyboard_skips_to_the_content(reports: list[dict[str, Any]]) -> None:
    assert {json.dumps(each["keys"], sort_keys=True) for each in reports[:-1]} == {
        '{"href": "#content", "next": true, "seen": true}'
    }


def test_nothing_is_blocked_or_missing(reports: list[dict[str, Any]]) -> None:
    """No page asks for what its own policy forbids. A browser asks for a favicon of itself."""
    told = [each for report in reports[:-1] for each in report["complaints"] if not re.search("404", each)]
    assert told == []


def test_a_bad_page_is_found_out(reports: list[dict[str, Any]]) -> None:
    """What is asked of the others can be failed."""
    bad = reports[-1]
    assert {each.partition(":")[0] for each in bad["axe"]} >= {"color-contrast", "html-has-lang"}
    assert bad["widths"]["375"]["wide"][0] == "the page scrolls sideways"
    assert bad["widths"]["1600"]["longest"] > MAX_LINE_CHARACTERS
    assert bad["keys"]["href"] != "#content"
    assert not bad["keys"]["next"]
