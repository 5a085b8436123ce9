"""The second factor, and one factor for a session that was locked.

What the account has is offered: an app, a passkey, a code by mail or by text, a recovery code. Who has a strong one
gets no code by mail: whoever reads their mail would not need it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from auth.people import codes as kept
from auth.people import passkeys
from auth.people.codes import CodeError, Purpose
from auth.people.factors import of_user
from auth.people.sessions import Factor
from auth.people.users import User
from messages.text import Text
from relay.site.account.asking import ceremonies
from relay.site.account.step_up import is_code, is_passkey, is_recovery
from relay.site.entry import codes, guarding
from relay.site.entry.devices import welcome
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Enter your second factor")
_CHECK = Text("Check your email")
_CHECK_TEXT = Text("Check your phone")
_UNLOCK = Text("Are you still there?")
_NOTHING = Text("Enter the code")
_WRONG_CODE = Text("This code is wrong, or was used before. Wait for the next one and enter it")
_WRONG_RECOVERY = Text("This recovery code is wrong, or was used before")
_WRONG_PASSKEY = Text("The passkey was not accepted. Try again")
_WRONG_PASSWORD = Text("This is not your password")

Judge = Callable[[Visit, User, str], Awaitable[Text | None]]


async def show(visit: Visit) -> Response:
    person = await guarding.person_of(visit)
    if person is None:
        return visit.to("sign-in")
    if visit.user is not None:
        return visit.back("services")
    waiting = await codes.opened(visit, Purpose.SIGN_IN)
    offered = await _offered(visit, person)
    by_mail = Factor.EMAIL in offered
    return visit.page(
        "entry/second.html",
        title=_TITLE if not by_mail else _CHECK_TEXT if visit.request.query_params.get("by") == "text" else _CHECK,
        form=visit.filled(),
        waiting=waiting,
        delivery=await codes.delivery(visit, waiting),
        **await _asked(visit, person, offered),
    )


async def show_delivery(visit: Visit) -> Response:
    """The piece of the page that tells how the code's message fares."""
    waiting = await codes.opened(visit, Purpose.SIGN_IN) or await codes.opened(visit, Purpose.VERIFY)
    return visit.piece("entry/delivery.html", delivery=await codes.delivery(visit, waiting))


async def prove(visit: Visit) -> Response:
    person = await guarding.person_of(visit)
    if person is None or visit.session is None or Factor.PASSWORD not in visit.session.factors:
        return visit.to("sign-in")
    if by := (await visit.form())["by"]:
        return await _send(visit, person, by)
    return await _proved(visit, person, "two-factor", _SECOND, "code")


async def _send(visit: Visit, person: User, by: str) -> Response:
    """Another code, by mail or by text."""
    offered = await _offered(visit, person)
    chosen = Factor.TEXT if by == "text" else Factor.EMAIL
    query: dict[str, Any] = {"by": by} if by == "text" else {}
    query |= {"next": visit.next_url} if visit.next_url else {}
    if chosen not in offered:
        return visit.to("two-factor", **query)
    try:
        await codes.send(visit, person, Purpose.SIGN_IN, chosen)
    except CodeError as error:
        return visit.to("two-factor", notice=error.text, **query)
    return visit.to("two-factor", **query)


async def show_unlock(visit: Visit) -> Response:
    person = await guarding.person_of(visit)
    if person is None or not visit.standing.is_locked:
        return visit.back("services") if visit.user is not None else visit.to("sign-in")
    offered = await _offered(visit, person)
    return visit.page("entry/unlock.html", title=_UNLOCK, form=visit.filled(), **await _asked(visit, person, offered))


async def unlock(visit: Visit) -> Response:
    person = await guarding.person_of(visit)
    if person is None or not visit.standing.is_locked:
        return visit.to("sign-in")
    return await _proved(visit, person, "unlock", _ONE, "password")


async def _proved(
    visit: Visit, person: User, path: str, ways: Mapping[str, tuple[Judge, Factor]], first: str
) -> Response:
    form = await visit.form()
    name = next((each for each in ways if form[each]), None)
    if name is None:
        return visit.invalid(path, {first: _NOTHING if first == "code" else _WRONG_PASSWORD})
    judge, factor = ways[name]
    wrong = await judge(visit, person, form[name])
    if wrong is not None:
        return visit.invalid(path, {name: wrong})
    async with visit.site.database.write() as connection:
        await visit.prove(connection, factor)
    await welcome(visit, person)
    return visit.back("services")


async def _offered(visit: Visit, person: User) -> tuple[Factor, ...]:
    async with visit.site.database.read() as connection:
        has = await of_user(connection, person)
    if {Factor.TOTP, Factor.PASSKEY} & {*has}:
        return tuple(each for each in has if each not in (Factor.EMAIL, Factor.TEXT))
    return has


async def _asked(visit: Visit, person: User, offered: tuple[Factor, ...]) -> dict[str, Any]:
    asked = ceremonies(visit)
    async with visit.site.database.read() as connection:
        has = await passkeys.of_user(connection, person.id)
    return {
        "offered": {each.value for each in offered},
        "options": asked.authentication_options(visit.now, has) if asked is not None and has else None,
        "email": person.email,
    }


async def _is_sent_code(visit: Visit, person: User, given: str) -> Text | None:
    session = visit.session
    assert session is not None
    if not {Factor.EMAIL, Factor.TEXT} & {*await _offered(visit, person)}:
        return _WRONG_CODE
    async with visit.site.database.write() as connection:
        wrong = await kept.use(connection, visit.site.secret, Purpose.SIGN_IN, person.id, session.id, given, visit.now)
    return None if wrong is None else wrong.text


async def _is_app_code(visit: Visit, person: User, given: str) -> Text | None:
    return None if await is_code(visit, person, given) else _WRONG_CODE


async def _is_recovery_code(visit: Visit, person: User, given: str) -> Text | None:
    return None if await is_recovery(visit, person, given) else _WRONG_RECOVERY


async def _is_their_passkey(visit: Visit, person: User, given: str) -> Text | None:
    return None if await is_passkey(visit, person, given) else _WRONG_PASSKEY


async def _is_their_password(visit: Visit, person: User, given: str) -> Text | None:
    return None if await guarding.is_password(visit, person, person.email, given) else _WRONG_PASSWORD


_SECOND: Mapping[str, tuple[Judge, Factor]] = {
    "secret_answer": (_is_their_passkey, Factor.PASSKEY),
    "app_code": (_is_app_code, Factor.TOTP),
    "recovery_code": (_is_recovery_code, Factor.RECOVERY),
    "code": (_is_sent_code, Factor.EMAIL),
}
_ONE: Mapping[str, tuple[Judge, Factor]] = {
    "secret_answer": (_is_their_passkey, Factor.PASSKEY),
    "app_code": (_is_app_code, Factor.TOTP),
    "password": (_is_their_password, Factor.PASSWORD),
}

ROUTES = (
    Route("GET", "two-factor", show, Needs.NOBODY),
    Route("POST", "two-factor", prove, Needs.NOBODY),
    Route("GET", "two-factor/delivery", show_delivery, Needs.NOBODY, live=True),
    Route("GET", "unlock", show_unlock, Needs.NOBODY),
    Route("POST", "unlock", unlock, Needs.NOBODY),
)
