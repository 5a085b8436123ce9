"""The main pages as a screen reader tells them, in both languages: golden files, read by people before they are kept.

RELAY_TESTS_HEARD=write writes them anew. What differs from one run to the next (ids, moments) has one form in them.
"""

import asyncio
import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from auth.fiscal_year import TIME_ZONE
from messages.message import Language
from relay.site.routes import ROUTES
from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.furnished import furnished
from tests.harness.site import RunningSite
from tests.harness.words import words

GOLDEN = Path(__file__).parents[2] / "data/heard"
PAGES = {
    "start": "",
    "sign-in": "sign-in",
    "services": "services",
    "dashboard": "services/{service_id}",
    "activity": "services/{service_id}/activity",
    "message": "services/{service_id}/messages/{message_id}",
    "keys": "services/{service_id}/keys",
    "smtp": "services/{service_id}/keys/{key_id}/smtp/{product}",
    "template": "services/{service_id}/templates/{template_id}/edit",
    "check": "services/{service_id}/send/{template_id}/check",
}
_CHANGING = (
    (r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "ID"),
    (r"\b(January|February|March|April|May|June|July|August|September|October|November|December) \d+, \d{4}", "DAY"),
    (
        r"\b(1er|\d+) (janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre) \d{4}",
        "DAY",
    ),
    (r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\.? \d+\b", "DAY"),
    (r"\b(1er|\d+) (janv|févr|mars|avr|mai|juin|juill|août|sept|oct|nov|déc)\w*\.?(?!\w)", "DAY"),
    (r"\b\d{1,2}\sh(\s\d\d)?( min( \d\d s)?)?(?!\w)|\b\d{1,2}:\d\d(:\d\d)? [ap]\.m\.", "TIME"),
    (r"\b(EST|EDT|HNE|HAE)\b", "ZONE"),
    (r"localhost:\d+|127\.0\.0\.1:\d+", "HERE"),
    (r"licences-scanners-\w{8}", "USER"),
    (r"\bs[0-9a-f]{8}@", "SERVICE@"),
    (r"\b20\d\d\D20\d\d\b", "YEAR"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(site: RunningSite) -> dict[str, str]:
    if problem := missing():
        skip_or_fail(f"PAGES NOT HEARD: {problem}")
    site.clock.ahead_seconds += _until_noon(site.clock())
    here = await furnished(site)
    signed_in = [*here.browser.cookies.items()]
    asked = []
    for language in Language.EN, Language.FR:
        say = words().translator(language)
        await here.browser.open(here.path(language, "services/{service_id}/send/{template_id}"))
        filled = {say("Email address of the recipient"): "zoe@example.ca", "name": "Zoé"}
        await here.browser.press(say("Continue"), filled)
        for page, path in PAGES.items():
            url = site.url.rstrip("/") + here.path(language, path)
            asked.append({"url": url, "cookies": [] if page in ("start", "sign-in") else signed_in})
    lines = "".join(json.dumps(each) + "\n" for each in asked)
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", NODE / "heard.cjs", stdin=pipe, stdout=pipe, limit=4 << 20)
    printed, _ = await asyncio.wait_for(node.communicate(lines.encode()), 120)
    found = [_settled("\n".join(json.loads(line)["lines"])) for line in printed.splitlines()]
    names = [f"{page}-{language}" for language in ("en", "fr") for page in PAGES]
    return dict(zip(names, found, strict=True))


def _until_noon(now: float) -> float:
    """What was sent a minute ago was sent today, whenever this runs."""
    here = datetime.fromtimestamp(now, ZoneInfo(TIME_ZONE))
    noon = here.replace(hour=12, minute=0, second=0, microsecond=0)
    return (noon + timedelta(days=here >= noon) - here).total_seconds()


def _settled(text: str) -> str:
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text)
    return text + "\n"


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_heard_as_it_was_read(told: dict[str, str], page: str, language: str) -> None:
    golden = GOLDEN / f"{page}-{language}.txt"
    if os.environ.get("RELAY_TESTS_HEARD") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(told[golden.stem])
    assert told[golden.stem] == golden.read_text()


def test_the_main_pages_are_pages_of_the_table() -> None:
    known = {route.path for route in ROUTES if route.method == "GET"}
    assert {*PAGES.values()} <= known
