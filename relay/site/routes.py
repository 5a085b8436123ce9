"""The one table of routes, over all rooms. Tests of access are generated from it."""

from relay.site.account import rooms as account
from relay.site.entry import rooms as entry
from relay.site.public import activity, contact, pages
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (*entry.ROUTES, *account.ROUTES, *pages.ROUTES, *activity.ROUTES, *contact.ROUTES)
