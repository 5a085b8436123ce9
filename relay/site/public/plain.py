"""What has no language: the root, which leads to one, and what programs read."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from relay.site.language import preferred
from relay.site.parts import Site

Handler = Callable[[Site, Request], Awaitable[Response]]


async def root(site: Site, request: Request) -> Response:
    spoken = preferred(request)
    return RedirectResponse(f"/{spoken or 'en'}", 303, {"Vary": "Accept-Language"})


async def robots(site: Site, request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nAllow: /\n")


ROUTES: Mapping[str, Handler] = {"/": root, "/robots.txt": robots}
