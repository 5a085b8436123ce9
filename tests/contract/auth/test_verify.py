"""Log-ins, and how fast an end is followed, on SQLite and on PostgreSQL."""

import asyncio
import hmac
import os
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from auth import guests, keys, senders, services, verify
from auth.errors import AuthError
from auth.lookups import Unavailable
from auth.people import memberships, users
from auth.people.permissions import Permission
from auth.principal import Key, Service
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from messages.message import KeyType, Language
from messages.reply import (
    CREDENTIALS_INVALID,
    DEVICE_KEY_UNKNOWN,
    KEY_REVOKED,
    SERVICE_HELD,
    Refused,
    Reply,
)
from tests.fakes.auth import DEFAULTS, DOMAIN, NOW, FixedClock, away, counted, refused, settled

ANY = Keyring([bytes(32)])  # for keys that allow all senders: there is nothing to open


async def test_every_way_to_write_the_credentials_logs_in(
    verifier: Verifier, issued: keys.Issued, service: Service
) -> None:
    user = issued.key.smtp_username
    for name in (user, user.upper(), f"{user}@{DOMAIN}", f" {user}@{DOMAIN.upper()}"):
        for password in (issued.smtp_password, issued.secret.upper(), issued.api_key):
            principal = await verifier.verify(name, password)
            assert (principal.service, principal.key) == (service, issued.key)


async def test_the_team_is_reached_as_guests_are(
    database: Database, keyring: Keyring, verifier: Verifier, service: Service, issued: keys.Issued
) -> None:
    async with database.write() as c:
        for name, held in (("Ann", None), ("Ben", NOW)):
            named = {"email": f"{name}@Dept.gc.ca", "name": name, "language": Language.EN, "operator": False}
            user = await users.create(c, keyring, NOW, **named)  # type: ignore[arg-type]
            await memberships.add(c, service.id, user.id, {Permission.VIEW_ACTIVITY}, NOW)
            await users.change(c, keyring, user, held_at=held, phone="+16135550100")

    principal = await verifier.verify(issued.key.smtp_username, issued.smtp_password)
    assert principal.guests == {"ann@dept.gc.ca", "+16135550100"}


async def test_principal_holds_guests_and_registered_senders(
    database: Database, keyring: Keyring, verifier: Verifier, issued: keys.Issued, service: Service
) -> None:
    async with database.write() as c:
        await guests.add(c, keyring, service.id, "guest@example.ca", NOW)
        await senders.add(c, service.id, "@example.ca", NOW)
    principal = await verifier.verify(issued.key.smtp_username, issued.secret)
    assert principal.guests == {"guest@example.ca"}
    assert principal.registered == {"@example.ca"}


async def test_wrong_credentials_are_refused_alike(verifier: Verifier, issued: keys.Issued) -> None:
    user = issued.key.smtp_username
    for name, password in [
        (user, str(uuid4())),
        (user, ""),
        ("nobody-00000000", issued.secret),
        ("", ""),
        ("é" * 5000, "\x00"),
        (f"{user}@other.example.ca", issued.secret),
    ]:
        with refused(CREDENTIALS_INVALID):
            await verifier.verify(name, password)


async def test_wrong_password_costs_the_same_work_as_an_unknown_name(
    verifier: Verifier, issued: keys.Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for name in (issued.key.smtp_username, "nobody-00000000", "not a name"):
        with refused(CREDENTIALS_INVALID):
            await verifier.verify(name, "wrong")
    assert compared == [(32, 32)] * 3


async def test_secret_of_an_older_root_still_logs_in(
    database: Database, keyring: Keyring, clock: FixedClock, issued: keys.Issued
) -> None:
    rotated = Keyring([os.urandom(32), *keyring._roots])
    verifier = Verifier(database, rotated, clock, DEFAULTS, default_domain=DOMAIN)
    assert (await verifier.verify(issued.key.smtp_username, issued.secret)).key == issued.key
    await verifier.close()


async def test_key_for_networks_needs_a_client_from_them(
    database: Database, keyring: Keyring, verifier: Verifier, service: Service
) -> None:
    async with database.write() as c:
        bound = await keys.create(
            c, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.TEST, networks=["192.0.2.9/24"]
        )
    assert bound.key.networks == ("192.0.2.0/24",)
    assert await verifier.verify(bound.key.smtp_username, bound.secret, "192.0.2.1")
    for client_ip in ("198.51.100.1", None):
        with refused(CREDENTIALS_INVALID):
            await verifier.verify(bound.key.smtp_username, bound.secret, client_ip)


async def test_client_known_by_its_address_is_who_its_key_says(
    database: Database, keyring: Keyring, verifier: Verifier, issued: keys.Issued, service: Service, clock: FixedClock
) -> None:
    async with database.write() as c:
        bound = await keys.create(
            c, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.TEST, networks=["192.0.2.0/24"]
        )
    assert (await verifier.identify(issued.key.smtp_username, "198.51.100.1")).key == issued.key
    assert (await verifier.identify(bound.key.smtp_username, "192.0.2.1")).key == bound.key
    for username, client_ip in ((bound.key.smtp_username, "198.51.100.1"), ("nobody-00000000", "192.0.2.1")):
        with refused(DEVICE_KEY_UNKNOWN):
            await verifier.identify(username, client_ip)
    async with database.write() as c:
        await keys.revoke(c, keyring, DEFAULTS, issued.key.id, clock.now)
        await services.update(c, DEFAULTS, service.id, held=True)
    clock.now += 5
    with refused(KEY_REVOKED):
        await verifier.identify(issued.key.smtp_username, "198.51.100.1")
    with refused(SERVICE_HELD):
        await verifier.identify(bound.key.smtp_username, "192.0.2.1")


async def test_cached_log_in_asks_the_database_nothing(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    principal = await verifier.verify(issued.key.smtp_username, issued.secret)
    clock.now += 1.9
    with counted(database) as statements:
        for _ in range(100):
            await verifier.verify(issued.key.smtp_username, issued.secret)
            await verifier.current(principal)
            with refused(CREDENTIALS_INVALID):
                await verifier.verify(issued.key.smtp_username, "wrong")
    assert statements == []


async def test_stale_entry_is_served_while_one_look_up_renews_it(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    await verifier.verify(issued.key.smtp_username, issued.secret)
    clock.now += 3
    with counted(database) as statements:
        for _ in range(100):
            await verifier.verify(issued.key.smtp_username, issued.secret)
        await settled(verifier)
    assert sum("FROM keys" in each for each in statements) == 1


async def test_many_first_log_ins_share_one_look_up(
    database: Database, verifier: Verifier, issued: keys.Issued
) -> None:
    with counted(database) as statements:
        await asyncio.gather(*(verifier.verify(issued.key.smtp_username, issued.secret) for _ in range(50)))
    assert sum("FROM keys" in each for each in statements) == 1


async def test_unknown_names_are_remembered_for_a_second_and_bounded(
    database: Database, keyring: Keyring, issued: keys.Issued, clock: FixedClock
) -> None:
    verifier = Verifier(database, keyring, clock, DEFAULTS, default_domain=DOMAIN, max_entries=3)
    await verifier.verify(issued.key.smtp_username, issued.secret)
    with counted(database) as statements:
        for name in ["nobody-0"] * 5 + [f"nobody-{n}" for n in range(5)]:
            with refused(CREDENTIALS_INVALID):
                await verifier.verify(name, issued.secret)
        assert sum("FROM keys" in each for each in statements) == 5
        await verifier.verify(issued.key.smtp_username, issued.secret)
        assert sum("FROM keys" in each for each in statements) == 5  # guesses did not push out the real key
    assert len(verifier._by_username._unknown) == 3


async def _revoke(c: Any, key: Key, clock: FixedClock) -> None:
    await keys.revoke(c, ANY, DEFAULTS, key.id, clock.now)


async def _hold(c: Any, key: Key, clock: FixedClock) -> None:
    await services.hold(c, DEFAULTS, key.service_id)


@pytest.mark.parametrize(("end", "reply"), [(_revoke, KEY_REVOKED), (_hold, SERVICE_HELD)])
@pytest.mark.parametrize("busy", [True, False])
async def test_revoked_key_and_held_service_are_out_within_5_seconds(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock, end: Any, reply: Reply, busy: bool
) -> None:
    principal = await verifier.verify(issued.key.smtp_username, issued.secret)
    async with database.write() as c:
        await end(c, issued.key, clock)
    for _ in range(49):
        clock.now += 0.1
        if busy:
            try:
                await verifier.current(principal)
            except Refused:
                break
            await settled(verifier)
    with refused(reply):
        await verifier.current(principal)
    with refused(reply):
        await verifier.verify(issued.key.smtp_username, issued.secret)


async def test_released_service_is_in_again(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    principal = await verifier.verify(issued.key.smtp_username, issued.secret)
    for change, held in ((services.hold, True), (services.release, False)):
        async with database.write() as c:
            await change(c, DEFAULTS, issued.key.service_id)
        clock.now += 5
        if held:
            with refused(SERVICE_HELD):
                await verifier.current(principal)
    assert await verifier.current(principal) == principal


async def test_database_away_is_temporary_and_ends_what_is_cached_within_5_seconds(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    principal = await verifier.verify(issued.key.smtp_username, issued.secret)
    with away(database):
        clock.now += 4.2
        assert await verifier.current(principal) == principal
        clock.now += 0.4
        with pytest.raises(Unavailable):
            await verifier.current(principal)
        with pytest.raises(Unavailable):
            await verifier.verify(issued.key.smtp_username, issued.secret)
        with pytest.raises(Unavailable):
            await verifier.verify("nobody-00000000", issued.secret)
    assert await verifier.current(principal) == principal


async def test_clock_set_back_does_not_keep_a_revoked_key(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    principal = await verifier.verify(issued.key.smtp_username, issued.secret)
    async with database.write() as c:
        await keys.revoke(c, ANY, DEFAULTS, issued.key.id, clock.now)
    clock.now -= 3600
    with refused(KEY_REVOKED):
        await verifier.current(principal)


async def test_cancelled_log_in_leaves_the_others_alone(verifier: Verifier, issued: keys.Issued) -> None:
    user = issued.key.smtp_username
    first = asyncio.create_task(verifier.verify(user, issued.secret))
    second = asyncio.create_task(verifier.verify(user, issued.secret))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).key == issued.key
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_rotated_key_keeps_its_settings_and_the_old_one_ends_after_the_overlap(
    database: Database, keyring: Keyring, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    async with database.write() as c:
        new = await keys.rotate(c, keyring, DEFAULTS, issued.key.id, clock.now, overlap_seconds=60)
    assert (new.key.name, new.key.type, new.key.lane) == (issued.key.name, issued.key.type, issued.key.lane)
    assert new.key.smtp_username != issued.key.smtp_username
    assert (await verifier.verify(new.key.smtp_username, new.secret)).key == new.key
    clock.now += 59
    await verifier.verify(issued.key.smtp_username, issued.secret)
    clock.now += 1
    with refused(KEY_REVOKED):
        await verifier.verify(issued.key.smtp_username, issued.secret)
    async with database.write() as c:
        with pytest.raises(AuthError):
            await keys.rotate(c, keyring, DEFAULTS, issued.key.id, clock.now)


async def test_last_use_is_written_at_most_every_10_seconds(
    database: Database, verifier: Verifier, issued: keys.Issued, clock: FixedClock
) -> None:
    async def written() -> float | None:
        async with database.read() as c:
            return (await keys.find(c, ANY, DEFAULTS, issued.key.id)).last_used_at

    assert await written() is None
    await verifier.verify(issued.key.smtp_username, issued.secret)
    await verifier.flush_last_used()
    assert await written() == NOW
    clock.now += 9
    verifier.used(issued.key.id)
    await verifier.flush_last_used()
    assert await written() == NOW
    clock.now += 1
    verifier.used(issued.key.id)
    with away(database):
        await verifier.flush_last_used()  # kept for the next time
    await verifier.flush_last_used()
    assert await written() == NOW + 10


async def test_run_writes_last_use_when_it_is_cancelled(
    database: Database, verifier: Verifier, issued: keys.Issued
) -> None:
    running = asyncio.create_task(verifier.run())
    await verifier.verify(issued.key.smtp_username, issued.secret)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with database.read() as c:
        assert (await keys.find(c, ANY, DEFAULTS, issued.key.id)).last_used_at == NOW


# Readers of SQLite in WAL mode wait for nobody.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_look_up_that_hangs_ends_as_temporary(
    database: Database, verifier: Verifier, issued: keys.Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.write() as c:
        await c.execute(text("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE"))
        with monkeypatch.context() as hurried:
            hurried.setattr(verify, "TIMEOUT_SECONDS", 0.2)
            with pytest.raises(Unavailable):
                await verifier.verify(issued.key.smtp_username, issued.secret)
    await settled(verifier)
    assert (await verifier.verify(issued.key.smtp_username, issued.secret)).key == issued.key
