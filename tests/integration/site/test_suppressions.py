"""A service looks at whom it sends nothing more to, puts somebody on its list, and takes somebody off."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from auth import audit
from auth.people.permissions import Permission
from delivery.store.suppressing import Codec, Entry
from delivery.store.suppressions import EVERYBODY, Reason
from messages.message import KeyType
from relay.site.suppressions.listing import PAGE
from tests.harness.browser import Page
from tests.harness.site import RunningSite
from tests.harness.team import Team, team

ON_POSTGRESQL = True
RECIPIENT = "Email address or phone number"


async def manager(site: RunningSite, *more: Permission) -> Team:
    return await team(site, Permission.MANAGE_SERVICE, *more)


async def listed(
    site: RunningSite, whose: Team | None, recipient: str, reason: Reason = Reason.BOUNCE, **options: Any
) -> UUID:
    """An entry of a service, or without one of everybody."""
    scope = whose.service.id if whose else EVERYBODY
    async with site.database.write() as connection:
        return await connection.run_sync(
            lambda c: Codec(site.site.secret).add(c, scope, recipient, reason, site.clock() - 5, **options)
        )


async def entries(site: RunningSite, mine: Team, recipient: str) -> list[Entry]:
    async with site.database.read() as connection:
        found = await connection.run_sync(lambda c: Codec(site.site.secret).find(c, mine.service.id, recipient))
    return [each for each in found if each.is_in_force(site.clock())]


def rows(page: Page) -> list[str]:
    return [each.text for each in page.root.at("content").tagged("th") if each.attributes["scope"] == "row"]


async def test_the_list_says_who_why_and_until_when_and_leads_to_nobody_elses(site: RunningSite) -> None:
    mine, other = await manager(site), await manager(site)
    await listed(site, mine, "gone@example.org", until=site.clock() + 86_400)
    await listed(site, mine, "+16135550100", Reason.OPT_OUT)
    await listed(site, mine, "over@example.org", until=site.clock() - 1)
    await listed(site, other, "theirs@example.org")
    await listed(site, None, "everybody@example.org")

    page, french = await mine.page("suppressions"), await mine.page("suppressions", "fr")

    assert rows(page) == rows(french) == ["+16135550100", "gone@example.org"]
    for words in ("Mail came back", "Answered STOP", "No end date"):
        assert words in page.text
    for words in ("Courriel retourné", "A répondu ARRÊT", "Sans date de fin"):
        assert words in french.text
    assert rows(await mine.page("suppressions?reason=bounce")) == ["gone@example.org"]
    assert "Nobody is on the list for this reason." in (await mine.page("suppressions?reason=complaint")).text
    assert rows(await mine.page("suppressions?reason=nonsense&older=x")) == rows(page)
    assert (await mine.page("settings")).link("Change Suppression list").endswith("/suppressions")


async def test_the_list_has_pages(site: RunningSite) -> None:
    mine = await manager(site)
    for number in range(PAGE + 1):
        await listed(site, mine, f"r{number}@example.org", Reason.BY_HAND)

    first = await mine.page("suppressions?reason=by-hand")
    second = await mine.browser.follow("Older")

    assert len(rows(first)) == PAGE
    assert rows(second) == ["r0@example.org"]
    assert rows(await mine.browser.follow("Back to the newest")) == rows(first)


async def test_one_recipient_is_found_and_named_by_no_url(site: RunningSite) -> None:
    mine, other = await manager(site), await manager(site)
    await listed(site, mine, "jane@example.org", Reason.COMPLAINT)
    await listed(site, other, "john@example.org")
    await mine.page("suppressions/recipient")

    found = await mine.browser.press("Search", {RECIPIENT: "Jane@EXAMPLE.org"})
    assert "mail was reported as spam. It does not end by itself." in found.text
    assert found.link("Send to this recipient again").endswith("/lift")
    assert not [hop for hop in found.hops if "jane" in hop.lower()]

    assert "is not on the service's list" in (await mine.browser.press("Search", {RECIPIENT: "john@example.org"})).text
    for wrong in ("", "jane", "+1"):
        assert (await mine.browser.press("Search", {RECIPIENT: wrong})).errors


async def test_one_is_put_on_the_list_for_ever_or_until_a_day_is_over(site: RunningSite) -> None:
    mine = await manager(site)
    for wrong in ({RECIPIENT: ""}, {RECIPIENT: "jane"}, {"Last day (optional)": "2020-01-01"}):
        await mine.page("suppressions/new")
        page = await mine.browser.press("Put on the list", {RECIPIENT: "jane@example.org", **wrong})
        assert len(page.errors) == 1, wrong
    assert await entries(site, mine, "jane@example.org") == []

    page = await mine.browser.press("Put on the list", {RECIPIENT: "Jane@example.org", "Last day (optional)": ""})

    assert page.notice == "Nothing more is sent to jane@example.org"
    assert [(each.reason, each.until) for each in await entries(site, mine, "jane@example.org")] == [
        (Reason.BY_HAND, None)
    ]
    await mine.page("suppressions/new")
    await mine.browser.press("Put on the list", {RECIPIENT: "jane@example.org", "Last day (optional)": "2090-01-31"})
    (entry,) = await entries(site, mine, "jane@example.org")
    assert entry.until == 3_789_608_400.0  # 2090-02-01 0:00, Eastern Time
    sent = await mine.sent(recipient="jane@example.org", key_type=KeyType.NORMAL)
    assert sent.id in await site.store.suppressions.stopped([sent])


@pytest.mark.parametrize("reason", Reason)
async def test_one_is_taken_off_once_what_follows_was_said(site: RunningSite, reason: Reason) -> None:
    mine, wanted = await manager(site), reason in (Reason.COMPLAINT, Reason.OPT_OUT)
    recipient = "+16135550100" if reason is Reason.OPT_OUT else "jane@example.org"
    entry_id = await listed(site, mine, recipient, reason)

    page = await mine.page(f"suppressions/{entry_id}/lift")
    assert page.heading == f"Send to {recipient} again?"
    assert ("Warning" in page.text) == wanted
    if wanted:
        refused = await mine.browser.press("Send to this recipient again")
        assert refused.errors == ["Confirm that the person asked you to send to them again"]
        assert len(await entries(site, mine, recipient)) == 1
    sure = {"Did the person ask for it?": ["Yes, and I can show that they did"]}
    done = await mine.browser.press("Send to this recipient again", sure if wanted else {})

    assert done.notice == f"{recipient} is off the suppression list"
    assert await entries(site, mine, recipient) == []
    async with site.database.read() as connection:
        (deed,) = await audit.find(connection, 5, service_id=mine.service.id)
    assert deed.action == ("opt-out.remove" if reason is Reason.OPT_OUT else "suppression.remove")
    assert (await mine.page(f"suppressions/{entry_id}/lift")).status == 404


async def test_who_stays_on_the_list_for_another_reason_is_said_to(site: RunningSite) -> None:
    mine = await manager(site)
    entry_id = await listed(site, mine, "jane@example.org", Reason.BY_HAND)
    await listed(site, mine, "jane@example.org", Reason.BOUNCE)

    await mine.page(f"suppressions/{entry_id}/lift")
    page = await mine.browser.press("Send to this recipient again")

    assert page.notice == "jane@example.org is still on the list for another reason"


async def test_a_messages_page_leads_to_its_end_for_who_may(site: RunningSite) -> None:
    mine = await manager(site, Permission.VIEW_ACTIVITY)
    reader = await team(site, Permission.VIEW_ACTIVITY)
    for each, leads in ((mine, True), (reader, False)):
        entry_id = await listed(site, each, "jane@example.org")
        sent = await each.sent(recipient="jane@example.org")
        page = await each.page(f"messages/{sent.id}")
        assert "The service sends nothing more to this recipient" in page.text
        assert (str(entry_id) in page.html) is leads


async def test_entries_of_others_and_of_everybody_are_as_if_there_were_none(site: RunningSite) -> None:
    mine, other = await manager(site), await manager(site)
    token = (await mine.page("suppressions/new")).token
    for entry_id in (await listed(site, other, "a@example.org"), await listed(site, None, "b@example.org"), uuid4()):
        path = f"/en/services/{mine.service.id}/suppressions/{entry_id}/lift"
        assert (await mine.browser.open(path)).status == 404
        data = {"csrf": token, "sure": "yes"}
        assert (await mine.browser.ask("POST", path, data=data)).status == 404
    assert len(await entries(site, other, "a@example.org")) == 1


async def test_a_service_with_as_many_as_it_may_have_is_told(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.actions.suppressions.MAX_BY_HAND", 0)
    mine = await manager(site)
    await mine.page("suppressions/new")

    page = await mine.browser.press("Put on the list", {RECIPIENT: "jane@example.org"})

    assert page.errors == ["The service has 0 entries made by hand, which is the limit; remove some first"]


async def test_lifting_twice_at_once_ends_it_once(site: RunningSite) -> None:
    mine = await manager(site)
    entry_id = await listed(site, mine, "jane@example.org")
    token = (await mine.page(f"suppressions/{entry_id}/lift")).token
    path = f"/en/services/{mine.service.id}/suppressions/{entry_id}/lift"
    answers = await asyncio.gather(*(mine.browser.ask("POST", path, data={"csrf": token}) for _ in range(4)))

    assert sorted(each.status for each in answers) == [303, 404, 404, 404]
    async with site.database.read() as connection:
        assert len(await audit.find(connection, 9, service_id=mine.service.id)) == 1


async def test_the_audit_tells_of_it(site: RunningSite) -> None:
    mine = await manager(site)
    await mine.page("suppressions/new")
    await mine.browser.press("Put on the list", {RECIPIENT: "jane@example.org"})

    page = await mine.page("audit")

    assert "put a recipient on the suppression list" in page.text
    assert "jane@example.org" not in page.text
