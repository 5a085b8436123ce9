"""The services that a person works in, the invitations that wait for them, and what they are to decide."""

from starlette.responses import Response

from auth import services
from auth.people import invitations, memberships
from messages.address import Address
from messages.text import Text
from relay.actions import go_live
from relay.site import navigation
from relay.site.routing import Needs, Route
from relay.site.visits import Visit


async def show(visit: Visit) -> Response:
    user = visit.the_user
    async with visit.reading() as t:
        mine = await memberships.of_user(t.connection, t.limits, user.id)
        invited = await invitations.of_address(t.connection, t.secret, Address.parse(user.email), visit.now)
        inviting = await services.of_ids(t.connection, t.limits, [each.service_id for each in invited])
        waiting = await go_live.to_decide(t, user)
    return visit.page(
        "services/list.html",
        title=Text("Your services"),
        rows=[(service, navigation.first_page(service.id, membership.permissions)) for service, membership in mine],
        inviting=[inviting[each.service_id] for each in invited],
        waiting=len(waiting or ()),
    )


ROUTES = (Route("GET", "services", show, Needs.SIGNED_IN),)
