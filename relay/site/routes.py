"""The one table of routes, over all rooms. Tests of access are generated from it."""

from relay.site import activity, callbacks, previews
from relay.site.public import activity as numbers
from relay.site.public import contact, pages
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (
    *pages.ROUTES,
    *numbers.ROUTES,
    *contact.ROUTES,
    *activity.ROUTES,
    *callbacks.ROUTES,
    *previews.ROUTES,
)
