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


class Desk:
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
def desk(database: Database, sealing: Keyring) -> Desk:
    return Desk(database, sealing)


async def test_new_key_signs_after_it_was_found_twice(desk: Desk) -> None:
    domain = await desk.add()
    assert domain.signing is None
    assert await desk.signs() is None

    once, change = await desk.look(NOW, a=Look.RIGHT)
    assert (once.signing, once.due_at, change.moved) == (None, NOW + 300, {})
    again, _ = await desk.look(NOW + 299, a=Look.RIGHT)
    assert again.signing is None
    twice, change = await desk.look(NOW + 300, a=Look.RIGHT)
    assert twice.signing is not None
    assert change == Change({twice.keys[0].selector: State.PUBLISHED}, None, twice.keys[0].selector)
    assert twice.due_at == NOW + 300 + EVERY_SECONDS
    assert await desk.signs() == twice.keys[0].selector


async def test_key_that_needs_no_dns_signs_at_once(desk: Desk) -> None:
    domain = await desk.add(needs_dns=False)

    assert domain.signing is not None
    assert await desk.signs(OUTBOX) == domain.signing.selector


async def test_key_that_was_never_found_signs_for_the_outbox_only(database: Database, desk: Desk) -> None:
    domain = await desk.add(needs_dns=False)
    assert await desk.signs(SES) is None
    async with database.read() as c:
        used = select(names.domains.c.name)
        assert await names.health(c, used, OUTBOX, NOW) == {OWN: Health(True, None)}
        assert await names.health(c, used, SES, NOW) == {OWN: Health(False, NOW)}

    seen, _ = await desk.look(NOW, a=Look.RIGHT)
    assert seen.signing is None
    await desk.look(NOW + HOUR, a=Look.RIGHT)
    assert await desk.signs(SES) == domain.keys[0].selector


async def test_next_key_takes_over_when_it_was_found_and_the_old_one_signs_until_then(desk: Desk) -> None:
    first = (await desk.have()).keys[0].selector
    domain = await desk.rotate(NOW + HOUR)
    assert [key.life.state for key in domain.keys] == [State.PENDING, State.PUBLISHED]
    second = domain.keys[0].selector
    assert await desk.signs() == first

    await desk.look(NOW + HOUR, a=Look.RIGHT, b=Look.RIGHT)
    assert await desk.signs() == first
    _, change = await desk.look(NOW + 2 * HOUR, a=Look.RIGHT, b=Look.RIGHT)

    assert change == Change({second: State.PUBLISHED}, first, second)
    assert await desk.signs() == second


async def test_no_selector_comes_again(desk: Desk) -> None:
    """Not under a name that was forgotten, nor in a database that is made anew."""
    selectors = [(await desk.have()).keys[0].selector]
    for days in range(1, 4):
        selectors.append((await desk.rotate(NOW + days * 86_400)).keys[0].selector)
        async with desk.database.write() as c:
            await dkim_keys.forget(c, [(await names.get(c, OWN)).keys[0].id])

    assert len(set(selectors)) == 4
    assert all(re.fullmatch(r"nr202609-[0-9a-f]{4}", each) for each in selectors)


async def test_key_made_while_the_clock_is_behind_is_the_newest(desk: Desk) -> None:
    first = await desk.have()
    domain = await desk.rotate(NOW - HOUR)

    assert domain.keys[1] == first.keys[0]
    assert domain.keys[0].created_at > first.keys[0].created_at


async def test_rotation_while_one_is_pending_shows_that_one(desk: Desk) -> None:
    await desk.have()

    assert (await desk.rotate(NOW)).keys == (await desk.rotate(NOW + HOUR)).keys


async def test_rotation_without_dns_takes_effect_at_once(desk: Desk) -> None:
    await desk.have()

    domain = await desk.rotate(NOW + 40 * 86_400, needs_dns=False)

    assert [key.signs for key in domain.keys] == [True, False]
    assert await desk.signs(OUTBOX) == domain.keys[0].selector


async def test_missing_key_gives_way_to_the_one_before_and_comes_back(desk: Desk) -> None:
    old = (await desk.have()).keys[0].selector
    new = (await desk.rotate(NOW + 1)).keys[0].selector
    for hours in (1, 2):
        await desk.look(NOW + hours * HOUR, a=Look.RIGHT, b=Look.RIGHT)
    await desk.look(NOW + 3 * HOUR, a=Look.WRONG, b=Look.RIGHT)
    assert await desk.signs() == new
    _, change = await desk.look(NOW + 3 * HOUR + DOUBT_SECONDS, a=Look.WRONG, b=Look.RIGHT)
    assert change == Change({new: State.WITHDRAWN}, new, old)
    assert await desk.signs() == old

    for hours in (4, 5):
        await desk.look(NOW + hours * HOUR, a=Look.RIGHT, b=Look.RIGHT)
    assert await desk.signs() == new


async def test_own_domain_without_a_published_key_has_none_that_signs(desk: Desk) -> None:
    await desk.have()
    await desk.look(NOW, a=Look.WRONG)
    domain, change = await desk.look(NOW + DOUBT_SECONDS, a=Look.WRONG)

    assert (domain.signing, change.signs) == (None, None)
    assert domain.due_at == NOW + DOUBT_SECONDS + SOON_SECONDS


async def test_resolvers_that_fail_withdraw_nothing_and_count_as_no_check(database: Database, desk: Desk) -> None:
    await desk.have()
    await desk.look(NOW, a=Look.WRONG)
    for hours in range(1, 5):
        await desk.look(NOW + hours * HOUR, a=Look.UNANSWERED)

    assert await desk.signs() is not None
    async with database.read() as c:
        assert (await c.execute(select(names.domains.c.checked_at))).scalar_one() == NOW


async def test_default_domains_only_key_is_never_withdrawn(database: Database, sealing: Keyring) -> None:
    desk = Desk(database, sealing, DOMAIN)
    await desk.have()
    for hours in range(4):
        domain, change = await desk.look(NOW + hours * HOUR, trusted=True, a=Look.WRONG)
        assert (domain.signing, change.moved) == (domain.keys[0], {})
    async with database.read() as c:
        found = await names.health(c, select(services.services.c.domain), SES, NOW + 4 * HOUR)
    assert found == {DOMAIN: Health(False, NOW + 3 * HOUR)}

    await desk.look(NOW + 5 * HOUR, trusted=True, a=Look.RIGHT)
    async with database.read() as c:
        found = await names.health(c, select(services.services.c.domain), SES, NOW + 5 * HOUR)
    assert found == {DOMAIN: Health(True, NOW + 5 * HOUR)}


async def test_default_domains_next_key_gives_way_to_its_first(database: Database, sealing: Keyring) -> None:
    desk = Desk(database, sealing, DOMAIN)
    old = (await desk.have()).keys[0].selector
    await desk.rotate(NOW, needs_dns=False)
    await desk.look(NOW, trusted=True, a=Look.WRONG, b=Look.RIGHT)
    await desk.look(NOW + DOUBT_SECONDS, trusted=True, a=Look.WRONG, b=Look.RIGHT)

    assert await desk.signs() == old


async def test_key_whose_record_is_gone_is_forgotten_by_the_next_rotation(desk: Desk) -> None:
    await desk.have()
    await desk.rotate(NOW, needs_dns=False)
    await desk.look(NOW, a=Look.RIGHT, b=Look.WRONG)
    await desk.look(NOW + HOUR, a=Look.RIGHT, b=Look.WRONG)
    domain = await desk.rotate(NOW + 2 * HOUR)

    assert [key.life.state for key in domain.keys] == [State.PENDING, State.PUBLISHED]


async def test_of_several_machines_one_looks(database: Database, desk: Desk) -> None:
    await desk.add()

    async with database.read() as c:
        [due] = await names.due(c, NOW)

    async def claim() -> bool:
        async with database.write() as c:
            return await names.claim(c, due, NOW)

    assert sorted(await asyncio.gather(*(claim() for _ in range(4)))) == [False, False, False, True]
    async with database.read() as c:
        assert await names.due(c, NOW) == []


async def test_looks_of_two_machines_at_the_same_time_count_as_one(desk: Desk) -> None:
    await desk.add()
    await asyncio.gather(*(desk.look(NOW + tenth / 10, a=Look.RIGHT) for tenth in range(4)))

    assert await desk.signs() is None


async def test_rotation_meanwhile_is_not_lost(desk: Desk) -> None:
    """A look that began before the key was made says nothing of it."""
    domain = await desk.have()
    await desk.rotate(NOW)
    async with desk.database.write() as c:
        looks = {domain.keys[0].id: (Look.RIGHT, 300.0)}
        after, _ = await names.observe(c, domain, looks, NOW, trusted=False)

    assert [key.life.state for key in after.keys] == [State.PENDING, State.PUBLISHED]


# -- Who may use it ------------------------------------------------------------------------------------------------
async def test_domain_is_usable_once_verified_or_where_no_dns_is_needed(database: Database, desk: Desk) -> None:
    domain = await desk.add()
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
    database: Database, sealing: Keyring, desk: Desk
) -> None:
    async with database.write() as c:
        await names.ensure(c, sealing, DOMAIN, NOW)
        await names.add(c, sealing, "unused.example.ca", NOW, needs_dns=True)
    await desk.add()
    async with database.write() as c:
        await services.create(c, DEFAULTS, NOW, name="n", email_from="n", domain=OWN)
        await names.verified(c, await names.get(c, "unused.example.ca"), NOW)
        found = await names.health(c, service_domains.used(), SES, NOW)
        of_outbox = await names.health(c, service_domains.used(), OUTBOX, NOW)

    assert found == {DOMAIN: Health(True, NOW), OWN: Health(False, NOW)}
    assert of_outbox == {DOMAIN: Health(True, None), OWN: Health(False, None)}


async def test_no_two_keys_of_a_domain_sign(database: Database, desk: Desk) -> None:
    await desk.have()
    for number in range(3):
        await desk.rotate(NOW + number, needs_dns=False)

    k = dkim_keys.dkim_keys.c
    async with database.read() as c:
        assert len((await c.execute(select(k.id).where(k.active))).all()) == 1
