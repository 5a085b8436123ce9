"""The second factor, and one factor for a session that was locked.

What the account has is offered: an app, a passkey, a code by mail or by text, a recovery code. Who has a strong one
gets no code by mail: whoever reads their mail would not need it.
"""

from typing import Any

from starlette.responses import Response

from auth.people import codes as kept
from auth.people.codes import CodeError, Purpose
from auth.people.factors import of_user, second_of
from auth.people.sessions import Factor
from auth.people.users import User
from messages.text import Text
from relay.site import proving
from relay.site.asking import options
from relay.site.entry import claims, codes, whom
from relay.site.entry.devices import welcome
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Enter your second factor")
_CHECK = Text("Check your email")
_CHECK_TEXT = Text("Check your phone")
_UNLOCK = Text("Are you still there?")
_NOTHING = Text("Enter the code")


async def show(visit: Visit) -> Response:
    if visit.user is not None:
        return visit.back("services")
    person = await _halfway(visit)
    if person is None:
        return visit.onward("sign-in")
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
    waiting = (
        await codes.opened(visit, Purpose.SIGN_IN)
        or await codes.opened(visit, Purpose.RESET_SECOND)
        or await claims.opened(visit, Purpose.VERIFY)
    )
    return visit.piece("entry/delivery.html", delivery=await codes.delivery(visit, waiting))


async def prove(visit: Visit) -> Response:
    person = await _halfway(visit)
    if person is None:
        return visit.onward("sign-in")
    if by := (await visit.form())["by"]:
        return await _send(visit, person, by)
    return await _proved(visit, person, "two-factor", _SECOND, {"code": _NOTHING})


async def _halfway(visit: Visit) -> User | None:
    """Who has given the password."""
    session = visit.session
    return await whom.person_of(visit) if session is not None and Factor.PASSWORD in session.factors else None


async def _send(visit: Visit, person: User, by: str) -> Response:
    """Another code, by mail or by text."""
    offered = await _offered(visit, person)
    chosen = Factor.TEXT if by == "text" else Factor.EMAIL
    query: dict[str, Any] = {"by": by} if by == "text" else {}
    if chosen not in offered:
        return visit.onward("two-factor", **query)
    try:
        await codes.send(visit, person, Purpose.SIGN_IN, chosen)
    except CodeError as error:
        return visit.onward("two-factor", notice=error.text, **query)
    return visit.onward("two-factor", **query)


async def show_unlock(visit: Visit) -> Response:
    person = await whom.person_of(visit)
    if person is None or not visit.standing.is_locked:
        return visit.back("services") if visit.user is not None else visit.to("sign-in")
    offered = await _offered(visit, person)
    return visit.page("entry/unlock.html", title=_UNLOCK, form=visit.filled(), **await _asked(visit, person, offered))


async def unlock(visit: Visit) -> Response:
    person = await whom.person_of(visit)
    if person is None or not visit.standing.is_locked:
        return visit.to("sign-in")
    return await _proved(visit, person, "unlock", _ONE, {"password": proving.WRONG_PASSWORD})


async def _proved(visit: Visit, person: User, path: str, ways: proving.Ways, nothing: dict[str, Text]) -> Response:
    if (again := await proving.prove(visit, person, path, ways, nothing)) is not None:
        return again
    await welcome(visit, person)
    return visit.back("services")


async def _offered(visit: Visit, person: User) -> tuple[Factor, ...]:
    async with visit.site.database.read() as connection:
        return second_of(await of_user(connection, person))


async def _asked(visit: Visit, person: User, offered: tuple[Factor, ...]) -> dict[str, Any]:
    return {
        "offered": {each.value for each in offered},
        "options": await options(visit, person.id),
        "email": person.email,
    }


async def _judge_sent_code(visit: Visit, person: User, given: str) -> proving.Judged:
    session = visit.the_session
    if not {Factor.EMAIL, Factor.TEXT} & {*await _offered(visit, person)}:
        return proving.WRONG_CODE
    way = await codes.way(visit, await codes.opened(visit, Purpose.SIGN_IN))
    async with visit.site.database.write() as connection:
        wrong = await kept.use(connection, visit.site.secret, Purpose.SIGN_IN, person.id, session.id, given, visit.now)
    return way if wrong is None else wrong.text


_SECOND: proving.Ways = {**proving.SECOND, "code": _judge_sent_code}
_ONE: proving.Ways = {**proving.STRONG, "password": proving.judge_password}

ROUTES = (
    Route("GET", "two-factor", show, Needs.NOBODY),
    Route("POST", "two-factor", prove, Needs.NOBODY),
    Route("GET", "two-factor/delivery", show_delivery, Needs.NOBODY, live=True),
    Route("GET", "unlock", show_unlock, Needs.NOBODY),
    Route("POST", "unlock", unlock, Needs.NOBODY),
)
