"""One service with one key, and the verifier that doors ask, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from auth import keys, services
from auth.principal import Service
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from messages.message import KeyType, Lane
from tests.fakes.auth import DEFAULTS, DOMAIN, NOW, FixedClock
from tests.harness import domains


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def service(database: Database, sealing: Keyring) -> Service:
    async with database.write() as connection:
        await domains.ensure(connection, sealing, DOMAIN, NOW)
        return await services.create(
            connection, DEFAULTS, NOW, name="Passports", email_from="passports", domain=DOMAIN, live=True
        )


@pytest.fixture
async def issued(database: Database, keyring: Keyring, service: Service) -> keys.Issued:
    async with database.write() as connection:
        return await keys.create(
            connection, keyring, DEFAULTS, service, NOW, name="Scan room", type=KeyType.NORMAL, lane=Lane.BULK
        )


@pytest.fixture
async def verifier(database: Database, keyring: Keyring, clock: FixedClock) -> AsyncIterator[Verifier]:
    verifier = Verifier(database, keyring, clock, DEFAULTS, default_domain=DOMAIN)
    yield verifier
    await verifier.close()
