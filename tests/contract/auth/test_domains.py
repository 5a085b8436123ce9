"""Domains and the lives of their keys as they are kept, on SQLite and on PostgreSQL."""

import asyncio
import re

import pytest
from sqlalchemy import select

from auth import service_domains, services
from auth.domains import dkim_keys, names
from auth.domains.dkim_keys import Change
from auth.domains.names import Domain, Health
from auth.domains.selectors import DOUBT_SECONDS, EVERY_SECONDS, SOON_SECONDS, Look, State
from auth.errors import AuthError
from config.database import Database
from config.keyring import Keyring
from config.settings import Email
from tests.fakes.auth import DEFAULTS, DOMAIN, NOW

OWN = "mail.example.ca"
SES = Email(provider="ses", default_domain=DOMAIN)
OUTBOX = Email(provider="outbox", default_domain=DOMAIN)
HOUR = 3600.0


class Watched:
    """A domain as the watcher sees it."""

    def __init__(self, database: Database, sealing: Keyring, name: str = OWN) -> None:
        self.database, self.sealing, self.name = database, sealing, name

    async def add(self, *, needs_dns: bool = True) -> Domain:
        async with self.database.write() as c:
            return await names.add(c, self.sealing, self.name, NOW, needs_dns=needs_dns)

    async def have(self) -> Domain:
        """A domain whose key was found."""
        async with self.database.write() as c:
            return await names.ensure(c, self.sealing, self.name, NOW)

    async def look(self, at: float, trusted: bool = False, ttl: float = 300, **looks: Look) -> tuple[Domain, Change]:
        """Looks by the place of the key, the newest is `a`."""
        async with self.database.write() as c:
            domain = await names.get(c, self.name)
            seen = {
                key.id: (looks[place], ttl) for place, key in zip("abc", domain.keys, strict=False) if place in looks
            }
            return await names.observe(c, domain, seen, at, trusted=trusted)

    async def rotate(self, at: float, *, needs_dns: bool = True) -> Domain:
        async with self.database.write() as c:
            return await names.rotate(c, self.sealing, await names.get(c, self.name), at, needs_dns=needs_dns)

    async def signs(self, email: Email = SES) -> str | None:
        async with self.database.read() as c:
            key = await names.signing_key(c, self.sealing, self.name, email)
        return None if key is None else key.selector


@pytest.fixture
def watched(database: Database, sealing: Keyring) -> Watched:
    return Watched(database, sealing)


async def test_new_key_signs_after_it_was_found_twice(watched: Watched) -> None:
    domain = await watched.add()
    assert domain.signing is None
    assert await watched.signs() is None

    once, change = await watched.look(NOW, a=Look.RIGHT)
    assert (once.signing, once.due_at, change.moved) == (None, NOW + 300, {})
    again, _ = await watched.look(NOW + 299, a=Look.RIGHT)
    assert again.signing is None
    twice, change = await watched.look(NOW + 300, a=Look.RIGHT)
    assert twice.signing is not None
    assert change == Change({twice.keys[0].selector: State.PUBLISHED}, None, twice.keys[0].selector)
    assert twice.due_at == NOW + 300 + EVERY_SECONDS
    assert await watched.signs() == twice.keys[0].selector


async def test_key_that_needs_no_dns_signs_at_once(watched: Watched) -> None:
    domain = await watched.add(needs_dns=False)

    assert domain.signing is not None
    assert await watched.signs(OUTBOX) == domain.signing.selector


async def test_key_that_was_never_found_signs_for_the_outbox_only(database: Database, watched: Watched) -> None:
    domain = await watched.add(needs_dns=False)
    assert await watched.signs(SES) is None
    async with database.read() as c:
        used = select(names.domains.c.name)
        assert await names.health(c, used, OUTBOX, NOW) == {OWN: Health(True, None)}
        assert await names.health(c, used, SES, NOW) == {OWN: Health(False, NOW)}

    seen, _ = await watched.look(NOW, a=Look.RIGHT)
    assert seen.signing is None
    await watched.look(NOW + HOUR, a=Look.RIGHT)
    assert await watched.signs(SES) == domain.keys[0].selector


async def test_next_key_takes_over_when_it_was_found_and_the_old_one_signs_until_then(watched: Watched) -> None:
    first = (await watched.have()).keys[0].selector
    domain = await watched.rotate(NOW + HOUR)
    assert [key.life.state for key in domain.keys] == [State.PENDING, State.PUBLISHED]
    second = domain.keys[0].selector
    assert await watched.signs() == first

    await watched.look(NOW + HOUR, a=Look.RIGHT, b=Look.RIGHT)
    assert await watched.signs() == first
    _, change = await watched.look(NOW + 2 * HOUR, a=Look.RIGHT, b=Look.RIGHT)

    assert change == Change({second: State.PUBLISHED}, first, second)
    assert await watched.signs() == second


async def test_no_selector_comes_again(watched: Watched) -> None:
    """Not under a name that was forgotten, nor in a database that is made anew."""
    selectors = [(await watched.have()).keys[0].selector]
    for days in range(1, 4):
        selectors.append((await watched.rotate(NOW + days * 86_400)).keys[0].selector)
        async with watched.database.write() as c:
            await dkim_keys.forget(c, [(await names.get(c, OWN)).keys[0].id])

    assert len(set(selectors)) == 4
    assert all(re.fullmatch(r"nr202609-[0-9a-f]{4}", each) for each in selectors)


async def test_key_made_while_the_clock_is_behind_is_the_newest(watched: Watched) -> None:
    first = await watched.have()
    domain = await watched.rotate(NOW - HOUR)

    assert domain.keys[1] == first.keys[0]
    assert domain.keys[0].created_at > first.keys[0].created_at


async def test_rotation_while_one_is_pending_shows_that_one(watched: Watched) -> None:
    await watched.have()

    assert (await watched.rotate(NOW)).keys == (await watched.rotate(NOW + HOUR)).keys


async def test_rotation_without_dns_takes_effect_at_once(watched: Watched) -> None:
    await watched.have()

    domain = await watched.rotate(NOW + 40 * 86_400, needs_dns=False)

    assert [key.signs for key in domain.keys] == [True, False]
    assert await watched.signs(OUTBOX) == domain.keys[0].selector


async def test_missing_key_gives_way_to_the_one_before_and_comes_back(watched: Watched) -> None:
    old = (await watched.have()).keys[0].selector
    new = (await watched.rotate(NOW + 1)).keys[0].selector
    for hours in (1, 2):
        await watched.look(NOW + hours * HOUR, a=Look.RIGHT, b=Look.RIGHT)
    await watched.look(NOW + 3 * HOUR, a=Look.WRONG, b=Look.RIGHT)
    assert await watched.signs() == new
    _, change = await watched.look(NOW + 3 * HOUR + DOUBT_SECONDS, a=Look.WRONG, b=Look.RIGHT)
    assert change == Change({new: State.WITHDRAWN}, new, old)
    assert await watched.signs() == old

    for hours in (4, 5):
        await watched.look(NOW + hours * HOUR, a=Look.RIGHT, b=Look.RIGHT)
    assert await watched.signs() == new


async def test_own_domain_without_a_published_key_has_none_that_signs(watched: Watched) -> None:
    await watched.have()
    await watched.look(NOW, a=Look.WRONG)
    domain, change = await watched.look(NOW + DOUBT_SECONDS, a=Look.WRONG)

    assert (domain.signing, change.signs) == (None, None)
    assert domain.due_at == NOW + DOUBT_SECONDS + SOON_SECONDS


async def test_resolvers_that_fail_withdraw_nothing_and_count_as_no_check(database: Database, watched: Watched) -> None:
    await watched.have()
    await watched.look(NOW, a=Look.WRONG)
    for hours in range(1, 5):
        await watched.look(NOW + hours * HOUR, a=Look.UNANSWERED)

    assert await watched.signs() is not None
    async with database.read() as c:
        assert (await c.execute(select(names.domains.c.checked_at))).scalar_one() == NOW


async def test_default_domains_only_key_is_never_withdrawn(database: Database, sealing: Keyring) -> None:
    watched = Watched(database, sealing, DOMAIN)
    await watched.have()
    for hours in range(4):
        domain, change = await watched.look(NOW + hours * HOUR, trusted=True, a=Look.WRONG)
        assert (domain.signing, change.moved) == (domain.keys[0], {})
    async with database.read() as c:
        found = await names.health(c, select(services.services.c.domain), SES, NOW + 4 * HOUR)
    assert found == {DOMAIN: Health(False, NOW + 3 * HOUR)}

    await watched.look(NOW + 5 * HOUR, trusted=True, a=Look.RIGHT)
    async with database.read() as c:
        found = await names.health(c, select(services.services.c.domain), SES, NOW + 5 * HOUR)
    assert found == {DOMAIN: Health(True, NOW + 5 * HOUR)}


async def test_default_domains_next_key_gives_way_to_its_first(database: Database, sealing: Keyring) -> None:
    watched = Watched(database, sealing, DOMAIN)
    old = (await watched.have()).keys[0].selector
    await watched.rotate(NOW, needs_dns=False)
    await watched.look(NOW, trusted=True, a=Look.WRONG, b=Look.RIGHT)
    await watched.look(NOW + DOUBT_SECONDS, trusted=True, a=Look.WRONG, b=Look.RIGHT)

    assert await watched.signs() == old


async def test_key_whose_record_is_gone_is_forgotten_by_the_next_rotation(watched: Watched) -> None:
    await watched.have()
    await watched.rotate(NOW, needs_dns=False)
    await watched.look(NOW, a=Look.RIGHT, b=Look.WRONG)
    await watched.look(NOW + HOUR, a=Look.RIGHT, b=Look.WRONG)
    domain = await watched.rotate(NOW + 2 * HOUR)

    assert [key.life.state for key in domain.keys] == [State.PENDING, State.PUBLISHED]


async def test_of_several_machines_one_looks(database: Database, watched: Watched) -> None:
    await watched.add()

    async with database.read() as c:
        [due] = await names.due(c, NOW)

    async def claim() -> bool:
        async with database.write() as c:
            return await names.claim(c, due, NOW)

    assert sorted(await asyncio.gather(*(claim() for _ in range(4)))) == [False, False, False, True]
    async with database.read() as c:
        assert await names.due(c, NOW) == []


async def test_looks_of_two_machines_at_the_same_time_count_as_one(watched: Watched) -> None:
    await watched.add()
    await asyncio.gather(*(watched.look(NOW + tenth / 10, a=Look.RIGHT) for tenth in range(4)))

    assert await watched.signs() is None


async def test_rotation_meanwhile_is_not_lost(watched: Watched) -> None:
    """A look that began before the key was made says nothing of it."""
    domain = await watched.have()
    await watched.rotate(NOW)
    async with watched.database.write() as c:
        looks = {domain.keys[0].id: (Look.RIGHT, 300.0)}
        after, _ = await names.observe(c, domain, looks, NOW, trusted=False)

    assert [key.life.state for key in after.keys] == [State.PENDING, State.PUBLISHED]


# -- Who may use it ------------------------------------------------------------------------------------------------
async def test_domain_is_usable_once_verified_or_where_no_dns_is_needed(database: Database, watched: Watched) -> None:
    domain = await watched.add()
    async with database.write() as c:
        assert (await names.usable(c, OWN, OUTBOX)).name == OWN
        with pytest.raises(AuthError, match=r"records of domain mail\.example\.ca"):
            await names.usable(c, OWN, SES)
        with pytest.raises(AuthError, match="not known here"):
            await names.usable(c, "other.example.ca", OUTBOX)
        await names.verified(c, domain, NOW)
        assert (await names.usable(c, OWN, SES)).verified_at == NOW
    assert not names.needs_dns(DOMAIN, SES)


async def test_health_is_told_of_domains_that_mail_may_come_from(
    database: Database, sealing: Keyring, watched: Watched
) -> None:
    async with database.write() as c:
        await names.ensure(c, sealing, DOMAIN, NOW)
        await names.add(c, sealing, "unused.example.ca", NOW, needs_dns=True)
    await watched.add()
    async with database.write() as c:
        await services.create(c, DEFAULTS, NOW, name="n", email_from="n", domain=OWN)
        await names.verified(c, await names.get(c, "unused.example.ca"), NOW)
        found = await names.health(c, service_domains.used(), SES, NOW)
        of_outbox = await names.health(c, service_domains.used(), OUTBOX, NOW)

    assert found == {DOMAIN: Health(True, NOW), OWN: Health(False, NOW)}
    assert of_outbox == {DOMAIN: Health(True, None), OWN: Health(False, None)}


async def test_no_two_keys_of_a_domain_sign(database: Database, watched: Watched) -> None:
    await watched.have()
    for number in range(3):
        await watched.rotate(NOW + number, needs_dns=False)

    k = dkim_keys.dkim_keys.c
    async with database.read() as c:
        assert len((await c.execute(select(k.id).where(k.active))).all()) == 1
