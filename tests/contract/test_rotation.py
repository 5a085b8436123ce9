"""Root secrets: a wrong one is noticed, and an old one can be retired."""

import asyncio

import pytest

from auth import domains, guests, keys, roots, services
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring, KeyringError
from config.settings import Email
from delivery import rotation
from delivery.store.base import Group
from delivery.store.sql import SqlStore
from messages.message import Dsn, KeyType
from tests.contract.conftest import NOW, message
from tests.fakes.auth import DEFAULTS, DOMAIN

OLD, NEW = Keyring.generate(), Keyring.generate()


async def test_another_root_than_the_databases_is_noticed(database: Database) -> None:
    for keyring in (Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}"), Keyring.parse(NEW)):
        async with database.write() as connection:
            await roots.leave(connection, "secret", keyring)
    with pytest.raises(KeyringError, match="not the one that this database was made with"):
        async with database.write() as connection:
            await roots.leave(connection, "secret", Keyring.parse(OLD))


async def test_two_first_starts_at_once_agree_on_one_root(database: Database) -> None:
    async def start(root: str) -> None:
        async with database.write() as connection:
            await roots.leave(connection, "secret", Keyring.parse(root))

    results = await asyncio.gather(start(OLD), start(NEW), start(OLD), return_exceptions=True)
    assert {type(result) for result in results} == {type(None), KeyringError}


async def test_after_rotate_everything_opens_without_the_old_root(database: Database) -> None:
    old, both, new = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}"), Keyring.parse(NEW)
    async with database.write() as connection:
        await domains.ensure(connection, old, DOMAIN, NOW)
        service = await services.create(connection, DEFAULTS, NOW, name="S", email_from="s", domain=DOMAIN, live=True)
        issued = await keys.create(connection, old, DEFAULTS, service, NOW, name="k", type=KeyType.NORMAL)
        await guests.add(connection, old, service.id, "guest@example.com", NOW)
    sent, content = message(service_id=service.id, dsn=Dsn(envid="file 31")), b"x" * 600_000
    await SqlStore(database, old).put(Group((sent,), content))

    assert await rotation.rotate(database, both, both) == 3 + 4 + 1 + 1 + 1  # parts, message fields, key, guest, DKIM
    assert await rotation.rotate(database, both, both) == 0

    store = SqlStore(database, new)
    assert await store.load([sent.id]) == {sent.id: sent}
    assert await store.contents({sent.content_id}) == {sent.content_id: content}
    async with database.read() as connection:
        assert await domains.signing_key(connection, new, DOMAIN, Email()) is not None
    verifier = Verifier(database, new, lambda: NOW, DEFAULTS, default_domain=DOMAIN)
    principal = await verifier.verify(issued.key.smtp_username, issued.smtp_password)
    assert principal.guests == {"guest@example.com"}
    await verifier.close()
