"""The one table of routes, over all rooms. Tests of access are generated from it."""

from relay.site.public import contact, pages
from relay.site.routing import Route
from relay.site.services import adding, listing, reply_tos, settings
from relay.site.teams import approvals, auditing, going_live, guests, joining, team

ROUTES: tuple[Route, ...] = (
    *pages.ROUTES,
    *contact.ROUTES,
    *listing.ROUTES,
    *adding.ROUTES,
    *settings.ROUTES,
    *reply_tos.ROUTES,
    *team.ROUTES,
    *joining.ROUTES,
    *guests.ROUTES,
    *going_live.ROUTES,
    *approvals.ROUTES,
    *auditing.ROUTES,
)
