"""What a service sent and what became of it: the list, the search for a recipient, one message, trace."""

from relay.site.activity import lists, message, recipients, traces
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (*lists.ROUTES, *recipients.ROUTES, *message.ROUTES, *traces.ROUTES)
