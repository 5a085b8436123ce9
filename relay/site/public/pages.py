"""Pages that say the same to everybody."""

from starlette.responses import Response

from messages.text import Text
from relay.site.routing import Needs, Route
from relay.site.visits import Visit


async def start(visit: Visit) -> Response:
    limits = visit.site.settings.limits
    return visit.page(
        "public/start.html", title=Text("Send emails and text messages to the people you serve"), limits=limits
    )


async def features(visit: Visit) -> Response:
    return visit.page("public/features.html", title=Text("Features"), limits=visit.site.settings.limits)


async def documentation(visit: Visit) -> Response:
    """The guides stand at the HTTP door, which is another host: there programs find what they call."""
    return visit.page(
        "public/documentation.html", title=Text("Documentation"), root=visit.site.settings.http.public_url
    )


async def accessibility(visit: Visit) -> Response:
    return visit.page("public/accessibility.html", title=Text("Accessibility"))


async def privacy(visit: Visit) -> Response:
    settings = visit.site.settings
    region = "" if settings.email.traits.writes_files else settings.aws.region
    return visit.page("public/privacy.html", title=Text("Privacy"), region=region)


async def sitemap(visit: Visit) -> Response:
    return visit.page("public/sitemap.html", title=Text("Site map"))


ROUTES = tuple(
    Route("GET", path, handler, Needs.NOBODY)
    for path, handler in (
        ("", start),
        ("features", features),
        ("documentation", documentation),
        ("accessibility", accessibility),
        ("privacy", privacy),
        ("sitemap", sitemap),
    )
)
