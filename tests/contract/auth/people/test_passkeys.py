"""Passkeys: what a device made for us, verified its owner for, and was asked for in this session, once."""

import json
from typing import Any
from uuid import UUID

import pytest
from webauthn.helpers import base64url_to_bytes

from auth.errors import AuthError
from auth.people import passkeys
from auth.people.ceremonies import MAX_ANSWER_CHARACTERS, Ceremonies, RelyingParty
from auth.people.challenges import LIFE_SECONDS
from auth.people.passkeys import MAX_PASSKEYS, Passkey
from config.database import Database
from config.keyring import Keyring
from tests.fakes.auth import NOW
from tests.fakes.authenticator import Authenticator, with_challenge

ORIGIN = "https://relay.example.ca"
PARTY = RelyingParty.at(ORIGIN + "/", "Notify relay")
assert PARTY is not None


@pytest.fixture
def ceremonies(keyring: Keyring) -> Ceremonies:
    assert PARTY is not None
    return Ceremonies(PARTY, keyring, "one session")


def asked_to_register(ceremonies: Ceremonies, user_id: UUID, now: float = NOW) -> dict[str, Any]:
    return ceremonies.registration_options(user_id, "amala@example.ca", "Amala Okafor", (), now)


async def register(
    database: Database, ceremonies: Ceremonies, user_id: UUID, device: Authenticator, answer: str | None = None
) -> Passkey:
    answer = answer or device.create(asked_to_register(ceremonies, user_id))
    async with database.write() as connection:
        return await ceremonies.register(connection, user_id, "Laptop", answer, NOW)


async def authenticate(
    database: Database, ceremonies: Ceremonies, device: Authenticator, answer: str | None = None, now: float = NOW
) -> Passkey:
    answer = answer or device.get(ceremonies.authentication_options(NOW))
    async with database.write() as connection:
        return await ceremonies.authenticate(connection, answer, now)


async def test_a_device_that_was_registered_signs_in(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    device = Authenticator(ORIGIN)
    made = await register(database, ceremonies, user_id, device)
    found = await authenticate(database, ceremonies, device)
    assert (found.id, found.user_id, found.name) == (made.id, user_id, "Laptop")
    async with database.read() as connection:
        (kept,) = await passkeys.of_user(connection, user_id)
    assert (kept.used_at, kept.sign_count) == (NOW, 1)


async def test_synchronised_passkeys_do_not_count(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    device = Authenticator(ORIGIN, counts=False)
    await register(database, ceremonies, user_id, device)
    for _ in range(2):
        await authenticate(database, ceremonies, device)


def test_what_is_asked_for_needs_a_verified_user_and_a_resident_key(ceremonies: Ceremonies, user_id: UUID) -> None:
    asked = asked_to_register(ceremonies, user_id)
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["rp"]["id"] == "relay.example.ca"
    assert base64url_to_bytes(asked["user"]["id"]) == user_id.bytes  # nothing that says who it is
    assert ceremonies.authentication_options(NOW)["userVerification"] == "required"


@pytest.mark.parametrize("url", ["http://127.0.0.1:6080/", "https://[2001:db8::1]/", ""])
def test_addresses_have_no_passkeys(url: str) -> None:
    assert RelyingParty.at(url, "Notify relay") is None


async def test_asvs_6_5_1_an_answer_is_taken_once(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    """ASVS 6.5.1, though the device counts nothing that would tell."""
    device = Authenticator(ORIGIN, counts=False)
    await register(database, ceremonies, user_id, device)
    answer = device.get(ceremonies.authentication_options(NOW))
    await authenticate(database, ceremonies, device, answer)
    with pytest.raises(AuthError):
        await authenticate(database, ceremonies, device, answer)


async def test_a_registration_is_taken_once(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    device = Authenticator(ORIGIN)
    answer = device.create(asked_to_register(ceremonies, user_id))
    made = await register(database, ceremonies, user_id, device, answer)
    async with database.write() as connection:
        await passkeys.remove(connection, made.id)
    with pytest.raises(AuthError):
        await register(database, ceremonies, user_id, device, answer)


async def test_a_device_is_registered_once(
    database: Database, ceremonies: Ceremonies, user_id: UUID, other_user_id: UUID
) -> None:
    device = Authenticator(ORIGIN)
    await register(database, ceremonies, user_id, device)
    with pytest.raises(AuthError):
        await register(database, ceremonies, other_user_id, device)


async def test_asvs_6_6_2_a_challenge_belongs_to_its_session(
    database: Database, ceremonies: Ceremonies, keyring: Keyring, user_id: UUID
) -> None:
    """ASVS 6.6.2: what somebody got a person to sign elsewhere is worth nothing."""
    device = Authenticator(ORIGIN)
    await register(database, ceremonies, user_id, device)
    other = Ceremonies(ceremonies.party, keyring, "another session")
    with pytest.raises(AuthError):
        await authenticate(database, ceremonies, device, device.get(other.authentication_options(NOW)))


async def test_asvs_6_5_5_a_challenge_ends(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    """ASVS 6.5.5."""
    device = Authenticator(ORIGIN)
    await register(database, ceremonies, user_id, device)
    answer = device.get(ceremonies.authentication_options(NOW))
    with pytest.raises(AuthError):
        await authenticate(database, ceremonies, device, answer, NOW + LIFE_SECONDS)


async def test_one_users_registration_is_no_others(
    database: Database, ceremonies: Ceremonies, user_id: UUID, other_user_id: UUID
) -> None:
    device = Authenticator(ORIGIN)
    answer = device.create(asked_to_register(ceremonies, other_user_id))
    with pytest.raises(AuthError):
        await register(database, ceremonies, user_id, device, answer)


async def test_a_device_that_did_not_ask_for_its_owner_is_refused(
    database: Database, ceremonies: Ceremonies, user_id: UUID
) -> None:
    device = Authenticator(ORIGIN)
    await register(database, ceremonies, user_id, device)
    device.verifies = False
    with pytest.raises(AuthError):
        await authenticate(database, ceremonies, device)
    with pytest.raises(AuthError):
        await register(database, ceremonies, user_id, Authenticator(ORIGIN, verifies=False))


async def test_other_origins_are_refused(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    """What a phisher relays is signed with the phisher's origin."""
    device = Authenticator(ORIGIN)
    await register(database, ceremonies, user_id, device)
    device.origin = "https://relay-example.ca"
    with pytest.raises(AuthError):
        await authenticate(database, ceremonies, device)


async def test_a_copied_device_is_found_out(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    """Its counter is not ahead of the one that was seen last (WebAuthn 7.2)."""
    device = Authenticator(ORIGIN)
    await register(database, ceremonies, user_id, device)
    await authenticate(database, ceremonies, device)
    device.sign_count = 0
    with pytest.raises(AuthError):
        await authenticate(database, ceremonies, device)


async def test_no_octets_get_through(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    """Whatever comes is refused as a wrong answer is, and nothing is kept."""
    device = Authenticator(ORIGIN)
    good = device.create(asked_to_register(ceremonies, user_id))
    ours = base64url_to_bytes(asked_to_register(ceremonies, user_id)["challenge"])
    parsed = json.loads(good)
    bad = [
        *("", "[]", "null", "{", '{"response": 1}', "9" * (MAX_ANSWER_CHARACTERS + 1), "[" * 10_000),
        *(with_challenge(good, each) for each in (b"", b"x", ours[:-1], ours[:24], bytes(len(ours)))),
        *(json.dumps({**parsed, name: value}) for name in parsed for value in (None, 1, "é", [], {})),
        json.dumps({**parsed, "response": {**parsed["response"], "attestationObject": "AAAA"}}),
    ]
    for answer in bad:
        with pytest.raises(AuthError):
            await register(database, ceremonies, user_id, device, answer or " ")
        with pytest.raises(AuthError):
            await authenticate(database, ceremonies, device, answer or " ")
    async with database.read() as connection:
        assert await passkeys.of_user(connection, user_id) == []


async def test_a_user_has_a_bounded_number(database: Database, ceremonies: Ceremonies, user_id: UUID) -> None:
    for _ in range(MAX_PASSKEYS):
        await register(database, ceremonies, user_id, Authenticator(ORIGIN))
    with pytest.raises(AuthError, match=str(MAX_PASSKEYS)):
        await register(database, ceremonies, user_id, Authenticator(ORIGIN))
