"""Proving who somebody is, wherever they are asked: on the way in, after a lock, and before what matters.

Every guess stands behind the relay's throttle, by address and account, and every hash has its share. What is answered
before somebody has proved something is answered alike, whether there is an account or not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from auth.bans import place
from auth.errors import AuthError
from auth.people import passwords, recovery, totp, users
from auth.people.passwords import BusyError
from auth.people.sessions import Factor
from auth.people.users import User
from messages.reply import Refused
from messages.text import Text
from relay.site.asking import ceremonies
from relay.site.errors import TooMany
from relay.site.visits import Visit

WRONG_CODE = Text("This code is wrong, or was used before. Wait for the next one and enter it")
_WRONG_RECOVERY = Text("This recovery code is wrong, or was used before")
_WRONG_PASSKEY = Text("The passkey was not accepted. Try again")
WRONG_PASSWORD = Text("This is not your password")

Judged = Factor | Text  # what was proved, or what is wrong with what was given
Judge = Callable[[Visit, User, str], Awaitable[Judged]]
Ways = Mapping[str, Judge]  # by the field that it is given in; the first that is filled in counts


async def prove(visit: Visit, person: User, path: str, ways: Ways, nothing: Mapping[str, Text]) -> Response | None:
    """One more factor of this session; else the form at `path` again, which says `nothing` where none was given."""
    judged = await judge(visit, person, ways)
    if judged is None:
        return visit.invalid(path, nothing)
    name, found = judged
    if isinstance(found, Text):
        return visit.invalid(path, {name: found})
    async with visit.site.database.write() as connection:
        await visit.prove(connection, found)
    return None


async def judge(visit: Visit, person: User, ways: Ways) -> tuple[str, Judged] | None:
    """What was given, by its field, and what came of it; None: nothing was given."""
    form = await visit.form()
    name = next((each for each in ways if form[each]), None)
    return None if name is None else (name, await ways[name](visit, person, form[name]))


# -- Passwords --------------------------------------------------------------------------------------------------------


async def is_password(visit: Visit, person: User | None, account: str, given: str) -> bool:
    """Raises TooMany. Of nobody it takes as long; `account` is the address that was typed."""

    async def judge() -> bool:
        encoded = person.password if person else None
        try:
            return await visit.site.passwords.verify(
                users.known_as(account), encoded, given, place=place(visit.network)
            )
        except BusyError:
            raise TooMany from None

    return await _guessed(visit, account, judge)


def check_password(visit: Visit, password: str, name: str, email: str) -> None:
    """Raises PasswordError where this person may not choose it."""
    passwords.check(password, context=(name, email, *visit.site.settings.site.names.values()))


async def hashed(visit: Visit, account: str, password: str) -> str:
    """Raises TooMany."""
    try:
        return await visit.site.passwords.hash(users.known_as(account), password, place=place(visit.network))
    except BusyError:
        raise TooMany from None


# -- Second factors ---------------------------------------------------------------------------------------------------


async def is_code(visit: Visit, person: User, given: str) -> bool:
    async def judge() -> bool:
        async with visit.site.database.write() as connection:
            return await totp.use(connection, visit.site.secret, person.id, given, visit.now) is not None

    return await _guessed(visit, person.email, judge)


async def is_recovery(visit: Visit, person: User, given: str) -> bool:
    async def judge() -> bool:
        async with visit.site.database.read() as connection:
            found = await recovery.hashed(connection, person.id, given)
        async with visit.site.database.write() as connection:
            return found is not None and await recovery.use(connection, person.id, found, visit.now)

    return await _guessed(visit, person.email, judge)


async def is_passkey(visit: Visit, person: User, given: str) -> bool:
    """Nobody guesses a signature."""
    asked = ceremonies(visit)
    if asked is None:
        return False
    try:
        async with visit.site.database.write() as connection:
            return (await asked.authenticate(connection, given, visit.now)).user_id == person.id
    except AuthError:
        return False


async def _guessed(visit: Visit, account: str, judge: Callable[[], Awaitable[bool]]) -> bool:
    """Raises TooMany while the address is banned."""
    throttle, account = visit.site.throttle, users.known_as(account)  # another spelling gives no fresh guesses
    try:
        await asyncio.sleep(await throttle.admit(visit.network, account))
    except Refused:
        raise TooMany from None
    is_right = await judge()
    (throttle.succeeded if is_right else throttle.failed)(visit.network, account)
    return is_right


async def judge_password(visit: Visit, person: User, given: str) -> Judged:
    return Factor.PASSWORD if await is_password(visit, person, person.email, given) else WRONG_PASSWORD


async def _judge_code(visit: Visit, person: User, given: str) -> Judged:
    return Factor.TOTP if await is_code(visit, person, given) else WRONG_CODE


async def _judge_recovery(visit: Visit, person: User, given: str) -> Judged:
    return Factor.RECOVERY if await is_recovery(visit, person, given) else _WRONG_RECOVERY


async def _judge_passkey(visit: Visit, person: User, given: str) -> Judged:
    return Factor.PASSKEY if await is_passkey(visit, person, given) else _WRONG_PASSKEY


STRONG: Ways = {"secret_answer": _judge_passkey, "app_code": _judge_code}
SECOND: Ways = {**STRONG, "recovery_code": _judge_recovery}
