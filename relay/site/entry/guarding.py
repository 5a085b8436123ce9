"""What stands before every guess: the relay's throttle, by address and account, and the cost of a hash.

Everything that is answered before somebody has proved something is answered alike, whether there is an account or not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from auth.bans import place
from auth.people import users
from auth.people.passwords import BusyError
from auth.people.users import User
from messages.address import Address, AddressError
from messages.reply import Refused
from relay.site.errors import TooMany
from relay.site.visits import Visit


async def guessed(visit: Visit, account: str, judge: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it was right; `account` is the address that was typed. Raises TooMany while the address is banned."""
    throttle, account = visit.site.throttle, known_as(account)
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
            return await visit.site.passwords.verify(known_as(account), encoded, given, place=place(visit.network))
        except BusyError:
            raise TooMany from None

    return await guessed(visit, account, judge)


async def hashed(visit: Visit, account: str, password: str) -> str:
    """Raises TooMany."""
    try:
        return await visit.site.passwords.hash(known_as(account), password, place=place(visit.network))
    except BusyError:
        raise TooMany from None


def known_as(account: str) -> str:
    """An account by its address, however that is spelt: another spelling gives no fresh guesses."""
    try:
        return Address.parse(account.strip()).key
    except AddressError:
        return account.strip().casefold()


async def person_of(visit: Visit) -> User | None:
    """Who is on the way in: the session knows them, and nothing is theirs before all is proved."""
    session = visit.session
    return None if session is None or session.user_id is None else await find(visit, session.user_id)


async def find(visit: Visit, user_id: UUID) -> User | None:
    async with visit.site.database.read() as connection:
        found = await users.find(connection, visit.site.secret, user_id)
    return found if found is not None and found.held_at is None else None
