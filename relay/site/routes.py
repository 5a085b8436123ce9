"""The one table of routes, over all rooms. Tests of access are generated from it."""

from relay.site import activity, callbacks, previews, suppressions
from relay.site.account import rooms as account
from relay.site.dashboard import pages as dashboard
from relay.site.entry import rooms as entry
from relay.site.keys import routes as keys
from relay.site.public import activity as numbers
from relay.site.public import contact, pages
from relay.site.routing import Route
from relay.site.send import routes as send
from relay.site.services import adding, holds, listing, reply_tos, settings
from relay.site.teams import approvals, auditing, going_live, guests, joining, team
from relay.site.templates import routes as templates

ROUTES: tuple[Route, ...] = (
    *entry.ROUTES,
    *account.ROUTES,
    *pages.ROUTES,
    *numbers.ROUTES,
    *contact.ROUTES,
    *dashboard.ROUTES,
    *keys.ROUTES,
    *listing.ROUTES,
    *adding.ROUTES,
    *settings.ROUTES,
    *holds.ROUTES,
    *reply_tos.ROUTES,
    *suppressions.ROUTES,
    *team.ROUTES,
    *joining.ROUTES,
    *guests.ROUTES,
    *going_live.ROUTES,
    *approvals.ROUTES,
    *auditing.ROUTES,
    *templates.ROUTES,
    *send.ROUTES,
    *activity.ROUTES,
    *callbacks.ROUTES,
    *previews.ROUTES,
)
