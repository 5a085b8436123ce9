"""What has no language: the root, which leads to one, and what programs read."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from messages.message import Language
from relay.site import layout
from relay.site.language import preferred
from relay.site.parts import Site

PlainHandler = Callable[[Site, Request], Awaitable[Response]]
_YEAR = 365 * 86_400


async def root(site: Site, request: Request) -> Response:
    """To the reader's language; who reads neither chooses."""
    vary = {"Vary": "Accept-Language"}
    if (spoken := preferred(request)) is not None:
        return RedirectResponse(f"/{spoken}", 303, vary)
    names = site.settings.site.names
    html = layout.render("public/choose.html", Language.EN, site.words.translator(Language.EN), names=names)
    return HTMLResponse(html, headers=vary)


async def robots(site: Site, request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nAllow: /\n")


async def security(site: Site, request: Request) -> Response:
    """RFC 9116; its end is always ahead, since whoever serves it still answers."""
    settings = site.settings.site
    contact = f"mailto:{settings.contact}" if settings.contact else f"{settings.public_url}en/contact"
    ends = datetime.fromtimestamp(site.now() + _YEAR, UTC).strftime("%Y-%m-%dT00:00:00Z")
    lines = (
        f"Contact: {contact}",
        f"Expires: {ends}",
        "Preferred-Languages: en, fr",
        f"Canonical: {settings.public_url}.well-known/security.txt",
    )
    return PlainTextResponse("\n".join(lines) + "\n")


ROUTES: Mapping[str, PlainHandler] = {"/": root, "/robots.txt": robots, "/.well-known/security.txt": security}
