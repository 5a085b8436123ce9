"""The one table of routes, over all rooms. Tests of access are generated from it."""

from relay.site.dashboard import pages as dashboard
from relay.site.keys import routes as keys
from relay.site.public import activity, contact, pages
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (
    *pages.ROUTES,
    *activity.ROUTES,
    *contact.ROUTES,
    *dashboard.ROUTES,
    *keys.ROUTES,
)
