"""A service sets where it is told what became of its messages, tries that, and sees what its receiver answered."""

import base64
import os
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from auth import notices
from auth.audit import audit
from auth.notices import Kind, Notice
from auth.people.permissions import Permission
from delivery.store.tables import callback_urls, callbacks
from messages.message import new_id
from tests.fakes.receiver import CUT, Receiver, Reply
from tests.harness.browser import Page
from tests.harness.site import RunningSite
from tests.harness.team import Team, team

TOKEN = "a-token-of-theirs"
STATUS = "callbacks/delivery-status"


async def manager(site: RunningSite) -> Team:
    return await team(site, Permission.MANAGE_API_KEYS, Permission.VIEW_ACTIVITY)


async def set_to(mine: Team, url: str, token: str = TOKEN) -> Page:
    await mine.page(STATUS)
    return await mine.browser.press("Save", {"URL": url, "Bearer token": token})


async def fail(site: RunningSite, mine: Team, *, told: bool) -> None:
    """The URL is suspended, and the owner perhaps told."""
    now = site.clock()
    failing = {"failing_since": now - 90_000, "failed_as": "http-503", "suspended_at": now, "probe_at": now + 60}
    said = {
        "type": "delivery-status",
        "change": "suspended",
        "host": "h",
        "failing_since": now,
        "failed_as": "http-503",
    }
    noted = Notice(Kind.CALLBACK, uuid4().hex, mine.service.id, said, now)
    async with site.database.write() as connection:
        mine_only = callback_urls.c.service_id == mine.service.id
        await connection.execute(update(callback_urls).where(mine_only).values(failing))
        await connection.run_sync(notices.note, [noted])
        if told:
            await notices.end(connection, noted, now, uuid4())


async def called(site: RunningSite, mine: Team, **values: Any) -> None:
    now = site.clock()
    row = {"service_id": mine.service.id, "kind": "delivery-status", "status": "delivered", "position": 1, "at": now}
    call = {"attempts": 1, "called_at": now, "seconds": 0.25, "http_status": 200, "outcome": "done", "ended_at": now}
    async with site.database.write() as connection:
        await connection.execute(insert(callbacks).values(id=new_id(now, os.urandom(10)), **{**row, **call, **values}))


async def test_a_callback_is_set_and_its_secret_shown_this_once(site: RunningSite) -> None:
    mine = await manager(site)
    assert "Not set" in (await mine.page("callbacks")).text

    made = await set_to(mine, "https://receiver.example.ca/notify")

    (secret,) = made.root.tagged("code")
    assert len(base64.b64decode(secret.text)) == 32
    again = await mine.page(STATUS)
    assert again.value("URL") == "https://receiver.example.ca/notify"
    assert secret.text not in again.html
    assert TOKEN not in again.html
    assert "receiver.example.ca" in (await mine.page("callbacks")).text
    async with site.database.read() as connection:
        counted = select(func.count()).where(audit.c.service_id == mine.service.id, audit.c.actor_kind == "user")
        assert await connection.scalar(counted) == 1


@pytest.mark.parametrize(
    ("url", "token", "error"),
    [
        ("", TOKEN, "Enter the URL"),
        ("https://receiver.example.ca/", "", "Enter the bearer token"),
        ("https://receiver.example.ca/", "short", "A bearer token has 10 to 1000 printable ASCII characters"),
        ("ftp://receiver.example.ca/", TOKEN, "Write the URL as https://host/path"),
        ("https://user@receiver.example.ca/", TOKEN, "Write the URL as https://host/path"),
        ("javascript:alert(1)", TOKEN, "Write the URL as https://host/path"),
    ],
)
async def test_what_is_wrong_is_said_and_the_url_kept(site: RunningSite, url: str, token: str, error: str) -> None:
    mine = await manager(site)

    page = await set_to(mine, url, token)

    assert page.errors[0].startswith(error)
    assert page.value("URL") == url
    assert not token or token not in page.html
    assert "Not set" in (await mine.page("callbacks")).text


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(204), "Your receiver answered with HTTP status 204"),
        (Reply(404), "It should answer with 2xx."),
        (CUT, "Your receiver could not be asked: it could not be reached, or ended the connection"),
    ],
)
async def test_a_test_event_shows_what_the_receiver_answered(site: RunningSite, reply: Reply, words: str) -> None:
    mine = await manager(site)
    async with Receiver([reply]) as receiver:
        await set_to(mine, receiver.url)
        await mine.page(STATUS)

        page = await mine.browser.press("Send a test event")

    assert words in page.notice
    (told,) = receiver.told
    assert told.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_the_last_calls_are_listed_with_answer_and_time(site: RunningSite) -> None:
    mine = await manager(site)
    sent = await mine.sent()
    await called(site, mine, message_id=sent.id)
    await called(site, mine, outcome="failed http-404", http_status=404, attempts=3)
    await called(site, mine, outcome="deferred timeout", http_status=None, seconds=5.0, available_at=site.clock() + 60)

    page = await mine.page("callbacks")

    for words in ("Received", "200", "0.25", "Failed", "404", "Will be called again", "no answer came in time"):
        assert words in page.text, words
    assert len([each for each in page.root.tagged("th") if each.attributes["scope"] == "row"]) == 3
    assert any(url.endswith(f"messages/{sent.id}") for _, url in page.links)


async def test_a_suspended_callback_says_so_who_was_told_and_is_resumed(site: RunningSite) -> None:
    mine = await manager(site)
    await set_to(mine, "https://receiver.example.ca/notify")
    await fail(site, mine, told=True)

    page = await mine.page(STATUS)
    assert "it answered with HTTP status 503" in page.text
    assert "was told of it by email" in page.text
    assert "Suspended" in (await mine.page("callbacks")).text
    await mine.page(STATUS)
    resumed = await mine.browser.press("Resume the callback")

    assert resumed.notice == "The callback is resumed: what waited is called now."
    assert "Works" in resumed.text


async def test_it_is_removed_after_a_question(site: RunningSite) -> None:
    mine = await manager(site)
    await set_to(mine, "https://receiver.example.ca/notify")
    await mine.page(STATUS)

    await mine.browser.follow("Remove this callback")
    page = await mine.browser.press("Remove this callback")

    assert page.notice == "The callback is removed."
    assert (await mine.page(f"{STATUS}/remove")).status == 404


@pytest.mark.parametrize("path", ["callbacks/nothing", "callbacks/nothing/remove"])
async def test_a_kind_that_is_none_is_missing(site: RunningSite, path: str) -> None:
    assert (await (await manager(site)).page(path)).status == 404


async def test_who_may_only_view_activity_finds_no_callbacks(site: RunningSite) -> None:
    viewer = await team(site, Permission.VIEW_ACTIVITY)

    for path in ("callbacks", STATUS):
        assert (await viewer.page(path)).status == 404


async def test_hostile_values_are_harmless(site: RunningSite) -> None:
    mine = await manager(site)
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    await called(site, mine, outcome=f"failed {hostile}", kind="complaint")
    await set_to(mine, f"https://receiver.example.ca/{hostile}")

    for path in ("callbacks", STATUS):
        page = await mine.page(path)
        assert page.status == 200
        assert (page.root.at("content").tagged("script"), page.root.at("content").tagged("img")) == ([], [])
