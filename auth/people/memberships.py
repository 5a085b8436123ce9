"""Memberships: who is in a service's team, and what each may do there. Asked at every request: a change holds at once.

Knows nothing of invitations or pages.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Double, ForeignKey, Table, Text, delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import services
from auth.errors import LAST_MANAGER, MEMBER_TAKEN, MEMBER_UNKNOWN, MEMBERS_FULL, AuthError
from auth.people import users
from auth.people.permissions import Permission
from auth.principal import Service
from config.database import Id, metadata
from config.encrypted import cipher, row_id
from config.keyring import Keyring
from config.settings import Limits
from messages.address import Address
from messages.phone import PhoneNumber

MAX_MEMBERS = 100  # of a service: all are decrypted when a key is looked up, and stand on one page

memberships = Table(
    "memberships",
    metadata,
    Column("service_id", Id, ForeignKey("services.id"), primary_key=True),
    Column("user_id", Id, primary_key=True, index=True),
    Column("permissions", Text, nullable=False),  # names, separated by spaces
    Column("created_at", Double, nullable=False),
)
_c = memberships.c


@dataclass(frozen=True, slots=True)
class Membership:
    """Times are seconds since the epoch."""

    service_id: UUID
    user_id: UUID
    permissions: frozenset[Permission]
    created_at: float

    @property
    def manages(self) -> bool:
        return Permission.MANAGE_SERVICE in self.permissions


async def find(connection: AsyncConnection, service_id: UUID, user_id: UUID) -> Membership | None:
    """None: not of the team."""
    statement = select(memberships).where(_c.service_id == service_id, _c.user_id == user_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _membership(row)


async def get(connection: AsyncConnection, service_id: UUID, user_id: UUID) -> Membership:
    """Raises AuthError when they are not of the team."""
    found = await find(connection, service_id, user_id)
    if found is None:
        raise AuthError(MEMBER_UNKNOWN)
    return found


async def of_service(connection: AsyncConnection, service_id: UUID) -> list[Membership]:
    """The team, who came first first."""
    statement = select(memberships).where(_c.service_id == service_id).order_by(_c.created_at, _c.user_id)
    return [_membership(row) for row in (await connection.execute(statement)).mappings()]


async def of_user(connection: AsyncConnection, limits: Limits, user_id: UUID) -> list[tuple[Service, Membership]]:
    """The services that they are of the team of, by name."""
    mine = (await connection.execute(select(memberships).where(_c.user_id == user_id))).mappings()
    held = {row[_c.service_id]: _membership(row) for row in mine}
    found = (await services.of_ids(connection, limits, held)).values()
    return [(each, held[each.id]) for each in sorted(found, key=lambda each: (each.name.casefold(), each.id))]


async def reached(connection: AsyncConnection, keyring: Keyring, service_id: UUID) -> frozenset[str]:
    """Where the team gets messages, as addresses and numbers are compared: like guests, also in trial."""
    u = users.users.c
    statement = select(u.id, u.email, u.phone).join_from(memberships, users.users, u.id == _c.user_id)
    rows = await connection.execute(statement.where(_c.service_id == service_id, u.held_at.is_(None)))
    found = set()
    for row in rows:
        found.add(Address.parse(cipher(u.email, keyring).decrypt(row.email, row_id(row.id)).decode()).key)
        if row.phone is not None:
            found.add(PhoneNumber.parse(cipher(u.phone, keyring).decrypt(row.phone, row_id(row.id)).decode()).key)
    return frozenset(found)


async def holders(
    connection: AsyncConnection, service_ids: Collection[UUID], permission: Permission
) -> set[tuple[UUID, UUID]]:
    """Who holds it in these services: pairs of a service and a user."""
    columns = (_c.service_id, _c.user_id, _c.permissions)
    rows = await connection.execute(select(*columns).where(_c.service_id.in_(service_ids)))
    return {(row.service_id, row.user_id) for row in rows if permission.value in row.permissions.split()}


async def add(
    connection: AsyncConnection, service_id: UUID, user_id: UUID, permissions: Collection[Permission], now: float
) -> Membership:
    """Raises AuthError when they are of the team already, or it is full."""
    team = await of_service(connection, service_id)
    if any(each.user_id == user_id for each in team):
        raise AuthError(MEMBER_TAKEN)
    if len(team) >= MAX_MEMBERS:
        raise AuthError(MEMBERS_FULL, limit=MAX_MEMBERS)
    made = Membership(service_id, user_id, frozenset(permissions), now)
    row = {"service_id": service_id, "user_id": user_id, "permissions": _written(permissions), "created_at": now}
    await connection.execute(insert(memberships).values(**row))
    return made


async def change(
    connection: AsyncConnection, service_id: UUID, user_id: UUID, permissions: Collection[Permission]
) -> Membership:
    """They may do this from now on, and nothing else. Raises AuthError when nobody would manage the service then.

    Whoever calls holds the service's row: of two who leave at once, one stays.
    """
    if Permission.MANAGE_SERVICE not in permissions:
        await _check_managed(connection, await get(connection, service_id, user_id))
    mine = update(memberships).where(_c.service_id == service_id, _c.user_id == user_id)
    await connection.execute(mine.values(permissions=_written(permissions)))
    return await get(connection, service_id, user_id)


async def remove(connection: AsyncConnection, service_id: UUID, user_id: UUID) -> Membership:
    """Raises AuthError as `change` does."""
    gone = await get(connection, service_id, user_id)
    await _check_managed(connection, gone)
    await connection.execute(delete(memberships).where(_c.service_id == service_id, _c.user_id == user_id))
    return gone


async def is_managed_without(connection: AsyncConnection, leaving: Membership) -> bool:
    """Whether somebody else manages the service, or they never did. Whose account is held manages nothing."""
    if not leaving.manages:
        return True
    others = {each.user_id for each in await of_service(connection, leaving.service_id) if each.manages}
    others -= {leaving.user_id}
    u = users.users.c
    held = await connection.execute(select(u.id).where(u.id.in_(others), u.held_at.is_not(None)))
    return bool(others - {*held.scalars()})


async def _check_managed(connection: AsyncConnection, leaving: Membership) -> None:
    if not await is_managed_without(connection, leaving):
        raise AuthError(LAST_MANAGER)


def _written(permissions: Collection[Permission]) -> str:
    return " ".join(sorted(permissions))


def _read(text: str) -> frozenset[Permission]:
    return frozenset(map(Permission, text.split()))


def _membership(row: RowMapping) -> Membership:
    return Membership(row[_c.service_id], row[_c.user_id], _read(row[_c.permissions]), row[_c.created_at])
