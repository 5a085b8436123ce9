"""Invitations into a service's team: to one address, for two days, by a code that only this address's account can use.

Addresses are people's: encrypted, and found by keyed hash. Of the code there is a hash only. Knows nothing of mails or
pages.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Double, ForeignKey, LargeBinary, Select, Table, Text, delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import INVITATION_UNKNOWN, INVITATIONS_FULL, INVITED_ALREADY, NO_PERMISSION, AuthError
from auth.people.permissions import Permission
from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Keyring
from messages.address import Address

OPEN_SECONDS = 2 * 86_400.0
MAX_OPEN = 50  # of a service
_KEPT_SECONDS = 30 * 86_400.0  # after its end
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike
_CODE_CHARACTERS = 12  # 59 bits; and only the account of the address may try

invitations = Table(
    "invitations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, ForeignKey("services.id"), nullable=False, index=True),
    Column(
        "address",
        Encrypted("invitation", found_by="address_hash", key=lambda text: Address.parse(text).key),
        nullable=False,
    ),
    Column("address_hash", LargeBinary, nullable=False, index=True),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("permissions", Text, nullable=False),  # names, separated by spaces
    Column("invited_by", Id, nullable=False),  # a user
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("ended_at", Double),  # accepted or cancelled; null: neither
)
_c = invitations.c


@dataclass(frozen=True, slots=True)
class Invitation:
    """Times are seconds since the epoch."""

    id: UUID
    service_id: UUID
    address: str
    permissions: frozenset[Permission]
    invited_by: UUID
    created_at: float
    expires_at: float


async def add(
    connection: AsyncConnection,
    keyring: Keyring,
    now: float,
    *,
    service_id: UUID,
    address: Address,
    permissions: Collection[Permission],
    invited_by: UUID,
) -> tuple[Invitation, str]:
    """The invitation and its code, which is told by mail alone. Raises AuthError."""
    if not permissions:
        raise AuthError(NO_PERMISSION)
    present = await of_service(connection, keyring, service_id, now)
    if any(Address.parse(each.address).key == address.key for each in present):
        raise AuthError(INVITED_ALREADY)
    if len(present) >= MAX_OPEN:
        raise AuthError(INVITATIONS_FULL, limit=MAX_OPEN)
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARACTERS))
    held, ends = frozenset(permissions), now + OPEN_SECONDS
    made = Invitation(uuid4(), service_id, str(address), held, invited_by, now, ends)
    await connection.execute(
        insert(invitations).values(
            id=made.id,
            service_id=service_id,
            address=cipher(_c.address, keyring).encrypt(made.address.encode(), row_id(made.id)),
            address_hash=hasher(_c.address, keyring).hash(address.key),
            code_hash=_hash(code),
            permissions=" ".join(sorted(held)),
            invited_by=invited_by,
            created_at=now,
            expires_at=ends,
        )
    )
    return made, written(code)


async def of_service(connection: AsyncConnection, keyring: Keyring, service_id: UUID, now: float) -> list[Invitation]:
    """Those that are open, oldest first."""
    rows = await connection.execute(_open(now).where(_c.service_id == service_id))
    return [_invitation(row, keyring) for row in rows.mappings()]


async def of_address(connection: AsyncConnection, keyring: Keyring, address: Address, now: float) -> list[Invitation]:
    """Those that are open for an address, oldest first."""
    hashes = hasher(_c.address, keyring).candidates(address.key)
    rows = await connection.execute(_open(now).where(_c.address_hash.in_(hashes)))
    return [_invitation(row, keyring) for row in rows.mappings()]


async def by_code(connection: AsyncConnection, keyring: Keyring, code: str, address: Address, now: float) -> Invitation:
    """The open one of this code, for its own address alone. Raises AuthError: nobody else learns that there is one."""
    row = (await connection.execute(_open(now).where(_c.code_hash == _hash(read(code))))).mappings().one_or_none()
    found = None if row is None else _invitation(row, keyring)
    if found is None or Address.parse(found.address).key != address.key:
        raise AuthError(INVITATION_UNKNOWN)
    return found


async def of_id(
    connection: AsyncConnection, keyring: Keyring, service_id: UUID, invitation_id: UUID, now: float
) -> Invitation:
    """The open one of the service. Raises AuthError."""
    statement = _open(now).where(_c.service_id == service_id, _c.id == invitation_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise AuthError(INVITATION_UNKNOWN)
    return _invitation(row, keyring)


async def end(connection: AsyncConnection, invitation: Invitation, now: float) -> None:
    """It was accepted or cancelled. Raises AuthError when it ended in between: of two who accept, one does."""
    mine = update(invitations).where(_c.id == invitation.id, _c.ended_at.is_(None), _c.expires_at > now)
    if not (await connection.execute(mine.values(ended_at=now))).rowcount:
        raise AuthError(INVITATION_UNKNOWN)


async def sweep(connection: AsyncConnection, now: float) -> int:
    """Drops those that ended long ago: they hold somebody's address."""
    return (await connection.execute(delete(invitations).where(_c.expires_at < now - _KEPT_SECONDS))).rowcount


def written(code: str) -> str:
    """As people read and type it: in fours."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read(text: str) -> str:
    """A code as it was made, however it was typed."""
    return "".join(text.split()).replace("-", "").lower()


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()  # too many to guess, so it needs no key


def _open(now: float) -> Select[Any]:
    return select(invitations).where(_c.ended_at.is_(None), _c.expires_at > now).order_by(_c.created_at, _c.id)


def _invitation(row: RowMapping, keyring: Keyring) -> Invitation:
    return Invitation(
        id=row[_c.id],
        service_id=row[_c.service_id],
        address=cipher(_c.address, keyring).decrypt(row[_c.address], row_id(row[_c.id])).decode(),
        permissions=frozenset(map(Permission, row[_c.permissions].split())),
        invited_by=row[_c.invited_by],
        created_at=row[_c.created_at],
        expires_at=row[_c.expires_at],
    )
