"""Pages that say the same to everybody."""

from starlette.responses import Response

from messages.text import Text
from relay.site.routing import Needs, Route
from relay.site.visits import Visit


async def start(visit: Visit) -> Response:
    return visit.page("public/start.html", title=Text("Send emails and text messages to the people you serve"))


ROUTES = (Route("GET", "", start, Needs.NOBODY),)
