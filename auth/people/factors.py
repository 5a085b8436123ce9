"""Which factors somebody can prove themselves with, beside the password."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.people.passkeys import passkeys
from auth.people.recovery import recovery_codes
from auth.people.sessions import Factor
from auth.people.totp import totps
from auth.people.users import User


async def of_user(connection: AsyncConnection, user: User) -> tuple[Factor, ...]:
    """The strongest first. A code by mail always can be had: who cannot read the address is not its person any more."""
    strong = await strong_of(connection, user.id)
    unused = select(recovery_codes.c.id).where(recovery_codes.c.user_id == user.id, recovery_codes.c.used_at.is_(None))
    recovery = (Factor.RECOVERY,) if (await connection.execute(unused.limit(1))).first() else ()
    return (*strong, Factor.EMAIL, *((Factor.TEXT,) if user.phone else ()), *recovery)


def second_of(has: Collection[Factor]) -> tuple[Factor, ...]:
    """Those that count beside the password. Who has a strong one gets no code that travels: its reader needs none."""
    if {Factor.TOTP, Factor.PASSKEY}.isdisjoint(has):
        return tuple(has)
    return tuple(each for each in has if each not in (Factor.EMAIL, Factor.TEXT))


async def strong_of(connection: AsyncConnection, user_id: UUID) -> tuple[Factor, ...]:
    """Those that nobody can read on their way: passkeys and apps."""
    proved = {
        Factor.PASSKEY: select(passkeys.c.id).where(passkeys.c.user_id == user_id),
        Factor.TOTP: select(totps.c.id).where(totps.c.user_id == user_id, totps.c.proved_at.is_not(None)),
    }
    found = [factor for factor, rows in proved.items() if (await connection.execute(rows.limit(1))).first()]
    return tuple(found)
