"""The keys of a service, as the HTTP door tries them: what is known, and what a new key asks for."""

import asyncio

import pytest

from auth import keys
from auth.lookups import Unavailable
from auth.principal import Service
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from messages.message import KeyType
from tests.fakes.auth import DEFAULTS, NOW, FixedClock, away, counted


async def _issue(database: Database, keyring: Keyring, service: Service, name: str) -> keys.Issued:
    async with database.write() as c:
        return await keys.create(c, keyring, DEFAULTS, service, NOW, name=name, type=KeyType.TEST)


async def test_keys_come_with_the_secrets_that_sign(verifier: Verifier, issued: keys.Issued) -> None:
    found = await verifier.credentials(issued.key.service_id)
    assert found is not None
    assert [(each.principal.key, each.secret) for each in found.keys] == [(issued.key, issued.secret)]


async def test_a_key_made_since_is_found_by_who_asks_anew(
    database: Database, keyring: Keyring, service: Service, verifier: Verifier, issued: keys.Issued
) -> None:
    await verifier.credentials(service.id)
    second = await _issue(database, keyring, service, "second")
    known = await verifier.credentials(service.id)
    assert known is not None
    assert [each.principal.key for each in known.keys] == [issued.key]
    anew = await verifier.credentials(service.id, anew=True)
    assert anew is not None
    assert {each.secret for each in anew.keys} == {issued.secret, second.secret}
    assert await verifier.credentials(service.id) == anew


async def test_a_look_up_that_runs_already_is_not_new_enough(
    database: Database, keyring: Keyring, service: Service, verifier: Verifier, issued: keys.Issued
) -> None:
    running = asyncio.create_task(verifier.credentials(service.id))
    await asyncio.sleep(0)
    with counted(database) as statements:
        found = await asyncio.gather(*(verifier.credentials(service.id, anew=True) for _ in range(20)))
    await running
    assert all(each == found[0] for each in found)
    assert sum("FROM services" in each for each in statements) == 2, "the running one, and one for all twenty"


async def test_who_asks_anew_while_the_database_is_away_is_put_off(
    database: Database, service: Service, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    known = await verifier.credentials(service.id)
    with away(database):
        with pytest.raises(Unavailable):
            await verifier.credentials(service.id, anew=True)
        assert await verifier.credentials(service.id) == known
