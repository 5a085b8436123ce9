"""The terms of a key as they are kept, changed, taken off and handed on, on SQLite and on PostgreSQL."""

from typing import Any

import pytest

from auth import keys
from auth.errors import AuthError
from auth.principal import Option, Service
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from messages.message import MAX_LIFETIME_SECONDS, KeyType, Lane, Language
from messages.reply import CREDENTIALS_INVALID, Refused
from tests.fakes.auth import DEFAULTS, NOW, FixedClock

TERMS: dict[str, Any] = {
    "lane": Lane.BULK,
    "language": Language.FR,
    "branding": "none",
    "reply_to_address": "desk@dept.example.ca",
    "lifetime_seconds": 600,
    "per_minute": 7,
    "max_message_bytes": 2048,
    "max_recipients": 5,
    "allowed_from": ["Ann@Dept.example.ca", "@Team.example.ca", "ann@dept.example.ca"],
    "fixed": [Option.LANE, Option.REPLY_TO],
    "networks": ["192.0.2.9/24", "2001:db8::/32", "::ffff:198.51.100.0/120"],
    "expires_at": NOW + 1000,
}
KEPT = TERMS | {
    "allowed_from": {"ann@dept.example.ca", "@team.example.ca"},
    "fixed": {Option.LANE, Option.REPLY_TO},
    "networks": ("192.0.2.0/24", "2001:db8::/32", "198.51.100.0/24"),
}
NONE = {name: type(value)() if isinstance(value, set | tuple) else None for name, value in KEPT.items()} | {
    "per_minute": DEFAULTS.per_minute
}


async def create(database: Database, keyring: Keyring, service: Service, **terms: Any) -> keys.Issued:
    async with database.write() as c:
        return await keys.create(c, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.NORMAL, **terms)


def terms_of(key: keys.Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in TERMS}


async def test_terms_are_kept_and_handed_on_to_the_successor(
    database: Database, keyring: Keyring, service: Service
) -> None:
    issued = await create(database, keyring, service, **TERMS)
    async with database.write() as c:
        successor = await keys.rotate(c, keyring, DEFAULTS, issued.key.id, NOW, overlap_seconds=10)

    assert terms_of(issued.key) == KEPT
    assert terms_of(successor.key) == KEPT | {"expires_at": None}


async def test_key_without_terms_says_nothing_of_its_own(
    database: Database, keyring: Keyring, service: Service
) -> None:
    assert terms_of((await create(database, keyring, service)).key) == NONE


async def test_each_term_can_be_set_and_taken_off_alone(database: Database, keyring: Keyring, service: Service) -> None:
    key_id = (await create(database, keyring, service)).key.id
    async with database.write() as c:
        for name, value in TERMS.items():
            changed = await keys.update(c, keyring, DEFAULTS, key_id, **{name: value})
            assert terms_of(changed) == NONE | {name: KEPT[name]}
            assert terms_of(await keys.update(c, keyring, DEFAULTS, key_id, **{name: None})) == NONE


@pytest.mark.parametrize(
    "terms",
    [
        {"reply_to_address": "nobody"},
        {"reply_to_address": "infö@example.org"},
        {"lifetime_seconds": 0},
        {"lifetime_seconds": MAX_LIFETIME_SECONDS + 1},
        {"max_message_bytes": 1023},
        {"max_recipients": 0},
        {"per_minute": 0},
        {"per_minute": 2**31},
        {"max_recipients": 2**31},
        {"allowed_from": ["example.ca"]},
        {"allowed_from": ["@localhost"]},
        {"allowed_from": ["ann@dept.example.ca, bob@dept.example.ca"]},
        {"allowed_from": ["Ann <ann@dept.example.ca>"]},
        {"allowed_from": ["@"]},
        {"allowed_from": [""]},
        {"allowed_from": ["\u212aim@dept.example.ca"]},
        {"allowed_from": [f"a{n}@dept.example.ca" for n in range(keys.MAX_LISTED + 1)]},
        {"networks": ["here"]},
        {"networks": [""]},
        {"networks": [f"2001:db8:{n:x}::/48" for n in range(keys.MAX_LISTED + 1)]},
    ],
)
async def test_unusable_terms_are_refused_and_change_nothing(
    database: Database, keyring: Keyring, service: Service, terms: dict[str, Any]
) -> None:
    with pytest.raises(AuthError):
        await create(database, keyring, service, **terms)
    issued = await create(database, keyring, service, **TERMS)
    with pytest.raises(AuthError):
        async with database.write() as c:
            await keys.update(c, keyring, DEFAULTS, issued.key.id, **terms)

    async with database.read() as c:
        assert await keys.list_all(c, keyring, DEFAULTS) == [issued.key]


async def test_key_keeps_a_name(database: Database, keyring: Keyring, service: Service) -> None:
    issued = await create(database, keyring, service)
    async with database.write() as c:
        with pytest.raises(AuthError):
            await keys.update(c, keyring, DEFAULTS, issued.key.id, name="")


@pytest.mark.parametrize("inside", ["192.0.2.1", "::ffff:192.0.2.1"])
async def test_open_session_is_out_when_its_address_is_no_longer_listed(
    database: Database, keyring: Keyring, service: Service, verifier: Verifier, clock: FixedClock, inside: str
) -> None:
    issued = await create(database, keyring, service, networks=["192.0.2.0/24"])
    principal = await verifier.verify(issued.key.smtp_username, issued.secret, inside)
    assert await verifier.current(principal, inside) == principal
    async with database.write() as c:
        await keys.update(c, keyring, DEFAULTS, issued.key.id, networks=["198.51.100.0/24"])
    clock.now += 5

    with pytest.raises(Refused) as caught:
        await verifier.current(principal, inside)
    assert caught.value.reply is CREDENTIALS_INVALID
    for elsewhere in ("", None):
        with pytest.raises(Refused):
            await verifier.current(principal, elsewhere)
    assert (await verifier.current(principal, "198.51.100.7")).key.networks == ("198.51.100.0/24",)
