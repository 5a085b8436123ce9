"""A service whose messages wait sees why on its pages, in both languages, and says there that the cause is mended."""

from sqlalchemy import insert, select

from auth import audit
from auth.people.permissions import Permission
from delivery.queue.base import HoldReason
from delivery.store.reputations import reputations, slowed_keys
from tests.harness.held import held
from tests.harness.site import RunningSite
from tests.harness.team import team

BANNER = "Some messages of this service are on hold."


async def test_whose_mail_comes_back_sees_it_and_says_that_the_cause_is_mended(site: RunningSite) -> None:
    mine = await team(site, Permission.MANAGE_SERVICE, Permission.VIEW_ACTIVITY)
    assert BANNER not in (await mine.page("")).text
    assert "Nothing is on hold" in (await mine.page("holds")).text
    await held(site, mine.service.id)

    assert BANNER in (await mine.page("")).text
    assert BANNER in (await mine.page("settings")).text
    page = await mine.page("holds")
    assert "Of 10,000 emails sent in 24 hours, 1,234 came back (12.3%)." in page.text
    assert "urgent messages, such as codes" not in page.text
    done = await mine.browser.press("The cause is mended")
    assert "You said on" in done.text
    assert "The cause is mended" not in [button.text for button in done.root.tagged("button")]
    async with site.database.read() as c:
        assert await c.scalar(select(reputations.c.acted_at)) is not None
        (entry,) = await audit.find(c, 1, service_id=mine.service.id)
    assert (entry.action, entry.after) == ("queue.mended", {"mended": ["bounces"]})


async def test_who_may_only_look_reads_why_and_what_an_operator_holds_an_operator_ends(site: RunningSite) -> None:
    mine = await team(site, Permission.VIEW_ACTIVITY)
    await held(site, mine.service.id)
    await held(site, mine.service.id, HoldReason.OPERATOR)
    page = await mine.page("holds")

    assert "Somebody of your team who manages the service can say so here." in page.text
    assert "Only those who run notify-relay can end it." in page.text
    assert [each for each in page.root.tagged("button") if "mended" in each.text] == []


async def test_a_slowed_key_is_named(site: RunningSite) -> None:
    mine = await team(site, Permission.MANAGE_API_KEYS, Permission.VIEW_ACTIVITY)
    row = {"key_id": mine.service.id, "service_id": mine.service.id, "rank": 0, "per_hour": 1_000}
    async with site.database.write() as c:
        await c.execute(insert(slowed_keys), [row | {"since": 1.0, "next_at": 1.0}])

    assert "A key of this service is slowed." in (await mine.page("")).text
    assert "1,000 messages an hour" in (await mine.page("holds")).text
