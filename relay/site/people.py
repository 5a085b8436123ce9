"""Who there is, and what each may do in a service: asked of the database at every request (ASVS 5.0, 8.3.2)."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.people import memberships, users
from auth.people.permissions import Permission
from auth.people.users import User
from config.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Accounts:
    """The People of standing.py."""

    secret: Keyring

    async def user(self, connection: AsyncConnection, user_id: UUID) -> User | None:
        return await users.find(connection, self.secret, user_id)

    async def permissions(
        self, connection: AsyncConnection, user_id: UUID, service_id: UUID
    ) -> Collection[Permission] | None:
        """None: no member."""
        found = await memberships.find(connection, service_id, user_id)
        return None if found is None else found.permissions
