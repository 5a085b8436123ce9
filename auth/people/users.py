"""Users: who has an account. (A stand-in until the branch `people` is merged.)"""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Column, Double, LargeBinary, Table, Text, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Keyring
from messages.address import Address
from messages.message import Language

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", Encrypted("user", found_by="email_hash", key=lambda text: Address.parse(text).key), nullable=False),
    Column("email_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("operator", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("held_at", Double),
)
_c = users.c


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    email: str
    name: str
    language: Language
    operator: bool
    created_at: float
    held_at: float | None


async def create(
    c: AsyncConnection, keyring: Keyring, now: float, *, email: str, name: str, language: Language, operator: bool
) -> User:
    user_id, address = uuid4(), Address.parse(email)
    await c.execute(
        insert(users).values(
            id=user_id,
            email=cipher(_c.email, keyring).encrypt(email.encode(), row_id(user_id)),
            email_hash=hasher(_c.email, keyring).hash(address.key),
            name=name,
            language=language,
            operator=operator,
            created_at=now,
        )
    )
    return User(user_id, email, name, language, operator, now, None)


async def find(c: AsyncConnection, keyring: Keyring, user_id: UUID) -> User | None:
    row = (await c.execute(select(users).where(_c.id == user_id))).mappings().one_or_none()
    return None if row is None else _user(row, keyring)


async def by_email(c: AsyncConnection, keyring: Keyring, email: str) -> User | None:
    hashes = hasher(_c.email, keyring).candidates(Address.parse(email).key)
    row = (await c.execute(select(users).where(_c.email_hash.in_(hashes)))).mappings().one_or_none()
    return None if row is None else _user(row, keyring)


def _user(row: RowMapping, keyring: Keyring) -> User:
    return User(
        id=row[_c.id],
        email=cipher(_c.email, keyring).decrypt(row[_c.email], row_id(row[_c.id])).decode(),
        name=row[_c.name],
        language=Language(row[_c.language]),
        operator=row[_c.operator],
        created_at=row[_c.created_at],
        held_at=row[_c.held_at],
    )
