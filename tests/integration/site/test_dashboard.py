"""The dashboard says what was counted, and goes on saying it: to whom may see it, and as long as they may."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import aiohttp
import pytest
import pytest_asyncio

from auth import services
from auth.people import memberships, sessions
from auth.people.permissions import Permission
from config.database import Database
from messages.message import Door
from messages.status import Status
from relay.site.dashboard import live
from relay.site.visits import COOKIE
from tests.fakes.messages import make_message
from tests.harness.browser import Browser
from tests.harness.site import Person, RunningSite
from tests.harness.store import group_of


@dataclass
class House:
    """A service, and somebody of its team."""

    site: RunningSite
    service_id: UUID
    person: Person
    browser: Browser

    async def sends(self, number: int, door: Door = Door.SMTP, end: Status | None = None) -> None:
        now = self.site.clock()
        sent = [make_message(service_id=self.service_id, door=door, created_at=now) for _ in range(number)]
        await self.site.store.putting.put(group_of(tuple(sent), b"x"))
        for each in sent if end else ():
            assert end is not None
            await self.site.store.settle(each.id, end, now)

    @property
    def path(self) -> str:
        return f"/en/services/{self.service_id}"

    @asynccontextmanager
    async def stream(self) -> AsyncIterator["Stream"]:
        headers = {"Cookie": f"{COOKIE[False]}={self.browser.cookies[COOKIE[False]]}"}
        url = f"{self.site.url.rstrip('/')}{self.path}/live"
        async with aiohttp.ClientSession(headers=headers) as client, client.get(url) as response:
            yield Stream(response)


@dataclass
class Stream:
    response: aiohttp.ClientResponse

    async def next(self, seconds: float = 60) -> str:
        """The next event's HTML; empty at the stream's end."""
        lines = []
        async with asyncio.timeout(seconds):
            async for line in self.response.content:
                text = line.decode().rstrip("\n")
                if text.startswith("data: "):
                    lines.append(text.removeprefix("data: "))
                elif not text and lines:
                    return "\n".join(lines)
        return ""


@pytest_asyncio.fixture(loop_scope="module")
async def house(site: RunningSite, database: Database) -> House:
    person = Person()
    service_id = await site.service(f"Passports {uuid4().hex[:6]}", uuid4().hex)
    site.people.members[person.id, service_id] = frozenset({Permission.VIEW_ACTIVITY})
    async with database.write() as connection:
        await memberships.add(connection, service_id, person.id, {Permission.VIEW_ACTIVITY}, site.clock())
    return House(site, service_id, person, await site.signed_in(person))


async def test_it_says_in_words_and_tables_what_was_counted_and_which_way_fails(house: House) -> None:
    await house.sends(3, end=Status.DELIVERED)
    await house.sends(1, end=Status.PERMANENT_FAILURE)
    await house.sends(2, Door.HTTP)
    page = await house.browser.open(house.path)

    assert "Today: 6 accepted, 3 delivered, 1 failed, 2 on the way." in page.text
    assert "Emails by SMTP: 1 of 4 failed (25.0%)" in page.text
    assert "Emails by the API: " not in page.text
    assert re.search(r"Emails by SMTP\s+4\s+3\s+1\s+25.0%", page.text)
    assert re.search(r"Emails by the API\s+2\s+0\s+0\s+0.0%", page.text)
    usage = await house.browser.open(house.path + "/usage")
    assert re.search(r"\w+ \d{4}\s+6\s+1\s+0\s+0\s+0", usage.text)


async def test_a_year_without_a_page_is_none(house: House) -> None:
    for year in ("1999", "x", "99999999999999999999"):
        assert (await house.browser.open(f"{house.path}/usage?year={year}")).status == 404


async def test_who_watches_is_told_what_changes_and_nothing_twice(house: House) -> None:
    async with house.stream() as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        assert "Today: 0 accepted" in await stream.next()
        await house.sends(5)
        assert "Today: 5 accepted" in await stream.next()
        with pytest.raises(TimeoutError):
            await stream.next(seconds=2 * live.LOOK_SECONDS)


async def test_who_looks_at_the_same_service_costs_no_further_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, reads = house.site.site.live._counts, []
    read = counts.moments

    async def noted(service_id: UUID, since: int) -> object:
        reads.append(service_id)
        return await read(service_id, since)

    monkeypatch.setattr(counts, "moments", noted)
    async with house.stream() as one, house.stream() as other:
        assert await one.next() == await other.next()
        await house.sends(1)
        assert await one.next() == await other.next()
    assert reads.count(house.service_id) <= 3  # the first look may come between the two


async def test_a_stream_ends_with_the_session_or_the_membership(house: House, database: Database) -> None:
    for ending in ("session", "membership"):
        async with house.stream() as stream:
            await stream.next()
            async with database.write() as connection:
                if ending == "membership":
                    await memberships.remove(connection, house.service_id, house.person.id)
                else:
                    (session,) = await sessions.of_user(connection, house.person.id, house.site.clock())
                    await sessions.end(connection, session.id)
            await house.site.site.live.check()
            assert await stream.next() == ""
        house.browser = await house.site.signed_in(house.person)


async def test_nobody_has_more_streams_than_a_share(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_OF_USER", 1)
    async with house.stream() as stream:
        await stream.next()
        async with house.stream() as refused:
            assert refused.response.status == 204
    for _ in range(600):
        async with house.stream() as again:
            if again.response.status == 200:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("who left is still counted")


async def test_streams_end_when_the_process_drains(house: House) -> None:
    stopping, watching = asyncio.Event(), live.Live(house.site.database, house.site.site.words, time.time)
    async with house.site.database.read() as connection:
        service = await services.find(connection, house.site.site.settings.limits, house.service_id)
    viewer = live.Viewer(house.person.id, uuid4(), service, house.person.language)
    running = asyncio.create_task(watching.run(stopping))
    with watching.watching(viewer) as events:
        assert (await anext(events)).startswith(b"retry: ")
        stopping.set()
        async with asyncio.timeout(60):
            rest = [each async for each in events]
    await running
    assert len(rest) <= 1
    assert not watching.has_room(viewer)
