"""What 500 people who watch the dashboards of 50 services cost the site, against nobody who does (make soak)."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import mean
from uuid import UUID, uuid4

import pytest

from auth.people import memberships
from auth.people.permissions import Permission
from config.database import Database
from messages.status import Status
from relay.site.visits import COOKIE
from tests.fakes.messages import make_message
from tests.harness.site import Person, RunningSite, running_site
from tests.harness.store import group_of

SERVICES, VIEWERS, EACH = 50, 500, 5  # streams of one person
SECONDS, ROUNDS = 20.0, 4
QUIET, BUSY = 0, 5  # messages a second, of one service after the other
SHARE = 0.05


@asynccontextmanager
async def watching(streams: list[tuple[str, str]]) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-m", "tests.harness.viewers")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(streams).encode() + b"\n")
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    try:
        yield process
    finally:
        process.stdin.write(b"\n")
        events, alive = (await process.stdout.readline()).split()
        print(f"{int(events)} times figures came, {int(alive)} watched to the end")
        assert int(alive) == len(streams)
        process.stdin.close()
        await process.wait()


async def made(site: RunningSite) -> tuple[list[UUID], list[tuple[str, str]]]:
    """Services, and the streams that people of them watch, half of them in French."""
    services = [await site.service(f"service {n}", uuid4().hex) for n in range(SERVICES)]
    streams = []
    for number in range(VIEWERS // EACH):
        person, mine = Person(), [services[(number * EACH + n) % SERVICES] for n in range(EACH)]
        browser = await site.signed_in(person)
        async with site.database.write() as connection:
            for service_id in mine:
                await memberships.add(connection, service_id, person.id, {Permission.VIEW_ACTIVITY}, site.clock())
        for service_id in mine:
            site.people.members[person.id, service_id] = frozenset({Permission.VIEW_ACTIVITY})
            language = "en" if number % 2 else "fr"
            url = f"{site.url}{language}/services/{service_id}/live"
            streams.append((url, f"{COOKIE[False]}={browser.cookies[COOKIE[False]]}"))
    return services, streams


async def share(site: RunningSite, services: list[UUID], per_second: int) -> float:
    """Of a core, that this process uses while so many messages are sent and delivered."""
    before, began = time.process_time(), time.monotonic()
    number = 0
    while time.monotonic() - began < SECONDS:
        if per_second:
            sent = make_message(service_id=services[number % SERVICES], created_at=site.clock())
            await site.store.putting.put(group_of((sent,), b"x"))
            await site.store.settle(sent.id, Status.DELIVERED, site.clock())
            number += 1
        await asyncio.sleep(1 / (per_second or 10))
    return (time.process_time() - before) / (time.monotonic() - began)


@pytest.mark.soak
@pytest.mark.parametrize("per_second", [QUIET, BUSY], ids=["quiet", "busy"])
async def test_500_viewers_of_50_services_cost_less_than_5_percent_of_a_core(
    database: Database, per_second: int
) -> None:
    async with running_site(database) as site:
        services, streams = await made(site)
        differences = []
        for _ in range(ROUNDS):
            without = await share(site, services, per_second)
            async with watching(streams):
                await asyncio.sleep(1)
                with_them = await share(site, services, per_second)
            differences.append(with_them - without)
            print(f"without {without:.1%}, with {with_them:.1%} of a core, load {os.getloadavg()[0]:.1f}")
        print(f"{database.engine.dialect.name}, {per_second} a second: {mean(differences):+.1%}")
    assert mean(differences) < SHARE
