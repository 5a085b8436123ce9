"""What stands before every guess: the relay's throttle, by address and account, and the cost of a hash.

Everything that is answered before somebody has proved something is answered alike, whether there is an account or not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from auth.people import users
from auth.people.passwords import BusyError
from auth.people.users import User
from messages.reply import Refused
from relay.site.errors import TooMany
from relay.site.visits import Visit


async def guessed(visit: Visit, account: str, judge: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it was right; `account` is the address that was typed. Raises TooMany while the address is banned."""
    throttle = visit.site.throttle
    try:
        await asyncio.sleep(await throttle.admit(visit.network, account))
    except Refused:
        raise TooMany from None
    is_right = await judge()
    (throttle.succeeded if is_right else throttle.failed)(visit.network, account)
    return is_right


async def is_password(visit: Visit, person: User | None, account: str, given: str) -> bool:
    """Raises TooMany. Of nobody it takes as long."""

    async def judge() -> bool:
        encoded = person.password if person else None
        try:
            return await visit.site.passwords.verify(account.casefold(), encoded, given)
        except BusyError:
            raise TooMany from None

    return await guessed(visit, account, judge)


async def hashed(visit: Visit, account: str, password: str) -> str:
    """Raises TooMany."""
    try:
        return await visit.site.passwords.hash(account.casefold(), password)
    except BusyError:
        raise TooMany from None


async def person_of(visit: Visit) -> User | None:
    """Who is on the way in: the session knows them, and nothing is theirs before all is proved."""
    session = visit.session
    return None if session is None or session.user_id is None else await find(visit, session.user_id)


async def find(visit: Visit, user_id: UUID) -> User | None:
    async with visit.site.database.read() as connection:
        found = await users.find(connection, visit.site.secret, user_id)
    return found if found is not None and found.held_at is None else None
