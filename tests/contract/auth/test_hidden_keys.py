"""What people send by hand has a key, too, and it is one that nobody holds: on SQLite and on PostgreSQL."""

import asyncio
from uuid import uuid4

import pytest

from auth import keys, services
from auth.errors import AuthError
from auth.principal import Service
from auth.verify import Verifier
from config.database import Database
from config.encrypted import cipher, row_id
from config.keyring import Keyring
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, Door, KeyType, Submission, Trace
from messages.reply import CREDENTIALS_INVALID, KEY_REVOKED, SERVICE_HELD
from relay.accept import Acceptor
from relay.preparation.email import EmailPreparer
from tests.fakes.auth import DEFAULTS, NOW, FixedClock, refused
from tests.harness.store import Store

CONTENT = b"From: clerk@city.example\r\nTo: a@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"
TRACE = Trace("site", "192.0.2.1", "HTTP", "mail.example.ca")


async def hidden(database: Database, keyring: Keyring, service: Service) -> keys.Key:
    async with database.write() as c:
        return await keys.hidden(c, keyring, DEFAULTS, service, NOW)


async def test_a_service_has_one_whoever_asks_at_once(database: Database, keyring: Keyring, service: Service) -> None:
    found = await asyncio.gather(*(hidden(database, keyring, service) for _ in range(4)))
    assert len({key.id for key in found}) == 1
    assert (found[0].service_id, found[0].type) == (service.id, KeyType.NORMAL)


async def test_it_acts_for_its_service_without_a_secret_until_the_service_is_held(
    database: Database, keyring: Keyring, service: Service, verifier: Verifier, clock: FixedClock
) -> None:
    key = await hidden(database, keyring, service)
    principal = await verifier.acting(key.id)
    assert (principal.service, principal.key) == (service, key)
    async with database.write() as c:
        await services.hold(c, DEFAULTS, service.id)
    clock.now += 5
    with refused(SERVICE_HELD):
        await verifier.acting(key.id)
    with refused(KEY_REVOKED):
        await verifier.acting(uuid4())


async def test_what_it_sends_is_accepted(
    database: Database, keyring: Keyring, service: Service, verifier: Verifier
) -> None:
    key, store = await hidden(database, keyring, service), Store(database, keyring)
    preparer = EmailPreparer(Brandings(), Templates(database, lambda: NOW), 1 << 20)
    preparers = {Channel.EMAIL: preparer}
    parts = (store.putting, store.idempotency, store.searching, verifier, preparers, store.suppressions, store.pressure)
    acceptor = Acceptor(*parts, max_recipients=10, now=lambda: NOW)
    submission = Submission(Envelope(None, (Address.parse("a@example.org"),)), CONTENT, TRACE, Door.RELAY)
    accepted = await acceptor.accept(submission, await verifier.acting(key.id))
    assert [message.key_id for message in accepted.messages] == [key.id]


async def test_no_other_key_acts_without_its_secret(verifier: Verifier, issued: keys.Issued) -> None:
    with refused(KEY_REVOKED):
        await verifier.acting(issued.key.id)


async def test_nobody_logs_in_with_it(
    database: Database, keyring: Keyring, service: Service, verifier: Verifier
) -> None:
    key = await hidden(database, keyring, service)
    async with database.read() as c:
        row = (await c.execute(keys.keys.select().where(keys.keys.c.id == key.id))).one()
    secret = cipher(keys.keys.c.secret, keyring).decrypt(row.secret, row_id(key.id)).decode()  # as whoever found it out
    with refused(CREDENTIALS_INVALID):
        await verifier.verify(key.smtp_username, secret)
    found = await verifier.credentials(service.id)
    assert found is not None
    assert key.id not in {each.principal.key.id for each in found.keys}


async def test_no_list_shows_it_and_nobody_changes_it(database: Database, keyring: Keyring, service: Service) -> None:
    key = await hidden(database, keyring, service)
    async with database.write() as c:
        assert key.id not in {each.id for each in await keys.list_all(c, keyring, DEFAULTS)}
        for change in (
            keys.named(c, keyring, DEFAULTS, str(key.id)),
            keys.named(c, keyring, DEFAULTS, key.smtp_username),
            keys.update(c, keyring, DEFAULTS, key.id, name="mine"),
            keys.revoke(c, keyring, DEFAULTS, key.id, NOW),
            keys.rotate(c, keyring, DEFAULTS, key.id, NOW),
        ):
            with pytest.raises(AuthError):
                await change
    assert await hidden(database, keyring, service) == key
