"""Whom a service sends nothing more to: its list, a search for one of them, one put on it by hand, one taken off."""

from relay.site.routing import Route
from relay.site.suppressions import adding, finding, lifting, listing

ROUTES: tuple[Route, ...] = (*listing.ROUTES, *finding.ROUTES, *adding.ROUTES, *lifting.ROUTES)
