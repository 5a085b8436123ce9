"""Users: who has an account of the web site. People are people: name, address and number are encrypted.

An address is found by its keyed hash. Knows nothing of how somebody proves to be one of them, nor of what they may do.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Column, Double, LargeBinary, Table, Text, delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import reply_tos
from auth.errors import BAD_PERSON_NAME, BAD_USER_ADDRESS, USER_TAKEN, USER_UNKNOWN, AuthError
from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Keyring
from messages.address import Address, AddressError
from messages.message import Language
from messages.text import clean

MAX_NAME_CHARACTERS = 100
MAX_LISTED = 1000
UNVERIFIED_SECONDS = 24 * 3600.0
_SWEPT_AT_ONCE = 100
_OPERATORS = 20  # that a letter goes to

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", Encrypted("user", found_by="email_hash", key=lambda text: Address.parse(text).key), nullable=False),
    Column("email_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Encrypted("user name"), nullable=False),
    Column("phone", Encrypted("user phone")),  # E.164; null: none was proved
    Column("language", Text, nullable=False),
    Column("operator", Boolean, nullable=False),
    Column("password", Encrypted("user password")),  # as argon2 encodes it; null: none was chosen yet
    Column("created_at", Double, nullable=False, index=True),
    Column("verified_at", Double),  # a code that was mailed came back; null: nobody can sign in
    Column("held_at", Double),
)
_c = users.c
_TEXTS = ("email", "name", "phone", "password")


@dataclass(frozen=True, slots=True)
class User:
    """Times are seconds since the epoch."""

    id: UUID
    email: str
    name: str
    language: Language
    operator: bool
    created_at: float
    held_at: float | None = None
    verified_at: float | None = None
    phone: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def may_sign_in(self) -> bool:
        return self.held_at is None and self.verified_at is not None and self.password is not None


async def create(
    c: AsyncConnection,
    keyring: Keyring,
    now: float,
    *,
    email: str,
    name: str,
    language: Language,
    operator: bool,
    password: str | None = None,
    verified: bool = False,
    user_id: UUID | None = None,
) -> User:
    """Raises AuthError. `password` is encoded."""
    address, called = parse_address(email), parse_name(name)
    if await by_email(c, keyring, email):
        raise AuthError(USER_TAKEN)
    user_id = user_id or uuid4()
    await c.execute(
        insert(users).values(
            id=user_id,
            email_hash=hasher(_c.email, keyring).hash(address.key),
            language=language,
            operator=operator,
            created_at=now,
            verified_at=now if verified else None,
            **_encrypted(keyring, user_id, email=str(address), name=called, password=password),
        )
    )
    found = await find(c, keyring, user_id)
    assert found is not None
    return found


async def find(c: AsyncConnection, keyring: Keyring, user_id: UUID) -> User | None:
    row = (await c.execute(select(users).where(_c.id == user_id))).mappings().one_or_none()
    return None if row is None else _user(row, keyring)


async def get(c: AsyncConnection, keyring: Keyring, user_id: UUID, *, to_change: bool = False) -> User:
    """Raises AuthError. `to_change`: nobody else changes it before the transaction ends."""
    if to_change:
        await c.execute(select(_c.id).where(_c.id == user_id).with_for_update(key_share=True))
    found = await find(c, keyring, user_id)
    if found is None:
        raise AuthError(USER_UNKNOWN)
    return found


async def by_email(c: AsyncConnection, keyring: Keyring, email: str) -> User | None:
    """None: nobody has it, or it is no address."""
    try:
        key = Address.parse(email.strip()).key
    except AddressError:
        return None
    hashes = hasher(_c.email, keyring).candidates(key)
    row = (await c.execute(select(users).where(_c.email_hash.in_(hashes)))).mappings().one_or_none()
    return None if row is None else _user(row, keyring)


def known_as(email: str) -> str:
    """What all spellings of an address have in common; of what is no address, what was typed."""
    try:
        return Address.parse(email.strip()).key
    except AddressError:
        return email.strip().casefold()


async def named(c: AsyncConnection, keyring: Keyring, text: str) -> User:
    """By id or address. Raises AuthError."""
    try:
        found = await find(c, keyring, UUID(text))
    except ValueError:
        found = await by_email(c, keyring, text)
    if found is None:
        raise AuthError(USER_UNKNOWN)
    return found


async def of_ids(c: AsyncConnection, keyring: Keyring, ids: Collection[UUID]) -> dict[UUID, User]:
    """Those that there are, for lists that name people."""
    rows = await c.execute(select(users).where(_c.id.in_(ids)))
    return {row[_c.id]: _user(row, keyring) for row in rows.mappings()}


async def list_all(c: AsyncConnection, keyring: Keyring) -> list[User]:
    """The newest first."""
    rows = await c.execute(select(users).order_by(_c.created_at.desc(), _c.id).limit(MAX_LISTED))
    return [_user(row, keyring) for row in rows.mappings()]


async def change(c: AsyncConnection, keyring: Keyring, user: User, **values: Any) -> User:
    """Of `values` those of User's fields that change, the password encoded. Raises AuthError."""
    texts = {name: values.pop(name) for name in _TEXTS if name in values}
    if "name" in texts:
        texts["name"] = parse_name(texts["name"])
    if "email" in texts:
        address = parse_address(texts["email"])
        other = await by_email(c, keyring, texts["email"])
        if other is not None and other.id != user.id:
            raise AuthError(USER_TAKEN)
        texts["email"] = str(address)
        values["email_hash"] = hasher(_c.email, keyring).hash(address.key)
    values |= _encrypted(keyring, user.id, **texts)
    await c.execute(update(users).where(_c.id == user.id).values(**values))
    return await get(c, keyring, user.id)


async def drop(c: AsyncConnection, user: User) -> None:
    """Of somebody who never proved the address, and so has nothing here."""
    await c.execute(delete(users).where(_c.id == user.id, _c.verified_at.is_(None)))


async def sweep(c: AsyncConnection, now: float) -> int:
    """Drops some of those who did not prove their address within a day."""
    never = select(_c.id).where(
        _c.verified_at.is_(None), _c.held_at.is_(None), _c.created_at < now - UNVERIFIED_SECONDS
    )
    # Again in the statement: who proves it at this moment stays.
    some = delete(users).where(_c.id.in_(never.limit(_SWEPT_AT_ONCE)), _c.verified_at.is_(None))
    return (await c.execute(some)).rowcount


async def operators(connection: AsyncConnection, keyring: Keyring) -> dict[UUID, str]:
    """The addresses of those who can sign in, some at most."""
    well = (_c.operator, _c.verified_at.is_not(None), _c.held_at.is_(None))
    rows = await connection.execute(select(_c.id, _c.email).where(*well).order_by(_c.id).limit(_OPERATORS))
    opened = cipher(_c.email, keyring)
    return {row.id: opened.decrypt(row.email, row_id(row.id)).decode() for row in rows}


def parse_name(text: str) -> str:
    """Raises AuthError."""
    name = clean(text)
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        raise AuthError(BAD_PERSON_NAME, limit=MAX_NAME_CHARACTERS)
    return name


def parse_address(text: str) -> Address:
    """Raises AuthError."""
    return Address.parse(reply_tos.parse(text, BAD_USER_ADDRESS))


def _encrypted(keyring: Keyring, user_id: UUID, **texts: str | None) -> dict[str, bytes | None]:
    return {
        name: None if text is None else cipher(_c[name], keyring).encrypt(text.encode(), row_id(user_id))
        for name, text in texts.items()
    }


def _user(row: RowMapping, keyring: Keyring) -> User:
    texts = {
        name: None if row[_c[name]] is None else cipher(_c[name], keyring).decrypt(row[_c[name]], row_id(row[_c.id]))
        for name in _TEXTS
    }
    plain: dict[str, Any] = {name: None if octets is None else octets.decode() for name, octets in texts.items()}
    return User(
        id=row[_c.id],
        language=Language(row[_c.language]),
        operator=row[_c.operator],
        created_at=row[_c.created_at],
        held_at=row[_c.held_at],
        verified_at=row[_c.verified_at],
        **plain,
    )
