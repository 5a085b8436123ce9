"""Asking for a factor again before what matters (ASVS 5.0 7.5.1): who found a screen unlocked has none.

Who has an app or a passkey is asked for that, else for the password. The session gets a new token (7.2.4).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from auth.errors import AuthError
from auth.people import passkeys, recovery, totp
from auth.people.factors import strong_of
from auth.people.passwords import BusyError
from auth.people.sessions import Factor
from auth.people.users import User
from messages.reply import Refused
from messages.text import Text
from relay.site.account.asking import ceremonies
from relay.site.account.telling import account
from relay.site.errors import TooMany
from relay.site.routing import Needs, Route
from relay.site.standing import FRESH_SECONDS
from relay.site.visits import Visit

_TITLE = Text("Confirm that it is you")
_WRONG_CODE = Text("This code is wrong, or was used before. Wait for the next one and enter it")
_WRONG_RECOVERY = Text("This recovery code is wrong, or was used before")
_WRONG_PASSWORD = Text("This is not your password")
_WRONG_PASSKEY = Text("The passkey was not accepted. Try again")


async def show(visit: Visit) -> Response:
    person, asked = await account(visit), ceremonies(visit)
    async with visit.site.database.read() as connection:
        strong = await strong_of(connection, person.id)
        codes = await recovery.standing(connection, person.id)
        has = await passkeys.of_user(connection, person.id)
    assert visit.session is not None
    return visit.page(
        "account/step_up.html",
        title=_TITLE,
        form=visit.filled(),
        asks_code=Factor.TOTP in strong,
        options=asked.authentication_options(visit.now, has) if asked is not None and has else None,
        asks_recovery=bool(strong and codes and codes.left),
        asks_password=not strong,
        # They proved all that they have, and stand here again: the page behind asks for more.
        lacks_strong=not strong and visit.session.proved_within(FRESH_SECONDS, visit.now),
    )


async def prove(visit: Visit) -> Response:
    form, person = await visit.form(), await account(visit)
    for name, (judge, factor, wrong) in _WAYS.items():
        if form[name]:
            if not await judge(visit, person, form[name]):
                return visit.invalid("step-up", {name: wrong})
            async with visit.site.database.write() as connection:
                await visit.prove(connection, factor)
            return visit.back("account")
    return visit.invalid("step-up", {})


async def is_password(visit: Visit, person: User, given: str) -> bool:
    """Raises TooMany: guesses count here as they do when signing in."""

    async def judge() -> bool:
        try:
            return await visit.site.passwords.verify(str(person.id), person.password, given)
        except BusyError:
            raise TooMany from None

    return await _guessed(visit, person, judge)


async def _is_first_factor(visit: Visit, person: User, given: str) -> bool:
    async with visit.site.database.read() as connection:
        has_strong = await strong_of(connection, person.id)
    return not has_strong and await is_password(visit, person, given)


async def is_code(visit: Visit, person: User, given: str) -> bool:
    async def judge() -> bool:
        async with visit.site.database.write() as connection:
            return await totp.use(connection, visit.site.secret, person.id, given, visit.now) is not None

    return await _guessed(visit, person, judge)


async def is_recovery(visit: Visit, person: User, given: str) -> bool:
    async def judge() -> bool:
        async with visit.site.database.read() as connection:
            hashed = await recovery.hashed(connection, person.id, given)
        async with visit.site.database.write() as connection:
            return hashed is not None and await recovery.use(connection, person.id, hashed, visit.now)

    return await _guessed(visit, person, judge)


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


async def _guessed(visit: Visit, person: User, judge: Callable[[], Awaitable[bool]]) -> bool:
    throttle = visit.site.throttle
    try:
        await asyncio.sleep(await throttle.admit(visit.network, person.email))
    except Refused:
        raise TooMany from None
    is_right = await judge()
    (throttle.succeeded if is_right else throttle.failed)(visit.network, person.email)
    return is_right


_WAYS: Mapping[str, tuple[Callable[[Visit, User, str], Awaitable[bool]], Factor, Text]] = {
    "secret_answer": (is_passkey, Factor.PASSKEY, _WRONG_PASSKEY),
    "app_code": (is_code, Factor.TOTP, _WRONG_CODE),
    "recovery_code": (is_recovery, Factor.RECOVERY, _WRONG_RECOVERY),
    "password": (_is_first_factor, Factor.PASSWORD, _WRONG_PASSWORD),
}

ROUTES = (
    Route("GET", "step-up", show, Needs.SIGNED_IN),
    Route("POST", "step-up", prove, Needs.SIGNED_IN),
)
