"""What would become of a message that a product sends: before and after, without sending it."""

from relay.site.previews import page

ROUTES = page.ROUTES
