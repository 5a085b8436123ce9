"""All pages of the way in."""

from relay.site.entry import register, reset, second, sign_in
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (*register.ROUTES, *sign_in.ROUTES, *second.ROUTES, *reset.ROUTES)
