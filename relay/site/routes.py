"""The one table of routes, over all rooms. Tests of access are generated from it."""

from relay.site.public import contact, pages
from relay.site.routing import Route
from relay.site.send import routes as send
from relay.site.templates import routes as templates

ROUTES: tuple[Route, ...] = (*pages.ROUTES, *contact.ROUTES, *templates.ROUTES, *send.ROUTES)
