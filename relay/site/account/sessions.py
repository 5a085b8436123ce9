"""Where somebody is signed in, and ending it (ASVS 5.0 7.5.2)."""

from starlette.responses import Response

from auth.people import sessions
from messages.message import parse_id
from messages.text import Text
from relay.actions import sessions as actions
from relay.site.account.telling import tell
from relay.site.errors import Missing
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_ENDED = Text("That device is signed out.")
_ALL_ENDED = Text("Everywhere else you are signed out now.")
_TOLD = Text("Your account was signed out on every other device.")


async def show(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        found = await sessions.of_user(connection, visit.the_user.id, visit.now)
    return visit.page("account/sessions.html", title=Text("Where you are signed in"), found=found)


async def end(visit: Visit) -> Response:
    form = await visit.form()
    session_id = parse_id(form["session"])
    if session_id is None or session_id == visit.the_session.id:
        raise Missing
    async with visit.writing() as t:
        if not await actions.end(t, visit.the_session, session_id):
            raise Missing
    return visit.to("account/sessions", notice=_ENDED)


async def end_others(visit: Visit) -> Response:
    async with visit.writing() as t:
        await actions.end_others(t, visit.the_session)
    await tell(visit, _TOLD)
    return visit.to("account/sessions", notice=_ALL_ENDED)


async def post(visit: Visit) -> Response:
    return await (end_others if (await visit.form())["session"] == "others" else end)(visit)


ROUTES = (
    Route("GET", "account/sessions", show, Needs.SIGNED_IN),
    Route("POST", "account/sessions", post, Needs.SIGNED_IN, fresh=True),
)
