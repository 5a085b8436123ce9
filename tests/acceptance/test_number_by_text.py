"""A phone number as the second factor, by `serve --demo` and without a browser: added, and signed in with."""

import contextlib
import json
import re
import sqlite3
import time
from collections.abc import Callable

import pytest

from auth.people.codes import AGAIN_SECONDS
from tests.harness.browser import Browser
from tests.harness.relay import Relay

PHONE, PASSWORD = "+16135550142", "quiet harbour lamp seven"
_SECONDS = 60


def code_in(relay: Relay, to: str, seen: set[str]) -> str:
    """That of the newest text or mail to somebody that was not seen before, as it lies in the outbox."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if found := [each for each in codes(relay, to) if each not in seen]:
            seen.add(found[0])
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no code came to {to}")


def codes(relay: Relay, to: str) -> list[str]:
    if "@" in to:
        mails = [content.decode() for _, content in relay.mail_to(to)]
        return [found[1] for mail in mails if (found := re.search(r"^Subject: (\d{6})", mail, re.MULTILINE))]
    texts = [json.loads(path.read_text()) for path in (relay.folder / "var/outbox").glob("*.sms.json")]
    bodies = [each["body"] for each in texts if each["to"] == to]
    return [found[0] for body in bodies if (found := re.search(r"\b\d{6}\b", body))]


def make_older(relay: Relay, seconds: float) -> None:
    """All codes that were sent so far, as if that time had passed."""
    with contextlib.closing(sqlite3.connect(relay.folder / "var/relay.db")) as database, database:
        database.execute("UPDATE codes SET made_at = made_at - ?", [seconds])


@pytest.mark.asyncio
async def test_a_number_is_added_and_its_code_signs_in(make_relay: Callable[..., Relay]) -> None:
    relay = make_relay()
    relay.environment["NOTIFY_RELAY_SITE__PUBLIC_URL"] = f"http://127.0.0.1:{relay.site_port}/"
    relay.start("--demo")
    email, seen = "ann@dept.example", set[str]()
    async with Browser(f"http://127.0.0.1:{relay.site_port}") as browser:
        await browser.open("/en/register")
        typed = {"Full name": "Ann Lee", "Work email address": email, "Password": PASSWORD}
        await browser.press("Continue", {**typed, "I agree to the terms of use": True})
        page = await browser.press("Continue", {"Code": code_in(relay, email, seen)})
        assert page.notice == "Your account is ready."
        await browser.open("/en/account/number")
        await browser.press("Send a code", {"Your new phone number": "613 555 0142"})
        page = await browser.press("Confirm", {"Code": code_in(relay, PHONE, seen)})
        assert page.url == "/en/account"
        assert "613" in page.text
    async with Browser(f"http://127.0.0.1:{relay.site_port}") as browser:
        await browser.open("/en/account/sessions")
        await browser.press("Continue", {"Email address": email, "Password": PASSWORD})
        code_in(relay, email, seen)
        make_older(relay, AGAIN_SECONDS)  # codes go out no faster
        page = await browser.press("Send a code by text message")
        assert page.heading == "Check your phone"
        page = await browser.press("Sign in", {"Code": code_in(relay, PHONE, seen)})
        assert page.url == "/en/account/sessions"
