"""Around everything: only our host is answered, no request waits for ever, no exception's text gets out, and every
answer tells browsers what they may do with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.setting_values import is_loopback
from config.settings import Site
from relay.failures import Failure, described, failure_of
from relay.site.errors import Away, Broken, Unavailable
from relay.site.layout import POLICY

SECONDS = 10.0  # to read a page; a form has its time to arrive beside it
_POST_SECONDS = 45.0
_YEAR = 31_536_000

Page = Callable[[Request, Away], Awaitable[Response]]


def origins(settings: Site) -> frozenset[str]:
    """By which we are reached; on this machine by each of its names."""
    parts = urlsplit(settings.public_url)
    if not is_loopback(parts.hostname or ""):
        return frozenset({f"{parts.scheme}://{parts.netloc}"})
    port = f":{parts.port}" if parts.port else ""
    return frozenset({f"{parts.scheme}://{host}{port}" for host in ("localhost", "127.0.0.1", "[::1]")})


class Guard:
    """`page` makes an error's page; `is_live` tells the streams, which have no time limit."""

    def __init__(self, app: ASGIApp, *, settings: Site, page: Page, is_live: Callable[[str], bool]) -> None:
        self._app = app
        self._page = page
        self._is_live = is_live
        self._hosts = {urlsplit(each).netloc for each in origins(settings)}
        self._url = settings.public_url
        self._headers = _headers(settings)
        self._log = structlog.get_logger("site")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = False

        async def finish(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._complete(MutableHeaders(scope=message))
            await send(message)

        scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope  # the server leaves the body out
        try:
            async with asyncio.timeout(self._seconds(scope)):
                await (self._refusal(Headers(scope=scope)) or self._app)(scope, receive, finish)
        except ClientDisconnect:
            pass
        except Exception as error:
            told = self._told(error)
            if started:  # half an answer: a broken connection says so
                raise
            await (await self._page(Request(scope), told))(scope, receive, finish)

    def _refusal(self, headers: Headers) -> Response | None:
        if "transfer-encoding" in headers and "content-length" in headers:
            # RFC 9112 6.1: a proxy may have gone by the other length, and what follows be nobody's request.
            return PlainTextResponse("The request is not valid HTTP\n", 400, {"Connection": "close"})
        if headers.get("host", "") not in self._hosts:  # RFC 9110 7.4
            return PlainTextResponse(f"This web site is at {self._url}\n", 421)
        return None

    def _seconds(self, scope: Scope) -> float | None:
        if scope["method"] == "POST":
            return _POST_SECONDS
        return None if self._is_live(scope["path"]) else SECONDS

    def _told(self, error: Exception) -> Away:
        if isinstance(error, Away):
            return error
        self._log.error("site.failed", **described(error))
        return Broken() if failure_of(error) is Failure.BUG else Unavailable()

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)


def _headers(settings: Site) -> Mapping[str, str]:
    """A page that needs another policy, as a preview of a mail does, sets its own."""
    always = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cache-Control": "no-store",
    }
    return always | ({"Strict-Transport-Security": f"max-age={_YEAR}"} if settings.is_secure else {})
