"""Which factors somebody can prove themselves with, beside the password."""

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.people.sessions import Factor
from auth.people.users import User


async def of_user(connection: AsyncConnection, user: User) -> tuple[Factor, ...]:
    """The strongest first. A code by mail always can be had: who cannot read the address is not its person any more."""
    return (Factor.EMAIL, *((Factor.TEXT,) if user.phone else ()))
