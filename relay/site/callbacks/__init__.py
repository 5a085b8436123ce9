"""Where a service hears what became of its messages: set, tried, resumed and removed, and the last calls."""

from relay.site.callbacks import overview, setting
from relay.site.routing import Route

ROUTES: tuple[Route, ...] = (*overview.ROUTES, *setting.ROUTES)
