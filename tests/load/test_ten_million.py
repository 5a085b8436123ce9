"""The pages of a service that sent ten million messages in a year: each at once, on both databases (make soak)."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import aiohttp
import pytest

from auth import keys, services
from auth.principal import Service
from config.database import Database
from delivery.figures.moments import total
from delivery.library import templates
from delivery.store.base import Search
from messages.message import Channel, KeyType
from relay.site.dashboard.overview import days_back
from relay.site.visits import COOKIE
from tests.harness.site import RunningSite, Visitor, running_site, visitor_of
from tests.harness.ten_million import DAY, DAYS, Plan, fill, person

A_DAY = 27_397  # ten million a year
PAGE_MS, QUERY_MS = 150, 50
TYPES = [*[KeyType.NORMAL] * 7, KeyType.TEAM, KeyType.TEST, KeyType.NORMAL]

Asking = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Filled:
    site: RunningSite
    visitor: Visitor
    plan: Plan
    tests: int


@pytest.fixture
async def patient(database_url: str, database: Database) -> AsyncIterator[Database]:
    """As the owner's commands: an index of ten million takes its time."""
    handle = Database(database_url, statement_seconds=None, synchronous="OFF")
    yield handle
    await handle.close()


async def planned(site: RunningSite, service: Service, a_day: int) -> Plan:
    limits, secret = site.site.settings.limits, site.site.secret
    async with site.database.write() as c:
        for name, type_ in enumerate(TYPES):
            await keys.create(c, secret, limits, service, site.clock(), name=f"key {name}", type=type_)
        for channel, number in ((Channel.EMAIL, 80), (Channel.SMS, 20)):
            for name in range(number):
                subject, at = "Hello" if channel is Channel.EMAIL else None, site.clock()
                called = f"{channel} {name:02}"
                await templates.create(c, service.id, at, channel=channel, name=called, subject=subject, body="Hello")
        every = [each for each in await keys.list_all(c, secret, limits, service.id) if each.name.startswith("key ")]
        of = {channel: await templates.list_all(c, service.id, channel) for channel in Channel}
    return Plan(
        service.id,
        service.time_zone,
        site.clock(),
        a_day,
        [(each.id, each.type) for each in sorted(every, key=lambda each: each.name)],
        [each.id for each in of[Channel.EMAIL]],
        [each.id for each in of[Channel.SMS]],
    )


async def filled(site: RunningSite, patient: Database, a_day: int) -> Filled:
    visitor = await visitor_of(site)
    async with patient.read() as c:
        service = await services.find(c, site.site.settings.limits, visitor.service_id)
    plan = await planned(site, service, a_day)
    return Filled(site, visitor, plan, await fill(patient, site.site.secret, plan))


def queries(its: Filled) -> dict[str, Asking]:
    plan, reader = its.plan, its.site.site.counts
    year, week = int(plan.until - DAYS * DAY), days_back(plan.until, plan.zone, 6)
    return {
        "the year": lambda: reader.moments(plan.service_id, year),
        "the week": lambda: reader.moments(plan.service_id, week),
        "templates": lambda: reader.templates(plan.service_id, week, 10),
        "keys": lambda: reader.keys(plan.service_id, week),
        "all services": lambda: reader.all_services(year),
    }


async def pages(its: Filled) -> dict[str, str]:
    """Their paths; of the messages that are opened one is the newest and one is a year old."""
    service, plan = its.visitor.service_id, its.plan
    newest = (await its.site.site.searching.find(Search(service_id=service), 1))[0].message
    oldest = (
        await its.site.site.searching.find(Search(service_id=service, until=plan.at(DAYS - 1, plan.a_day // 2)), 1)
    )[0].message
    activity = f"services/{service}/activity"
    rare_key, rare_template = plan.keys[-1][0], plan.emails[-1]
    return {
        "dashboard": f"services/{service}",
        "usage": f"services/{service}/usage",
        "keys": f"services/{service}/keys",
        "templates": f"services/{service}/templates",
        "activity": activity,
        "activity, old page": f"{activity}?older={oldest.id}",
        "activity, delivered": f"{activity}?status=delivered",
        "activity, failed": f"{activity}?status=failed",
        "activity, one template": f"{activity}?template={plan.emails[0]}",
        "activity, failed of one template and key": (
            f"{activity}?status=failed&template={plan.emails[0]}&key={plan.keys[0][0]}"
        ),
        "activity, a rare key": f"{activity}?key={rare_key}",
        "activity, a rare template": f"{activity}?template={rare_template}",
        "activity, failed of a rare template": f"{activity}?status=failed&template={rare_template}",
        "activity, a key that sent nothing": f"{activity}?key={plan.service_id}",
        "activity, old page of a rare key": f"{activity}?key={rare_key}&older={oldest.id}",
        "message": f"services/{service}/messages/{newest.id}",
        "message, a year old": f"services/{service}/messages/{oldest.id}",
    }


async def timed(ask: Asking, times: int = 9) -> tuple[float, float, Any]:
    """The median and the worst in milliseconds, and what came."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        found = await ask()
        taken.append((time.perf_counter() - started) * 1000)
    return median(taken), max(taken), found


@dataclass(frozen=True, slots=True)
class Client:
    """Opens pages as the visitor does, and reads nothing in them: what is timed is the site."""

    its: Filled
    session: aiohttp.ClientSession

    def opening(self, path: str) -> Asking:
        return lambda: self._answer("GET", path)

    async def asking(self, name: str, pasted: str) -> Asking:
        """What is looked for by a form, whose answer stands on the page that it leads to: two visits."""
        path = f"services/{self.its.visitor.service_id}/{name}"
        token = (await self.its.visitor.open("en", path)).html.partition('name="csrf" value="')[2].partition('"')[0]
        data = {"csrf": token, "recipient" if name.endswith("recipient") else "pasted": pasted}
        return lambda: self._answer("POST", path, data)

    async def _answer(self, method: str, path: str, data: Any = None) -> str:
        url = self.its.site.url.rstrip("/") + self.its.visitor.path("en", path)
        headers = {"Cookie": f"{COOKIE[False]}={self.its.visitor.browser.cookies[COOKIE[False]]}"}
        async with self.session.request(method, url, data=data, headers=headers) as response:
            assert response.status == 200, path
            return await response.text()


async def visits(its: Filled, client: Client) -> dict[str, Asking]:
    found = {name: client.opening(path) for name, path in (await pages(its)).items()}
    found["recipient"] = await client.asking("activity/recipient", str(person(0, Channel.EMAIL)))
    newest = (await its.site.site.searching.find(Search(service_id=its.plan.service_id), 1))[0].message
    for name, pasted in {
        "Message-ID": newest.original_message_id,
        "group": newest.group_id,
        "provider": newest.provider_id,
        "nothing": "case-1",
    }.items():
        found[f"trace, {name}"] = await client.asking("trace", str(pasted))
    return found


async def report(its: Filled) -> tuple[dict[str, float], dict[str, float]]:
    """Prints and returns the medians of all queries, and of all pages."""
    of_queries, of_pages = {}, {}
    for name, ask in queries(its).items():
        of_queries[name], worst, _ = await timed(ask)
        print(f"{name}: median {of_queries[name]:.1f} ms, worst {worst:.1f} ms")
    async with aiohttp.ClientSession() as session:
        for name, ask in (await visits(its, Client(its, session))).items():
            of_pages[name], worst, html = await timed(ask)
            print(f"{name}: median {of_pages[name]:.1f} ms, worst {worst:.1f} ms, {html.count('<tr')} rows")
    return of_queries, of_pages


@pytest.mark.soak
async def test_no_page_of_ten_million_messages_takes_150_ms_and_no_query_50(
    patient: Database, database: Database
) -> None:
    async with running_site(database) as site:
        its = await filled(site, patient, A_DAY)
        year = int(its.plan.until - DAYS * DAY) - 31 * DAY
        assert (
            total(await site.site.counts.moments(its.plan.service_id, year)).accepted == its.plan.accepted - its.tests
        )
        of_queries, of_pages = await report(its)
    assert {name: taken for name, taken in of_queries.items() if taken >= QUERY_MS} == {}
    assert {name: taken for name, taken in of_pages.items() if taken >= PAGE_MS} == {}
