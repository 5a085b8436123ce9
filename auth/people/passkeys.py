"""Passkeys of users: the public half of a key pair in somebody's device, by the id that the device gave it.

How one is made and proved: ceremonies.py. Knows nothing of browsers.
"""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import BigInteger, Column, Double, LargeBinary, Table, Text, delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import FACTORS_FULL, PASSKEY_REFUSED, AuthError
from auth.services import parse_name
from config.database import Id, metadata

MAX_PASSKEYS = 10  # of a user

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),  # COSE (RFC 9052)
    Column("sign_count", BigInteger, nullable=False),  # 0 for ever where it is synchronised between devices
    Column("created_at", Double, nullable=False),
    Column("used_at", Double),
)
_c = passkeys.c


@dataclass(frozen=True, slots=True)
class Passkey:
    """Times are seconds since the epoch."""

    id: UUID
    user_id: UUID
    name: str
    credential_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    created_at: float
    used_at: float | None


async def add(connection: AsyncConnection, made: Passkey) -> None:
    """Raises AuthError."""
    if len(await of_user(connection, made.user_id)) >= MAX_PASSKEYS:
        raise AuthError(FACTORS_FULL, limit=MAX_PASSKEYS)
    if await by_credential(connection, made.credential_id) is not None:  # WebAuthn 7.1: it would be somebody else's too
        raise AuthError(PASSKEY_REFUSED)
    row = {name: getattr(made, name) for name in Passkey.__dataclass_fields__}
    row["name"] = parse_name(made.name)
    try:
        async with connection.begin_nested():
            await connection.execute(insert(passkeys).values(**row))
    except IntegrityError:  # PostgreSQL: somebody else was quicker with the same one
        raise AuthError(PASSKEY_REFUSED) from None


async def of_user(connection: AsyncConnection, user_id: UUID) -> list[Passkey]:
    """The oldest first."""
    statement = select(passkeys).where(_c.user_id == user_id).order_by(_c.created_at, _c.id)
    return [_passkey(row) for row in (await connection.execute(statement)).mappings()]


async def by_credential(connection: AsyncConnection, credential_id: bytes) -> Passkey | None:
    """Nobody else uses it before the transaction ends, so that its counter tells true."""
    statement = select(passkeys).where(_c.credential_id == credential_id).with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _passkey(row)


async def used(connection: AsyncConnection, passkey_id: UUID, sign_count: int, now: float) -> None:
    await connection.execute(update(passkeys).where(_c.id == passkey_id).values(sign_count=sign_count, used_at=now))


async def rename(connection: AsyncConnection, passkey_id: UUID, name: str) -> None:
    """Raises AuthError."""
    await connection.execute(update(passkeys).where(_c.id == passkey_id).values(name=parse_name(name)))


async def remove(connection: AsyncConnection, passkey_id: UUID) -> None:
    await connection.execute(delete(passkeys).where(_c.id == passkey_id))


def _passkey(row: RowMapping) -> Passkey:
    return Passkey(**{name: row[name] for name in Passkey.__dataclass_fields__})
