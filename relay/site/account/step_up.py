"""Asking for a factor again before what matters (ASVS 5.0 7.5.1): who found a screen unlocked has none.

Who has an app or a passkey is asked for that, else for the password. The session gets a new token (7.2.4).
"""

from starlette.responses import Response

from auth.people import recovery
from auth.people.factors import strong_of
from auth.people.sessions import Factor
from auth.people.users import User
from messages.text import Text
from relay.site import proving
from relay.site.asking import options
from relay.site.routing import Needs, Route
from relay.site.standing import FRESH_SECONDS
from relay.site.visits import Visit

_TITLE = Text("Confirm that it is you")


async def show(visit: Visit) -> Response:
    person = visit.the_user
    async with visit.site.database.read() as connection:
        strong = await strong_of(connection, person.id)
        codes = await recovery.standing(connection, person.id)
    return visit.page(
        "account/step_up.html",
        title=_TITLE,
        form=visit.filled(),
        asks_code=Factor.TOTP in strong,
        options=await options(visit, person.id),
        asks_recovery=bool(strong and codes and codes.left),
        asks_password=not strong,
        # They proved all that they have, and stand here again: the page behind asks for more.
        lacks_strong=not strong and visit.the_session.proved_within(FRESH_SECONDS, visit.now),
    )


async def prove(visit: Visit) -> Response:
    again = await proving.prove(visit, visit.the_user, "step-up", _WAYS, {})
    return again or visit.back("account")


async def _judge_first_factor(visit: Visit, person: User, given: str) -> proving.Judged:
    """A password counts for who has nothing stronger."""
    async with visit.site.database.read() as connection:
        has_strong = await strong_of(connection, person.id)
    return proving.WRONG_PASSWORD if has_strong else await proving.judge_password(visit, person, given)


_WAYS: proving.Ways = {**proving.SECOND, "password": _judge_first_factor}

ROUTES = (
    Route("GET", "step-up", show, Needs.SIGNED_IN),
    Route("POST", "step-up", prove, Needs.SIGNED_IN),
)
