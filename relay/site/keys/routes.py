"""The routes of this room. `new` stands before what takes any key's id."""

from relay.site.keys import changing, listing, making, setup

ROUTES = (*listing.ROUTES, *making.ROUTES, *setup.ROUTES, *changing.ROUTES)
