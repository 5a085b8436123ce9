"""Recovery codes: ten secrets on paper for who has lost the telephone. Each works once; new ones end the old.

They are hashed as passwords are (argon2id, ASVS 6.5.2), all of one set with one salt, so that one hash looks a code up.
A hash takes a thread some 30 ms: `make` and `hashed` belong outside of a write transaction. Knows nothing of sessions.
"""

import asyncio
import os
import secrets
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from argon2.low_level import Type, hash_secret_raw
from sqlalchemy import (
    Column,
    Double,
    LargeBinary,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata

COUNT = 10
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that reads like another: no 0 O, 1 I L, U V
_GROUPS, _GROUP_CHARACTERS = 3, 4  # 58 bits
_MAX_TYPED_CHARACTERS = 64
_SALT_BYTES = 16

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),
    Column("salt", LargeBinary, nullable=False),  # of all of a user's
    Column("hash", LargeBinary, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("used_at", Double),
    UniqueConstraint("user_id", "hash", name="recovery_codes_hash"),
)
_c = recovery_codes.c


@dataclass(frozen=True, slots=True)
class Made:
    """A set with its codes: the only time that they are seen."""

    codes: tuple[str, ...] = field(repr=False)
    salt: bytes = field(repr=False)
    hashes: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user has of them; the time is seconds since the epoch."""

    left: int
    made_at: float


async def make() -> Made:
    """Ten new codes, of nobody yet."""
    codes, salt = tuple(_code() for _ in range(COUNT)), os.urandom(_SALT_BYTES)
    hashes = await asyncio.to_thread(lambda: tuple(_hash(code, salt) for code in codes))
    return Made(codes, salt, hashes)


async def put(connection: AsyncConnection, user_id: UUID, made: Made, now: float) -> None:
    """In place of all that the user had."""
    await drop(connection, user_id)
    rows = [
        {"id": uuid4(), "user_id": user_id, "salt": made.salt, "hash": each, "made_at": now} for each in made.hashes
    ]
    await connection.execute(insert(recovery_codes), rows)


async def hashed(connection: AsyncConnection, user_id: UUID, code: str) -> bytes | None:
    """What `use` looks for; None: the user has no codes."""
    salt = await connection.scalar(select(_c.salt).where(_c.user_id == user_id).limit(1))
    return None if salt is None else await asyncio.to_thread(_hash, code, salt)


async def use(connection: AsyncConnection, user_id: UUID, found: bytes, now: float) -> bool:
    """Whether it was one of the user's that nobody had used."""
    unused = (_c.user_id == user_id, _c.hash == found, _c.used_at.is_(None))
    return (await connection.execute(update(recovery_codes).where(*unused).values(used_at=now))).rowcount == 1


async def standing(connection: AsyncConnection, user_id: UUID) -> Standing | None:
    """None: never made."""
    unused = func.count().filter(_c.used_at.is_(None))
    left, made_at = (await connection.execute(select(unused, func.max(_c.made_at)).where(_c.user_id == user_id))).one()
    return None if made_at is None else Standing(left, made_at)


async def drop(connection: AsyncConnection, user_id: UUID) -> None:
    await connection.execute(delete(recovery_codes).where(_c.user_id == user_id))


def _code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def _hash(code: str, salt: bytes) -> bytes:
    """However it is typed: small letters, without hyphens, with spaces."""
    plain = "".join(code.upper().replace("-", "").split())[:_MAX_TYPED_CHARACTERS].encode()
    return hash_secret_raw(plain, salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID)
