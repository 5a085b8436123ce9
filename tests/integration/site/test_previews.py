"""A service sees what would become of a product's email: before and after, and why, without sending it."""

import asyncio
import io
from collections.abc import AsyncIterator

import aiohttp
import pytest

from auth import services
from auth.people.permissions import Permission
from delivery.store.base import Search
from relay.site.previews.page import PATH
from tests.harness.browser import Page
from tests.harness.site import RunningSite
from tests.harness.team import Team, team

FILE, KEY = "Email file (.eml)", "As the key"
MAIL = (
    b"From: Device <printer@office.example>\r\nTo: reader@example.org\r\nSubject: Scan\r\nX-Mailer: Scanner 3\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Your <b>scan</b> is ready</p>\r\n"
)


async def developer(site: RunningSite) -> Team:
    mine = await team(site, Permission.MANAGE_API_KEYS)
    async with site.database.write() as connection:
        await services.update(connection, site.site.settings.limits, mine.service.id, live=True)
    return mine


async def preview(mine: Team, octets: bytes, language: str = "en", **values: str) -> Page:
    await mine.page("preview", language)
    return await mine.browser.press(
        "Preview" if language == "en" else "Voir l'aperçu", {FILE: ("a.eml", octets), **values}
    )


def frames(page: Page) -> dict[str, str]:
    return {each.attributes["title"]: each.attributes["srcdoc"] for each in page.root.tagged("iframe")}


async def test_a_letter_is_shown_before_and_after_in_both_branding_languages(site: RunningSite) -> None:
    mine = await developer(site)

    page = await preview(mine, MAIL)

    shown = frames(page)
    assert list(shown) == ["Before", "After, branded in English", "After, branded in French"]
    assert shown["Before"].strip() == "<p>Your <b>scan</b> is ready</p>"
    assert all("<b>scan</b>" in html for html in shown.values())
    assert len(set(shown.values())) == 3
    assert "It would be accepted" in page.text
    for words in ("x-mailer", "from", "Licences"):
        assert words in page.text
    assert await site.store.searching.find(Search(service_id=mine.service.id), 1) == []


async def test_a_refusal_is_said_with_its_cause_and_cure(site: RunningSite) -> None:
    mine = await team(site, Permission.MANAGE_API_KEYS)  # in trial

    page = await preview(mine, MAIL)

    assert "It would be refused" in page.text
    assert "550 5.7.1" in page.text


async def test_without_a_file_the_form_says_so(site: RunningSite) -> None:
    mine = await developer(site)
    await mine.page("preview")

    assert (await mine.browser.press("Preview")).errors == ["Choose the file of an email"]


async def test_asvs_5_4_1_nobody_looks_at_the_name_of_a_file(site: RunningSite) -> None:
    mine = await developer(site)
    await mine.page("preview")
    page = await mine.browser.press("Preview", {FILE: ("../../<b>passwd</b>.exe", MAIL)})
    assert not page.errors
    assert "passwd" not in page.html


@pytest.mark.parametrize("octets", [b"\0" * 10, b"no header at all", b"\xff\xfe", b"From: a\r\n\r\n", b": \r\n\r\n"])
async def test_asvs_5_2_2_what_is_no_email_breaks_nothing(site: RunningSite, octets: bytes) -> None:
    assert (await preview(await developer(site), octets)).status == 200


async def test_a_hostile_letter_stands_in_a_frame_where_nothing_runs(site: RunningSite) -> None:
    mine = await developer(site)
    hostile = MAIL.replace(b"Subject: Scan", b"Subject: </pre><script>alert(1)</script>").replace(
        b"<b>scan</b>", b"<script>alert(2)</script><img src=x onerror=alert(3)>\"'>"
    )

    page = await preview(mine, hostile)

    assert page.status == 200
    assert (page.root.at("content").tagged("script"), page.root.at("content").tagged("img")) == ([], [])
    assert {each.attributes["sandbox"] for each in page.root.tagged("iframe")} == {""}
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "script-src 'self' 'unsafe" not in policy


async def test_asvs_5_2_1_a_file_beyond_the_bound_is_refused_before_it_is_read(site: RunningSite) -> None:
    mine = await developer(site)
    path = f"/en/{PATH.format(service_id=mine.service.id)}"

    answer = await mine.browser.ask(
        "POST", path, data=io.BytesIO(b"x" * (26 * 1024 * 1024)), headers={"Content-Type": "x/y"}
    )

    assert answer.status == 413


async def test_a_stranger_s_file_is_not_read_at_all(site: RunningSite) -> None:
    mine, stranger = await developer(site), await site.signed_in()
    path = f"/en/{PATH.format(service_id=mine.service.id)}"
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "20000000"}

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(3600)

    async with asyncio.timeout(30):
        answer = await stranger.ask("POST", path, data=endless(), headers=headers)

    assert answer.status == 404


async def test_who_manages_no_keys_finds_no_preview(site: RunningSite) -> None:
    assert (await (await team(site, Permission.VIEW_ACTIVITY)).page("preview")).status == 404


async def test_a_key_of_another_service_is_as_one_that_is_none(site: RunningSite) -> None:
    mine, theirs = await developer(site), await developer(site)
    await mine.page("preview")

    for key in (str(theirs.key.id), theirs.key.smtp_username, "nobody"):
        page = await mine.page("preview")
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("csrf", page.token)
        form.add_field("key", key)
        form.add_field("message", MAIL, filename="a.eml")
        assert (await mine.browser.ask("POST", page.url, data=form)).status == 404


async def test_what_was_wrong_before_is_not_said_of_a_file_that_was_read(site: RunningSite) -> None:
    """The page of what it found answers the form itself, and shows it as it was sent."""
    found = await team(site, Permission.MANAGE_API_KEYS)
    await found.page("preview")
    assert (await found.browser.press("Preview")).errors == ["Choose the file of an email"]

    page = await found.browser.press("Preview", {"Email file (.eml)": ("a.eml", MAIL), "Recipients": "a@example.org"})

    assert page.errors == []
    assert page.value("Recipients") == "a@example.org"
