"""Root secrets: a wrong one is noticed, and an old one can be retired."""

import asyncio
import socket
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import select

from auth import guests, keys, presence, roots, services
from auth.domains import names
from auth.errors import AuthError
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring, KeyringError
from config.settings import Email
from delivery import rotation
from messages.message import Dsn, KeyType
from tests.fakes.auth import DEFAULTS, DOMAIN
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

OLD, NEW = Keyring.generate(), Keyring.generate()


async def test_another_root_than_the_databases_is_noticed(database: Database) -> None:
    async def start(roots_: str) -> None:
        async with database.write() as connection:
            await roots.leave(connection, "secret", Keyring.parse(roots_))

    both = f"{NEW},{OLD}"
    for each in (OLD, both, OLD):  # what is under the old one opens with it, until all is under the new one
        await start(each)
    with pytest.raises(KeyringError, match="not the one that this database was made with"):
        await start(NEW)
    await rotation.rotate(database, Keyring.parse(both), Keyring.parse(both), lambda: NOW)
    for each in (both, NEW):
        await start(each)
    with pytest.raises(KeyringError, match="not the one that this database was made with"):
        await start(OLD)


async def test_two_first_starts_at_once_agree_on_one_root(database: Database) -> None:
    async def start(root: str) -> None:
        async with database.write() as connection:
            await roots.leave(connection, "secret", Keyring.parse(root))

    results = await asyncio.gather(start(OLD), start(NEW), start(OLD), return_exceptions=True)
    assert {type(result) for result in results} == {type(None), KeyringError}


async def test_after_rotate_everything_opens_without_the_old_root(database: Database) -> None:
    old, both, new = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}"), Keyring.parse(NEW)
    async with database.write() as connection:
        await names.ensure(connection, old, DOMAIN, NOW)
        service = await services.create(connection, DEFAULTS, NOW, name="S", email_from="s", domain=DOMAIN, live=True)
        issued = await keys.create(connection, old, DEFAULTS, service, NOW, name="k", type=KeyType.NORMAL)
        await guests.add(connection, old, service.id, "guest@example.com", NOW)
    sent, content = message(service_id=service.id, dsn=Dsn(envid="file 31")), b"x" * 600_000
    await Store(database, old).putting.put(group_of((sent,), content))

    assert (
        await rotation.rotate(database, both, both, lambda: NOW) == 3 + 4 + 1 + 1 + 1
    )  # parts, message fields, key, guest, DKIM
    assert await rotation.rotate(database, both, both, lambda: NOW) == 0

    store = Store(database, new)
    assert await store.searching.load([sent.id]) == {sent.id: sent}
    assert await store.contents.load({sent.content_id}) == {sent.content_id: content}
    async with database.read() as connection:
        assert await names.signing_key(connection, new, DOMAIN, Email()) is not None
    verifier = Verifier(database, new, lambda: NOW, DEFAULTS, default_domain=DOMAIN)
    principal = await verifier.verify(issued.key.smtp_username, issued.smtp_password)
    assert principal.guests == {"guest@example.com"}
    await verifier.close()


async def test_allowed_senders_are_encrypted_and_those_of_a_version_before_become_so(database: Database) -> None:
    old, new = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}")
    async with database.write() as connection:
        await names.ensure(connection, old, DOMAIN, NOW)
        service = await services.create(connection, DEFAULTS, NOW, name="S", email_from="s", domain=DOMAIN, live=True)
        terms = keys.Terms(allowed_from=["ann@dept.example.ca", "@team.example.ca"])
        issued = await keys.create(connection, old, DEFAULTS, service, NOW, name="k", type=KeyType.NORMAL, **terms)
        before = await keys.create(connection, old, DEFAULTS, service, NOW, name="b", type=KeyType.NORMAL)
        row = keys.keys.update().where(keys.keys.c.id == before.key.id)
        await connection.execute(row.values(allowed_from="ann@dept.example.ca @team.example.ca"))

    async def allowed(keyring: Keyring) -> list[frozenset[str]]:
        async with database.read() as connection:
            return [key.allowed_from for key in await keys.list_all(connection, keyring, DEFAULTS)]

    async def at_rest() -> str:
        async with database.read() as connection:
            return str((await connection.execute(select(keys.keys))).all())

    both = [frozenset({"ann@dept.example.ca", "@team.example.ca"})] * 2
    assert await allowed(old) == both
    assert (await at_rest()).count("dept.example.ca") == 1
    await rotation.rotate(database, new, new, lambda: NOW)
    assert "dept.example.ca" not in await at_rest()
    assert await allowed(Keyring.parse(NEW)) == both
    async with database.write() as connection:
        successor = await keys.rotate(connection, new, DEFAULTS, issued.key.id, NOW)
        assert successor.key.allowed_from == both[0]
        assert (await keys.update(connection, new, DEFAULTS, issued.key.id, allowed_from=[])).allowed_from == set()


async def test_a_version_before_reads_nobody_where_allowed_senders_are_encrypted(database: Database) -> None:
    """It runs on while a deployment is replaced, and an empty list is no limit to it."""
    keyring = Keyring.parse(OLD)
    async with database.write() as connection:
        await names.ensure(connection, keyring, DOMAIN, NOW)
        service = await services.create(connection, DEFAULTS, NOW, name="S", email_from="s", domain=DOMAIN, live=True)
        terms = keys.Terms(allowed_from=["ann@dept.example.ca"])
        made = await keys.create(connection, keyring, DEFAULTS, service, NOW, name="k", type=KeyType.NORMAL, **terms)

        async def clear() -> str:
            return str((await connection.execute(select(keys.keys.c.allowed_from))).scalar_one())

        assert await clear() == "@invalid"
        assert await keys.seal_allowed_senders(connection, keyring) == 0  # there is nothing to encrypt in it
        assert (await keys.find(connection, keyring, DEFAULTS, made.key.id)).allowed_from == {"ann@dept.example.ca"}
        await keys.update(connection, keyring, DEFAULTS, made.key.id, allowed_from=[])
        assert await clear() == ""  # anyone, to every version


async def test_a_process_that_reads_the_old_root_only_is_named_until_it_is_gone(database: Database) -> None:
    now = NOW
    old, both, other = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}"), Keyring.parse(Keyring.generate())

    async def check() -> None:
        async with database.read() as connection:
            await presence.check_none_behind(connection, {"secret": both, "sealing": other}, now)

    await check()
    async with presence.announced(database, "http", {"secret": both}, lambda: now):
        async with presence.announced(database, "smtp", {"secret": old}, lambda: now):
            with pytest.raises(AuthError, match=rf"smtp@{socket.gethostname()} \(20") as told:
                await check()
            assert "http" not in str(told.value)
        await check()  # it ended
        async with presence.announced(database, "worker", {"secret": both, "sealing": old}, lambda: now):
            with pytest.raises(AuthError, match="worker"):
                await check()
    killed = asyncio.create_task(_forever(presence.announced(database, "smtp", {"secret": old}, lambda: now)))
    await asyncio.sleep(0.2)
    with pytest.raises(AuthError):
        await check()
    now += presence.GONE_SECONDS + 1  # without a sign of life
    await check()
    killed.cancel()


async def test_a_process_that_took_the_old_root_for_good_while_it_rotated_is_named_at_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, both = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}")
    async with database.write() as connection:
        await roots.leave(connection, "secret", old)
    late = presence.announced(database, "smtp", {"secret": old}, lambda: NOW)
    columns, done = rotation._rotate_columns, []

    async def columns_and_a_start(*given: Any) -> int:
        count = await columns(*given)
        if not done:  # its proof is not renewed yet, so the old root is still good
            await late.__aenter__()
        done.append(count)
        return count

    monkeypatch.setattr(rotation, "_rotate_columns", columns_and_a_start)
    with pytest.raises(AuthError, match="smtp"):
        await rotation.rotate(database, both, both, lambda: NOW)
    await late.__aexit__(None, None, None)
    assert await rotation.rotate(database, both, both, lambda: NOW) == 0


async def _forever(block: AbstractAsyncContextManager[None]) -> None:
    async with block:
        await asyncio.Event().wait()
