"""A service reads what it sent: the list with its filters, one recipient's messages, one message, trace."""

import re
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from auth.people import memberships
from auth.people.permissions import Permission
from delivery.store.base import Event, EventKind
from delivery.store.tables import contents
from messages import reply
from messages.message import Channel, ContentKind, Door
from messages.phone import PhoneNumber
from messages.sms.recipe import Recipe
from messages.status import Status
from relay.site.activity.message import POLICY
from tests.harness.browser import Page
from tests.harness.site import RunningSite
from tests.harness.team import Team, team

TEXT = Recipe("Licences", "Your licence is ready").to_json()


async def reader(site: RunningSite, **options: Any) -> Team:
    return await team(site, Permission.VIEW_ACTIVITY, **options)


def listed(page: Page) -> list[str]:
    return [each.text for each in page.root.at("content").tagged("th") if each.attributes["scope"] == "row"]


# -- The list ------------------------------------------------------------------------------------------------------


async def test_messages_are_listed_newest_first_with_their_status_in_words(site: RunningSite) -> None:
    mine = await reader(site)
    await mine.sent(recipient="first@example.org", subject="One")
    failed = await mine.sent(recipient="second@example.org", subject="Two")
    await mine.sent(TEXT, channel=Channel.SMS, recipient=PhoneNumber("+16135550100"), content_kind=ContentKind.TEXT)
    await site.store.settle(failed.id, Status.PERMANENT_FAILURE, site.clock())

    page = await mine.page("activity")
    french = await mine.page("activity", "fr")

    assert listed(page) == ["+16135550100", "second@example.org", "first@example.org"]
    assert "No such address" in page.text
    assert "Adresse inexistante" in french.text or "n'existe pas" in french.text
    assert listed(french) == listed(page)


async def test_tabs_and_filters_narrow_the_list(site: RunningSite) -> None:
    mine = await reader(site)
    done = await mine.sent(recipient="done@example.org", door=Door.HTTP)
    await mine.sent(recipient="waits@example.org", template_id=uuid4())
    await mine.sent(recipient="other@example.org", key_id=uuid4())
    await site.store.settle(done.id, Status.DELIVERED, site.clock())

    await mine.page("activity")
    assert listed(await mine.browser.follow("Delivered")) == ["done@example.org"]
    await mine.page("activity")
    assert listed(await mine.browser.follow("In transit")) == ["other@example.org", "waits@example.org"]
    assert listed(await mine.browser.press("Filter", {"Key": "Case system"})) == ["waits@example.org"]
    await mine.page("activity")
    assert listed(await mine.browser.press("Filter", {"Sent by": "HTTP API"})) == ["done@example.org"]


async def test_pages_follow_each_other_to_the_end(site: RunningSite) -> None:
    mine = await reader(site)
    for number in range(51):
        await mine.sent(recipient=f"r{number}@example.org")

    first = await mine.page("activity?status=in-transit")
    second = await mine.browser.follow("Older")

    assert (len(listed(first)), listed(second)) == (50, ["r0@example.org"])
    assert "status=in-transit" in second.url
    assert listed(await mine.browser.follow("Back to the newest")) == listed(first)


@pytest.mark.parametrize("query", ["older=x", "key=%3Cscript%3E", "status=nothing", "door=back", "channel=letter"])
async def test_what_a_query_says_wrongly_is_as_if_it_said_nothing(site: RunningSite, query: str) -> None:
    mine = await reader(site)
    await mine.sent(recipient="a@example.org")

    assert listed(await mine.page(f"activity?{query}")) == ["a@example.org"]


async def test_a_day_that_is_none_is_said(site: RunningSite) -> None:
    mine = await reader(site)

    assert (await mine.page("activity?since=2026-13-01")).errors == [
        "Enter the date as year-month-day, like 2026-11-29"
    ]
    wrong = await mine.page("activity?since=2026-11-02&until=2026-11-01")
    assert wrong.errors == ["The last day must not be before the first"]
    assert wrong.title.startswith("Error: Activity ")


# -- One recipient -------------------------------------------------------------------------------------------------


async def test_a_recipient_is_found_whole_and_named_by_no_url(site: RunningSite) -> None:
    mine = await reader(site)
    await mine.sent(recipient="Jane.Doe@example.org")
    await mine.sent(recipient="jane.doe@example.org.example")
    await mine.page("activity/recipient")

    found = await mine.browser.press("Search", {"Email address or phone number": "jane.doe@EXAMPLE.org"})

    assert listed(found) == ["Jane.Doe@example.org"]
    assert all("jane" not in hop.lower() and "%40" not in hop for hop in found.hops)
    assert found.value("Email address or phone number") == "jane.doe@EXAMPLE.org"
    none = await mine.browser.press("Search", {"Email address or phone number": "nobody@example.org"})
    assert "sent nothing to this address" in none.text


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("", "Enter an email address or a phone number"),
        (
            "jane",
            "Enter a whole email address, like name@example.ca, or a phone number with its area code",
        ),
    ],
)
async def test_a_recipient_that_is_none_is_said(site: RunningSite, typed: str, error: str) -> None:
    mine = await reader(site)
    await mine.page("activity/recipient")

    assert (await mine.browser.press("Search", {"Email address or phone number": typed})).errors == [error]


async def test_of_another_service_no_recipient_is_found(site: RunningSite) -> None:
    mine, other = await reader(site), await reader(site)
    await other.sent(recipient="jane@example.org")
    await mine.page("activity/recipient")

    found = await mine.browser.press("Search", {"Email address or phone number": "jane@example.org"})

    assert listed(found) == []


# -- One message ---------------------------------------------------------------------------------------------------


async def test_a_message_tells_its_history_and_what_it_says(site: RunningSite) -> None:
    mine = await reader(site)
    sent = await mine.sent(subject="Your licence", reference="case-7")
    bounce = Event(
        uuid4(),
        EventKind.BOUNCE,
        "ses",
        "p-1",
        sent.id,
        None,
        site.clock(),
        Status.PERMANENT_FAILURE,
        "no-email",
        "550 no",
    )
    await site.store.settling.learn([bounce], site.clock())

    page = await mine.page(f"messages/{sent.id}")
    french = await mine.page(f"messages/{sent.id}", "fr")
    content = await mine.page(f"messages/{sent.id}/content")

    assert page.heading == "Your licence"
    for words in (
        "by SMTP, with the key “Case system”",
        "It came back: the address does not exist.",
        "550 no",
        "case-7",
    ):
        assert words in page.text
    assert "Il a été retourné : l'adresse n'existe pas." in french.text
    assert re.search(
        r"sends nothing more to this recipient Since .* 20\d\d, .*: mail came back\. It ends by itself on ", page.text
    )
    assert re.search(r"Depuis le .* 20\d\d, .* : un courriel a été retourné\. Fin automatique le ", french.text)
    assert content.html == "<h1>Your licence is ready</h1>"
    assert content.headers["Content-Security-Policy"] == POLICY


async def test_a_text_is_shown_as_the_phone_shows_it(site: RunningSite) -> None:
    mine = await reader(site)
    number = PhoneNumber("+16135550100")
    sent = await mine.sent(TEXT, channel=Channel.SMS, recipient=number, content_kind=ContentKind.TEXT, billable_units=1)

    assert "Licences: Your licence is ready" in (await mine.page(f"messages/{sent.id}/content")).html


async def test_contents_that_are_gone_or_damaged_are_said(site: RunningSite) -> None:
    mine = await reader(site)
    gone, damaged = await mine.sent(), await mine.sent(b"x", content_kind=ContentKind.RENDERED)
    async with site.database.write() as connection:
        await connection.execute(delete(contents).where(contents.c.id == gone.content_id))

    assert "no longer kept" in (await mine.page(f"messages/{gone.id}")).text
    assert "no longer kept" in (await mine.page(f"messages/{gone.id}/content")).html
    assert "cannot be shown" in (await mine.page(f"messages/{damaged.id}")).text


async def test_a_message_of_another_service_is_as_if_there_were_none(site: RunningSite) -> None:
    mine, other = await reader(site), await reader(site)
    theirs = await other.sent()

    for path in (f"messages/{theirs.id}", f"messages/{theirs.id}/content", f"messages/{uuid4()}", "messages/x"):
        assert (await mine.page(path)).status == 404, path
        assert (await mine.browser.open(f"/en/services/{other.service.id}/{path}")).status == 404, path
    assert (await other.page(f"messages/{theirs.id}")).status == 200


async def test_who_may_not_view_activity_finds_none_of_it(site: RunningSite) -> None:
    sender = await team(site, Permission.SEND_MESSAGES)
    sent = await sender.sent()

    for path in ("activity", "activity/recipient", "trace", f"messages/{sent.id}", f"messages/{sent.id}/content"):
        assert (await sender.page(path)).status == 404, path


# -- Trace ---------------------------------------------------------------------------------------------------------


async def test_what_was_pasted_leads_to_the_message(site: RunningSite) -> None:
    mine, other = await reader(site), await reader(site)
    sent = await mine.sent(recipient="jane@example.org")
    theirs = await other.sent()
    await mine.page("trace")

    found = await mine.browser.press("Trace", {"What you have": f"250 2.0.0 {sent.group_id} queued for 1 recipients"})

    assert listed(found) == ["jane@example.org"]
    assert "Taken for: our reply to the message" in found.text
    assert (
        "None of your services has such a message"
        in (await mine.browser.press("Trace", {"What you have": str(theirs.id)})).text
    )
    refused = await mine.browser.press("Trace", {"What you have": reply.CREDENTIALS_INVALID.format()})
    assert reply.CREDENTIALS_INVALID.cure in refused.text
    assert (await mine.browser.press("Trace", {"What you have": ""})).errors


async def test_trace_looks_in_every_service_whose_activity_they_may_view(site: RunningSite) -> None:
    mine, other, hidden = await reader(site), await reader(site, name="Permits"), await reader(site)
    (person,) = [user for user, service in site.people.members if service == mine.service.id]
    async with site.database.write() as connection:
        now = site.clock()
        await memberships.add(connection, other.service.id, person, {Permission.VIEW_ACTIVITY}, now)
        await memberships.add(connection, hidden.service.id, person, {Permission.SEND_MESSAGES}, now)
    theirs, unseen = await other.sent(recipient="jane@example.org"), await hidden.sent()
    await mine.page("trace")

    found = await mine.browser.press("Trace", {"What you have": str(theirs.id)})

    assert listed(found) == ["jane@example.org"]
    assert "Also of another service of yours: Permits." in found.text
    assert listed(await mine.browser.press("Trace", {"What you have": str(unseen.id)})) == []


# -- Hostile values ------------------------------------------------------------------------------------------------

HOSTILE = (
    "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\r\nX-Injected: 1\x1b[31m\u202egnp.exe"
)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": HOSTILE},
        {"reference": HOSTILE},
        {"original_message_id": f"<{HOSTILE}@x>"},
        {"provider_id": HOSTILE},
        {"recipient": "a'onerror=alert&b@example.org"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_hostile_values_are_harmless_on_every_page(site: RunningSite, changes: dict[str, Any]) -> None:
    mine = await reader(site, name="Licences <b>&amp;")
    sent = await mine.sent(**changes)
    bounce = Event(uuid4(), EventKind.BOUNCE, "ses", "p", sent.id, None, site.clock(), None, "<script>", HOSTILE)
    await site.store.settling.learn([bounce], site.clock())

    for path in ("activity", f"messages/{sent.id}"):
        _is_harmless(await mine.page(path))
    await mine.page("trace")
    _is_harmless(await mine.browser.press("Trace", {"What you have": str(sent.id)}))
    await mine.page("trace")
    _is_harmless(await mine.browser.press("Trace", {"What you have": HOSTILE.replace("\x1b", "")}))


def _is_harmless(page: Page) -> None:
    assert page.status == 200
    assert page.root.at("content").tagged("script") == []
    assert page.root.at("content").tagged("img") == []
    assert all("onerror" not in each.attributes for each in page.root.all())
    assert "{{7*7}}" in page.html or "7*7" not in page.html
    assert "X-Injected" not in page.headers
    assert "\x1b" not in page.html
    assert "\u202e" not in page.root.at("content").tagged("h1")[0].text


@pytest.mark.parametrize(
    "content", [b"", b"no mail at all", b"Content-Type: text/html\r\n\r\n<script>alert(1)</script>"]
)
async def test_a_hostile_mail_stands_where_it_can_do_nothing(site: RunningSite, content: bytes) -> None:
    mine = await reader(site)
    sent = await mine.sent(content)

    page, framed = await mine.page(f"messages/{sent.id}"), await mine.page(f"messages/{sent.id}/content")

    (frame,) = page.root.tagged("iframe")
    assert frame.attributes["sandbox"] == ""
    assert "<script>alert" not in page.html
    policy = framed.headers["Content-Security-Policy"]
    assert policy.endswith("; sandbox")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
