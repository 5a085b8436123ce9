"""What somebody has to prove who they are with that nobody can read on its way: apps and passkeys, as one list.

Knows nothing of what asks for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import FACTOR_UNKNOWN, AuthError
from auth.people import passkeys, totp
from auth.people.sessions import Factor
from config.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Times are seconds since the epoch."""

    id: UUID
    factor: Factor  # TOTP or PASSKEY
    name: str
    created_at: float
    used_at: float | None


async def of_user(connection: AsyncConnection, keyring: Keyring, user_id: UUID) -> Sequence[Authenticator]:
    """The oldest first."""
    found = [
        *(
            Authenticator(each.id, Factor.PASSKEY, each.name, each.created_at, each.used_at)
            for each in await passkeys.of_user(connection, user_id)
        ),
        *(
            Authenticator(each.id, Factor.TOTP, each.name, each.created_at, each.used_at)
            for each in await totp.of_user(connection, keyring, user_id)
        ),
    ]
    return sorted(found, key=lambda each: (each.created_at, each.id))


async def get(connection: AsyncConnection, keyring: Keyring, user_id: UUID, authenticator_id: UUID) -> Authenticator:
    """One of the user's. Raises AuthError."""
    for each in await of_user(connection, keyring, user_id):
        if each.id == authenticator_id:
            return each
    raise AuthError(FACTOR_UNKNOWN)


async def rename(connection: AsyncConnection, found: Authenticator, name: str) -> None:
    """Raises AuthError."""
    rename = passkeys.rename if found.factor is Factor.PASSKEY else totp.rename
    await rename(connection, found.id, name)


async def remove(connection: AsyncConnection, found: Authenticator) -> None:
    remove = passkeys.remove if found.factor is Factor.PASSKEY else totp.remove
    await remove(connection, found.id)
