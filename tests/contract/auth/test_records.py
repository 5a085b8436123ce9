"""Services, keys, guests, senders and domains as they are kept, on SQLite and on PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import dkim
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from auth import guests, keys, services
from auth.domains import names, records
from auth.errors import AuthError
from auth.principal import Service
from config import encrypted
from config.database import Database, metadata
from config.keyring import Keyring, KeyringError
from config.settings import Email
from messages.email.dkim import sign
from tests.fakes.auth import DEFAULTS, DOMAIN, NOW

STORED = ("domains", "dkim_keys", "services", "keys", "guests", "senders")


async def test_service_starts_in_trial_with_the_trial_limit_and_goes_live_with_the_live_one(
    database: Database, service: Service
) -> None:
    async with database.write() as c:
        trial = await services.create(c, DEFAULTS, NOW, name="Trial", email_from="trial", domain=DOMAIN)
        live = await services.go_live(c, DEFAULTS, trial.id)
        own = await services.update(c, DEFAULTS, trial.id, per_day=7)
    assert (trial.live, trial.per_day) == (False, DEFAULTS.trial_per_day)
    assert (live.live, live.per_day) == (True, DEFAULTS.live_per_day)
    assert own.per_day == 7
    assert trial.id.version == 4


async def test_two_services_can_not_share_an_address(database: Database, service: Service) -> None:
    with pytest.raises(AuthError, match="another service"):
        async with database.write() as c:
            await services.create(c, DEFAULTS, NOW, name="Other", email_from="PASSPORTS", domain=DOMAIN)


async def test_only_an_address_that_is_taken_is_told_as_taken(database: Database, service: Service) -> None:
    """A value that the table cannot hold is our own fault, and nobody is sent to look for another address."""
    nothing: Any = None
    with pytest.raises(IntegrityError):
        async with database.write() as c:
            await services.create(c, DEFAULTS, NOW, name="n", email_from="other", domain=DOMAIN, branding=nothing)
    with pytest.raises(IntegrityError):
        async with database.write() as c:
            await services.update(c, DEFAULTS, service.id, branding=nothing)


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": "unknown.example.ca"},
        {"email_from": "père"},
        {"email_from": "a b"},
        {"email_from": ""},
        {"name": "\r\n"},
        {"per_day": -1},
        {"reply_to_address": "nobody"},
        {"reply_to_address": "infö@example.org"},
    ],
)
async def test_unusable_service_is_not_made(database: Database, service: Service, changes: dict[str, Any]) -> None:
    wanted = {"name": "Other", "email_from": "other", "domain": DOMAIN} | changes
    with pytest.raises(AuthError):
        async with database.write() as c:
            await services.create(c, DEFAULTS, NOW, **wanted)
    async with database.read() as c:
        assert await services.list_all(c, DEFAULTS) == [service]


async def test_unknown_ids_are_named(database: Database, keyring: Keyring, service: Service) -> None:
    unknown = uuid4()
    async with database.read() as c:
        with pytest.raises(AuthError, match=str(unknown)):
            await services.find(c, DEFAULTS, unknown)
        with pytest.raises(AuthError, match=str(unknown)):
            await keys.find(c, keyring, DEFAULTS, unknown)


async def test_api_key_is_what_published_clients_take_apart(issued: keys.Issued, service: Service) -> None:
    assert issued.api_key == f"gcntfy-scan-room-{service.id}-{issued.secret}"
    assert UUID(issued.api_key[-73:-37]) == service.id
    assert UUID(issued.api_key[-36:]).version == 4
    assert issued.smtp_password == issued.secret.replace("-", "")
    assert len(issued.key.smtp_username) <= 32
    assert issued.secret not in repr(issued)


async def test_guests_come_back_decrypted_and_leave(database: Database, keyring: Keyring, service: Service) -> None:
    cipher = encrypted.cipher(guests.guests.c.address, keyring)
    async with database.write() as c:
        await guests.add(c, keyring, service.id, "Someone@example.ca", NOW)
        await guests.add(c, keyring, service.id, "+1 613 555 0100", NOW)
        with pytest.raises(AuthError):
            await guests.add(c, keyring, service.id, "someone@EXAMPLE.ca", NOW)
        assert await guests.load(c, cipher, service.id) == {"someone@example.ca", "+16135550100"}
        await guests.remove(c, keyring, service.id, "SOMEONE@example.ca")
        with pytest.raises(AuthError):
            await guests.remove(c, keyring, service.id, "someone@example.ca")
        assert await guests.load(c, cipher, service.id) == {"+16135550100"}


async def test_a_guest_whose_number_is_none_any_more_can_leave(
    database: Database, keyring: Keyring, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, cipher = "+15550100", encrypted.cipher(guests.guests.c.address, keyring)
    async with database.write() as c:
        with monkeypatch.context() as then:
            then.setattr(guests, "parse", str)
            await guests.add(c, keyring, service.id, gone, NOW)
        with pytest.raises(AuthError, match="neither"):
            await guests.remove(c, keyring, service.id, "+15550101")
        assert await guests.find(c, keyring, service.id, gone)
        await guests.remove(c, keyring, service.id, f" {gone}")
        assert await guests.load(c, cipher, service.id) == frozenset()


async def test_guest_list_has_an_end(
    database: Database, keyring: Keyring, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "MAX_GUESTS", 2)
    async with database.write() as c:
        await guests.add(c, keyring, service.id, "a@example.ca", NOW)
        await guests.add(c, keyring, service.id, "b@example.ca", NOW)
        with pytest.raises(AuthError, match="at most 2"):
            await guests.add(c, keyring, service.id, "c@example.ca", NOW)


async def test_domain_has_a_key_that_opens_with_the_sealing_key_only(
    database: Database, keyring: Keyring, sealing: Keyring, service: Service
) -> None:
    async with database.write() as c:
        added = await names.add(c, sealing, "Mail.Example.CA", NOW)
        with pytest.raises(AuthError):
            await names.add(c, sealing, "mail.example.ca", NOW)
        assert await names.ensure(c, sealing, "mail.example.ca", NOW) == added
        assert [each.name for each in await names.list_all(c)] == ["mail.example.ca", DOMAIN]
        key = await names.signing_key(c, sealing, "mail.example.ca", Email())
        assert key is not None
        assert (key.domain, key.selector) == ("mail.example.ca", added.shown.selector)
        assert await names.signing_key(c, sealing, "unknown.example.ca", Email()) is None
        with pytest.raises(KeyringError):
            await names.signing_key(c, keyring, "mail.example.ca", Email())


async def test_processes_that_start_together_agree_on_one_key(database: Database, sealing: Keyring) -> None:
    async def ensure() -> names.Domain:
        async with database.write() as c:
            return await names.ensure(c, sealing, DOMAIN, NOW)

    first, *others = await asyncio.gather(*(ensure() for _ in range(3)))
    assert others == [first, first]


async def test_published_record_verifies_what_the_domains_key_signs(
    database: Database, sealing: Keyring, service: Service
) -> None:
    async with database.read() as c:
        domain = await names.find(c, DOMAIN)
        key = await names.signing_key(c, sealing, DOMAIN, Email())
    assert domain is not None
    assert key is not None
    found = {(each.purpose, each.type): each for each in records.records(domain, "ca-central-1")}
    published = found["dkim", "TXT"]
    content = b"From: a@notification.example.ca\r\nTo: b@example.ca\r\nSubject: s\r\n\r\nbody\r\n"
    signed = sign(content, key, NOW)
    signed = signed if signed.endswith(content) else signed + content

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name.rstrip(b".").decode() == published.name
        return published.value.encode()

    assert dkim.verify(signed, dnsfunc=dns)
    assert found["mail-from", "MX"].value == "10 feedback-smtp.ca-central-1.amazonses.com"
    assert found["dmarc", "TXT"].name == f"_dmarc.{DOMAIN}"


async def test_nothing_secret_is_readable_in_the_database(
    database: Database, keyring: Keyring, sealing: Keyring, issued: keys.Issued, service: Service
) -> None:
    async with database.write() as c:
        await guests.add(c, keyring, service.id, "whistle.blower@example.ca", NOW)
    if database.is_sqlite:
        path = Path(database.engine.url.database or "")
        stored = b"".join(each.read_bytes() for each in path.parent.glob("relay.db*"))
    else:
        async with database.read() as c:
            tables = [metadata.tables[name] for name in STORED]
            rows = [row for table in tables for row in await c.execute(select(table))]
        stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert issued.key.smtp_username.encode() in stored
    for text in (issued.secret, issued.smtp_password, "whistle", "PRIVATE KEY"):
        assert text.encode() not in stored
    assert UUID(issued.secret).bytes not in stored
