"""Why a service's messages wait, and what ends that: the service says that the cause is mended."""

from collections.abc import Mapping

from starlette.responses import Response

from auth import keys
from auth.people.permissions import Permission
from messages.message import Lane
from messages.text import Text
from relay.actions import holds
from relay.actions.holds import Waiting
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/holds"
LANES: Mapping[Lane, Text] = {
    Lane.PRIORITY: Text("urgent messages, such as codes"),
    Lane.NORMAL: Text("ordinary messages"),
    Lane.BULK: Text("bulk messages"),
}
CAUSES: Mapping[str, Text] = {  # by the reason of a hold
    "operator": Text("Those who run notify-relay put messages on hold"),
    "bounces": Text("Too many emails came back"),
    "complaints": Text("Too many people reported emails as spam"),
    "tenant": Text("The provider that carries the emails has paused this service"),
}
_DONE = Text("Thank you. Messages are sent again once the share has fallen")
_NOTHING = Text("There is nothing left to say: nothing waits for it")


async def waiting(visit: Visit) -> Waiting:
    """What the service's messages wait for, for whichever page warns of it."""
    async with visit.reading() as t:
        return await holds.of(t, visit.the_service.id)


async def show(visit: Visit) -> Response:
    async with visit.reading() as t:
        found = await holds.of(t, visit.the_service.id)
        every = await keys.list_all(t.connection, visit.site.secret, visit.site.settings.limits, visit.the_service.id)
    return visit.page(
        "services/holds.html",
        title=Text("Why messages wait"),
        waiting=found,
        causes=CAUSES,
        lanes=LANES,
        names={each.id: each.name for each in every},
        form=visit.filled(),
    )


async def act(visit: Visit) -> Response:
    await visit.form()
    async with visit.writing() as t:
        done = await holds.act(t, str(visit.the_service.id))
    return visit.to(PATH, notice=_DONE if done else _NOTHING)


ROUTES = (
    Route("GET", PATH, show, Permission.VIEW_ACTIVITY),
    Route("POST", PATH, act, Permission.MANAGE_SERVICE),
)
