"""Codes of authenticator apps: each once, each for a minute and a half at most, and of an app that proved itself."""

import asyncio
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import select

from auth.errors import AuthError
from auth.people import totp
from auth.people.totp import MAX_APPS, SETUP_SECONDS, STEP_SECONDS, App
from config.database import Database
from config.keyring import Keyring
from tests.fakes.auth import NOW


def code(app: App, now: float = NOW) -> str:
    """As an app shows it."""
    return pyotp.TOTP(app.secret).at(int(now))


async def begin(database: Database, keyring: Keyring, user_id: UUID, name: str = "Telephone", now: float = NOW) -> App:
    async with database.write() as connection:
        return await totp.begin(connection, keyring, user_id, name, now)


async def set_up(database: Database, keyring: Keyring, user_id: UUID, now: float = NOW - 600) -> App:
    app = await begin(database, keyring, user_id, now=now)
    async with database.write() as connection:
        assert await totp.prove(connection, app, code(app, now), now)
    return app


async def use(database: Database, keyring: Keyring, user_id: UUID, given: str, now: float = NOW) -> App | None:
    async with database.write() as connection:
        return await totp.use(connection, keyring, user_id, given, now)


async def test_an_app_counts_once_it_has_proved_itself(database: Database, keyring: Keyring, user_id: UUID) -> None:
    app = await begin(database, keyring, user_id)
    assert await use(database, keyring, user_id, code(app)) is None
    async with database.write() as connection:
        assert not await totp.prove(connection, app, "000000", NOW)
        assert await totp.of_user(connection, keyring, user_id) == []
        assert await totp.prove(connection, app, code(app), NOW)
    later = NOW + STEP_SECONDS
    found = await use(database, keyring, user_id, code(app, later), later)
    assert found is not None
    assert (found.id, found.name) == (app.id, "Telephone")


async def test_asvs_6_5_1_a_code_is_taken_once(database: Database, keyring: Keyring, user_id: UUID) -> None:
    """ASVS 6.5.1: not even that with which the app was set up; and none before it."""
    app = await begin(database, keyring, user_id)
    async with database.write() as connection:
        assert await totp.prove(connection, app, code(app), NOW)
    assert await use(database, keyring, user_id, code(app)) is None
    assert await use(database, keyring, user_id, code(app, NOW - STEP_SECONDS)) is None


async def test_of_those_who_send_one_code_at_once_one_gets_in(
    database: Database, keyring: Keyring, user_id: UUID
) -> None:
    app = await set_up(database, keyring, user_id)
    found = await asyncio.gather(*(use(database, keyring, user_id, code(app)) for _ in range(5)))
    assert [each is not None for each in found].count(True) == 1


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_asvs_6_5_5_a_code_ends(
    database: Database, keyring: Keyring, user_id: UUID, steps: int, is_taken: bool
) -> None:
    """ASVS 6.5.5; RFC 6238 5.2 grants one step to the way and the clocks."""
    app = await set_up(database, keyring, user_id)
    found = await use(database, keyring, user_id, code(app, NOW + steps * STEP_SECONDS))
    assert (found is not None) == is_taken


async def test_codes_are_read_as_apps_show_them(database: Database, keyring: Keyring, user_id: UUID) -> None:
    app = await set_up(database, keyring, user_id)
    shown = code(app)
    assert await use(database, keyring, user_id, f" {shown[:3]} {shown[3:]} ") is not None


@pytest.mark.parametrize("given", ["", "é", "12345", "1234567", "x" * 10_000])
async def test_nothing_else_is_a_code(database: Database, keyring: Keyring, user_id: UUID, given: str) -> None:
    await set_up(database, keyring, user_id)
    assert await use(database, keyring, user_id, given) is None


async def test_a_code_is_its_users_alone(
    database: Database, keyring: Keyring, user_id: UUID, other_user_id: UUID
) -> None:
    app = await set_up(database, keyring, user_id)
    assert await use(database, keyring, other_user_id, code(app)) is None


async def test_secrets_are_encrypted_at_rest(database: Database, keyring: Keyring, user_id: UUID) -> None:
    app = await set_up(database, keyring, user_id)
    async with database.read() as connection:
        kept = await connection.scalar(select(totp.totps.c.secret))
    assert app.secret.encode() not in kept
    assert len(app.secret) == 32  # 160 bits, as many as SHA-1 takes (RFC 4226 4)
    assert app.secret not in repr(app)


async def test_beginning_again_leaves_nothing_of_the_first(database: Database, keyring: Keyring, user_id: UUID) -> None:
    first, second = [await begin(database, keyring, user_id, name) for name in ("first", "second")]
    async with database.write() as connection:
        found = await totp.beginning(connection, keyring, user_id, NOW)
        assert found == second
        assert not await totp.prove(connection, first, code(first), NOW)
        assert await totp.beginning(connection, keyring, user_id, NOW + SETUP_SECONDS) is None


async def test_a_user_has_a_bounded_number(database: Database, keyring: Keyring, user_id: UUID) -> None:
    for _ in range(MAX_APPS):
        await set_up(database, keyring, user_id)
    with pytest.raises(AuthError, match=str(MAX_APPS)):
        await begin(database, keyring, user_id)


async def test_an_app_is_told_issuer_and_account(database: Database, keyring: Keyring, user_id: UUID) -> None:
    app = await begin(database, keyring, user_id)
    read = pyotp.parse_uri(app.uri("Notify relay", "amala@example.ca"))
    assert (read.issuer, read.name, read.secret) == ("Notify relay", "amala@example.ca", app.secret)
