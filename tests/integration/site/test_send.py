"""Sending a template to one person on the web site: what is wrong is said before, and what is sent is sent once."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from auth import guests, keys, services
from auth.people.permissions import Permission
from config.settings import Limits
from delivery.library import templates
from delivery.store.tables import messages
from messages.message import Channel, Door, Message
from tests.harness.browser import Browser, Page
from tests.harness.site import DOMAIN, Person, RunningSite

TO, NAME, DAY, TIME = "Email address of the recipient", "name", "Day", "Time of day"
ON_POSTGRESQL = True  # where a double click is two transactions at once
READER = "reader@example.org"


@dataclass
class Sender:
    """Somebody who may send as a service that has one template of each channel."""

    site: RunningSite
    service: UUID
    email: UUID
    text: UUID
    person: Person = field(default_factory=lambda: Person(phone="+16135550100"))

    async def browser(self) -> Browser:
        self.site.people.members[self.person.id, self.service] = frozenset({Permission.SEND_MESSAGES})
        return await self.site.signed_in(self.person)

    def path(self, template: UUID | None = None) -> str:
        return f"/en/services/{self.service}/send/{template or self.email}"

    async def sent(self) -> list[Message]:
        async with self.site.database.read() as connection:
            ids = (
                await connection.execute(select(messages.c.id).where(messages.c.service_id == self.service))
            ).scalars()
            return [*(await self.site.store.searching.load([*ids])).values()]

    async def update(self, **texts: Any) -> None:
        async with self.site.database.write() as connection:
            await templates.update(connection, self.email, self.site.clock(), **texts)
        self.site.clock.ahead_seconds += 3  # what is read of templates is two seconds old at most


async def sender(site: RunningSite, *, live: bool = True, per_day: int = 50, **options: Any) -> Sender:
    async with site.database.write() as connection:
        limits, now = Limits(), site.clock()
        named: dict[str, Any] = {
            "name": "Passports",
            "email_from": f"p{uuid4().hex[:9]}",
            "domain": DOMAIN,
            "live": live,
        }
        service = await services.create(connection, limits, now, **named, **options)
        service = await services.update(connection, limits, service.id, per_day=per_day)
        await keys.hidden(connection, site.site.secret, limits, service, now)
        made = [
            await templates.create(
                connection,
                service.id,
                now,
                channel=channel,
                name="Ready",
                subject=subject,
                body="Hello ((name))((late?? late))",
            )
            for channel, subject in ((Channel.EMAIL, "Dear ((name))"), (Channel.SMS, None))
        ]
    return Sender(site, service.id, made[0].id, made[1].id)


LATE = "Show the text for “late”?"


async def filled(browser: Browser, who: Sender, **values: str) -> Page:
    await browser.open(who.path())
    return await browser.press("Continue", {TO: READER, NAME: "Zoë", LATE: "No", **values})


async def test_a_person_sends_one_message_after_looking_at_it(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    await browser.open(f"/en/services/{who.service}/send")
    assert browser.page is not None
    await browser.open(who.path())
    checked = await browser.press("Continue", {TO: f" {READER} ", NAME: "Zoë", LATE: "Yes"})
    assert checked.heading == "Check and send"
    assert "Nothing is sent yet." in checked.text
    for words in (READER, f"@{DOMAIN}", "Emails left today 50", "Now"):
        assert words in re.sub(r"\s+", " ", checked.text)
    assert await who.sent() == []
    (frame,) = checked.root.tagged("iframe")
    assert "Hello Zoë late" in (await browser.ask("GET", frame.attributes["src"])).html

    done = await browser.press("Send")
    (message,) = await who.sent()
    assert done.heading == "Your message is on its way"
    assert str(message.id) in done.text
    assert (message.door, message.created_by, str(message.recipient)) == (Door.SITE, who.person.id, READER)
    assert (message.subject, message.template_id, message.scheduled_for) == ("Dear Zoë", who.email, None)


async def test_who_may_view_activity_is_led_to_what_becomes_of_it(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    site.people.members[who.person.id, who.service] = frozenset({Permission.SEND_MESSAGES, Permission.VIEW_ACTIVITY})
    checked = await filled(browser, who)
    done = await browser.press("Send")
    (message,) = await who.sent()
    assert (done.url, done.heading) == (f"/en/services/{who.service}/messages/{message.id}", "Dear Zoë")
    assert who.person.name in done.text
    assert done.notice
    assert (await browser.open(checked.url)).url == done.url

    together = await browser.open(f"/en/services/{who.service}/activity?group={message.group_id}")
    assert READER in together.text
    other = await browser.open(f"/en/services/{who.service}/activity?group={message.id}")
    assert READER not in other.text


async def test_a_double_click_sends_once(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    checked = await filled(browser, who)
    (form,) = (each for each in checked.forms() if each.attributes.get("method") == "post")
    data = {each.attributes["name"]: each.attributes["value"] for each in form.tagged("input")}
    answers = await asyncio.gather(*(browser.ask("POST", checked.url, data=data) for _ in range(3)))
    later = await browser.ask("POST", checked.url, data=data)

    (message,) = await who.sent()
    assert {each.headers["Location"] for each in (*answers, later)} == {
        f"/en/services/{who.service}/send/sent/{message.id}"
    }
    assert (await browser.open(checked.url)).heading == "Your message is on its way"
    await browser.follow("Send this template to somebody else")
    assert browser.page is not None
    assert browser.page.value(TO) == ""
    await browser.press("Continue", {TO: READER, NAME: "Ann", LATE: "No"})
    await browser.press("Send")
    assert len(await who.sent()) == 2


async def test_all_that_is_wrong_is_told_beside_its_field_and_nothing_is_lost(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    await browser.open(who.path())
    wrong = await browser.press("Continue", {TO: "nobody", NAME: "Zoë", DAY: "2026-02-31", TIME: "09:00"})
    assert wrong.errors == [
        "Enter one email address, such as name@example.ca",
        "Choose whether to show “late”",
        "There is no such day",
    ]
    assert (wrong.value(TO), wrong.value(NAME), wrong.value(DAY)) == ("nobody", "Zoë", "2026-02-31")
    checked = await browser.press("Continue", {TO: READER, LATE: "Yes", DAY: "", TIME: ""})
    assert checked.heading == "Check and send"
    changed = await browser.follow("Change the recipient, the values or the time")
    assert (changed.errors, changed.value(TO), changed.value(NAME)) == ([], READER, "Zoë")
    too_long = await browser.press("Continue", {NAME: "x" * 200_000})
    assert too_long.errors == []
    assert await who.sent() == []


async def test_ones_own_address_is_offered(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    await browser.open(who.path())
    own = await browser.press(f"Send it to myself: {who.person.email}", {NAME: "Zoë"})
    assert (own.value(TO), own.value(NAME), own.errors) == (who.person.email, "Zoë", [])
    text = await browser.open(who.path(who.text))
    assert "+16135550100" in text.text


async def test_a_trial_service_reaches_those_on_its_list_only(site: RunningSite) -> None:
    who = await sender(site, live=False)
    async with site.database.write() as connection:
        await guests.add(connection, site.site.secret, who.service, "guest@example.org", site.clock())
    browser = await who.browser()
    told = await filled(browser, who)
    assert told.errors[0].startswith("Your service is in trial: it sends only to its team")
    assert (await browser.press("Continue", {TO: "guest@example.org"})).heading == "Check and send"


async def test_a_full_limit_is_told_on_the_check_page_and_the_message_waits_there(site: RunningSite) -> None:
    who = await sender(site, per_day=1)
    browser = await who.browser()
    for heading in ("Your message is on its way", "Check and send"):
        await filled(browser, who)
        done = await browser.press("Send")
        assert done.heading == heading
    assert done.errors == ["Your service has sent its 1 emails of today. Try again tomorrow."]
    assert READER in done.text
    assert len(await who.sent()) == 1


async def test_a_message_is_scheduled_in_the_services_time_zone(site: RunningSite) -> None:
    who = await sender(site, time_zone="America/Vancouver")
    browser, zone = await who.browser(), ZoneInfo("America/Vancouver")
    local = datetime.fromtimestamp(site.clock() + 2 * 86_400, UTC).astimezone(zone).replace(second=0, microsecond=0)
    await filled(browser, who, **{DAY: f"{local:%Y-%m-%d}", TIME: f"{local:%H:%M}"})
    done = await browser.press("Schedule")
    (message,) = await who.sent()
    assert (done.heading, message.scheduled_for) == ("Your message is scheduled", local.timestamp())


async def test_a_template_that_changes_meanwhile_is_looked_at_again(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    await filled(browser, who)
    await who.update(body="((number)) for ((name))", subject="s")
    told = await browser.press("Send")
    assert told.errors == ["The template was changed since you filled it in. Check what you typed, then go on."]
    assert (told.value(TO), told.value(NAME), told.value("number")) == (READER, "Zoë", "")
    await browser.press("Continue", {"number": "7"})
    await browser.press("Send")
    assert [message.template_version for message in await who.sent()] == [2]


async def test_a_text_tells_its_parts_before_it_is_sent(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    await browser.open(who.path(who.text))
    bad = await browser.press("Continue", {"Phone number of the recipient": "613-555", NAME: "x", LATE: "No"})
    assert bad.errors == ["Enter a phone number, such as 613-555-0100: Not enough digits"]
    long = await browser.press("Continue", {"Phone number of the recipient": "613-555-0100", NAME: "x" * 700})
    assert long.errors == [
        "With these values the text has more than 612 characters. Shorten the values or the template."
    ]
    checked = await browser.press("Continue", {NAME: "x" * 200})
    assert "Parts 2" in re.sub(r"\s+", " ", checked.text)
    await browser.press("Send")
    (message,) = await who.sent()
    assert (message.channel, str(message.recipient), message.billable_units) == (Channel.SMS, "+16135550100", 2)


async def test_what_others_sent_or_filled_in_is_nobody_elses(site: RunningSite) -> None:
    who = await sender(site)
    browser = await who.browser()
    await filled(browser, who)
    done = await browser.press("Send")
    other = Sender(site, who.service, who.email, who.text)
    stranger = await other.browser()
    assert (await stranger.open(done.url)).status == 404
    assert (await stranger.open(f"{who.path()}/preview")).status == 404
    assert (await stranger.open(f"{who.path()}/check")).heading == "Send Ready"
    foreign = await sender(site)
    assert (await browser.open(foreign.path())).status == 404
    assert (await browser.open(f"/en/services/{who.service}/send/{foreign.email}")).status == 404
