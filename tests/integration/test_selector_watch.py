"""The watch over keys in DNS: real resolvers, a real database, a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest
from structlog.testing import capture_logs

from auth import service_domains, services
from auth.domains import names, records
from auth.domains.names import Domain
from auth.domains.resolvers import configured
from auth.domains.selectors import DOUBT_SECONDS, EVERY_SECONDS, State
from auth.domains.watch import SelectorWatch
from config.database import Database
from config.keyring import Keyring
from config.settings import Dns, Email
from delivery.exit.signing import Signer
from tests.fakes.auth import DEFAULTS, DOMAIN, FixedClock, away
from tests.fakes.dns import FakeDns

OWN = "mail.example.ca"
SES = Email(provider="ses", default_domain=DOMAIN)
TTL = 90
YEAR = 365 * 86_400.0


class Watched:
    """A database, two resolvers and any number of machines."""

    def __init__(self, database: Database, sealing: Keyring, dns: tuple[FakeDns, FakeDns]) -> None:
        self.database, self.sealing, self.dns, self.clock = database, sealing, dns, FixedClock()
        self.timeout_seconds = 30.0  # a loaded machine may take its time

    def machine(self) -> SelectorWatch:
        addresses = [each.address for each in self.dns]
        settings = Dns.model_validate({"resolvers": addresses, "timeout_seconds": self.timeout_seconds})
        return SelectorWatch(self.database, configured(settings), SES, service_domains.is_used, self.clock)

    async def look(self, seconds: float = 0) -> list[dict[str, object]]:
        """Time passes, then one machine looks; what it logged."""
        self.clock.now += seconds
        with capture_logs() as logs:
            await self.machine().look()
        return [dict(each) for each in logs]

    async def add(self, *, needs_dns: bool = True, published: bool = False) -> Domain:
        make = names.ensure if published else partial(names.add, needs_dns=needs_dns)
        async with self.database.write() as c:
            return await make(c, self.sealing, OWN, self.clock.now)

    async def rotate(self) -> Domain:
        async with self.database.write() as c:
            return await names.rotate(c, self.sealing, await self.domain(), self.clock.now, needs_dns=True)

    async def domain(self, name: str = OWN) -> Domain:
        async with self.database.read() as c:
            return await names.get(c, name)

    async def signs(self, name: str = OWN) -> str | None:
        key = await Signer(self.database, self.sealing, SES, self.clock).key(name)
        return None if key is None else key.selector

    def publish(self, domain: Domain, *, at: int | None = None) -> None:
        for record in records.records(domain, "ca-central-1"):
            for resolver in self.dns if at is None else self.dns[at : at + 1]:
                resolver.publish(record.name, record.type, record.value)

    def withdraw(self, selector: str, name: str = OWN) -> None:
        for resolver in self.dns:
            resolver.withdraw(records.key_name(selector, name), "TXT")


@pytest.fixture
async def watched(plain: Database, sealing: Keyring) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        dns = [await stack.enter_async_context(FakeDns({("ca", "NS"): ["a"]}, ttl=TTL)) for _ in range(2)]
        yield Watched(plain, sealing, (dns[0], dns[1]))


def events(logs: list[dict[str, object]]) -> list[object]:
    return [each["event"] for each in logs]


async def test_key_signs_once_all_resolvers_had_it_twice(watched: Watched) -> None:
    domain = await watched.add()
    watched.publish(domain, at=0)
    await watched.look()
    await watched.look(EVERY_SECONDS)
    await watched.look(EVERY_SECONDS)
    assert await watched.signs() is None  # the other resolver has nothing

    watched.publish(domain)
    await watched.look(EVERY_SECONDS)
    assert await watched.signs() is None
    assert events(await watched.look(TTL - 1)) == []  # nobody is due
    logs = await watched.look(1)

    assert events(logs) == ["domain.selector_published", "domain.selector_changed"]
    assert await watched.signs() == domain.keys[0].selector


async def test_next_key_takes_over_and_gives_way_again(watched: Watched) -> None:
    first = (await watched.add(published=True)).keys[0].selector
    watched.publish(await watched.domain())
    domain = await watched.rotate()
    second = domain.keys[0].selector
    watched.publish(domain)
    await watched.look()
    assert await watched.signs() == first
    await watched.look(TTL)
    assert await watched.signs() == second

    watched.withdraw(second)
    await watched.look(EVERY_SECONDS)
    assert await watched.signs() == second
    logs = await watched.look(DOUBT_SECONDS)
    assert events(logs) == ["domain.selector_withdrawn", "domain.selector_changed"]
    assert (logs[1]["before"], logs[1]["selector"]) == (second, first)
    assert await watched.signs() == first

    watched.publish(domain)
    await watched.look(EVERY_SECONDS)
    await watched.look(TTL)
    assert await watched.signs() == second


async def test_key_that_signed_for_the_outbox_alone_signs_once_it_was_found(watched: Watched) -> None:
    domain = await watched.add(needs_dns=False)
    assert await watched.signs() is None  # also before the first look
    assert events(await watched.look()) == ["domain.selector_changed"]
    watched.publish(domain)
    await watched.look(EVERY_SECONDS)
    assert await watched.signs() is None
    await watched.look(TTL)

    assert await watched.signs() == domain.keys[0].selector


async def test_own_domain_without_a_key_waits_and_is_told(watched: Watched) -> None:
    await watched.add(published=True)
    async with watched.database.write() as c:
        await services.create(c, DEFAULTS, watched.clock.now, name="n", email_from="n", domain=OWN)
    await watched.look()
    logs = await watched.look(DOUBT_SECONDS)

    assert events(logs) == ["domain.selector_withdrawn", "domain.selector_changed", "domain.not_ready"]
    assert await watched.signs() is None


async def test_clock_that_was_ahead_once_stops_no_watch(watched: Watched) -> None:
    domain = await watched.add(published=True)
    await watched.look(YEAR)  # its record is missing, once, in a year that is not
    watched.clock.now -= YEAR
    await watched.look(EVERY_SECONDS)
    assert await watched.signs() is not None
    await watched.look(DOUBT_SECONDS)
    assert await watched.signs() is None

    watched.publish(domain)
    await watched.look(YEAR)
    watched.clock.now -= YEAR
    await watched.look(EVERY_SECONDS)
    await watched.look(TTL)
    assert await watched.signs() == domain.keys[0].selector


async def test_domain_that_nobody_uses_calls_nobody(watched: Watched) -> None:
    domain = await watched.add(published=True)
    async with watched.database.write() as c:
        await names.verified(c, domain, watched.clock.now)
    await watched.look()

    assert events(await watched.look(DOUBT_SECONDS)) == ["domain.selector_withdrawn", "domain.selector_changed"]


async def test_signer_whose_clock_is_set_back_keeps_no_key_for_longer(watched: Watched) -> None:
    await watched.add(published=True)
    signer = Signer(watched.database, watched.sealing, SES, watched.clock)
    assert await signer.key(OWN) is not None
    await watched.look()
    await watched.look(DOUBT_SECONDS)  # its record is gone
    watched.clock.now -= 7200

    assert await signer.key(OWN) is None


@pytest.mark.parametrize("trouble", ["servfail", "refused", "silence", "garbage"])
async def test_resolver_that_fails_never_withdraws_a_key(watched: Watched, trouble: str) -> None:
    domain = await watched.add(published=True)
    watched.publish(domain)
    watched.dns[1].trouble["*"] = trouble
    watched.timeout_seconds = 0.3
    for _ in range(3):
        logs = await watched.look(EVERY_SECONDS)
        assert events(logs) == ["domain.unanswered"]

    assert await watched.signs() is not None
    assert (await watched.domain()).keys[0].life.state is State.PUBLISHED


async def test_default_domains_only_key_signs_on_and_is_told(watched: Watched) -> None:
    async with watched.database.write() as c:
        await names.ensure(c, watched.sealing, DOMAIN, watched.clock.now)
    assert events(await watched.look()) == []
    assert events(await watched.look(DOUBT_SECONDS)) == ["domain.not_ready"]
    assert events(await watched.look(EVERY_SECONDS)) == ["domain.not_ready"]
    assert await watched.signs(DOMAIN) is not None

    watched.publish(await watched.domain(DOMAIN))
    assert events(await watched.look(EVERY_SECONDS)) == []


async def test_many_machines_look_once(watched: Watched) -> None:
    watched.publish(await watched.add())
    await asyncio.gather(*(watched.machine().look() for _ in range(4)))

    assert len(watched.dns[0].asked) == 1
    assert await watched.signs() is None


async def test_watch_outlives_an_outage_and_stops_at_once(watched: Watched) -> None:
    await watched.add()
    watched.dns[0].trouble["*"] = "silence"
    stopping = asyncio.Event()
    with away(watched.database), capture_logs() as logs:
        running = asyncio.create_task(watched.machine().run(stopping))
        while not logs:
            await asyncio.sleep(0.01)
    assert events([dict(each) for each in logs]) == ["domain.not_looked_at"]
    assert not running.done()
    stopping.set()
    async with asyncio.timeout(10):
        await running
