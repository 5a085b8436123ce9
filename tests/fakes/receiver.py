"""A service's receiver: a real HTTP server that answers by a script and keeps what it was told."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Reply:
    """`status` None: the connection is cut without an answer."""

    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # before the answer
    body: bytes = b""
    drips: bool = False  # the body never ends, an octet at a time


OK = Reply()
HANG = Reply(seconds=3600)
CUT = Reply(None)


@dataclass(frozen=True)
class Told:
    """One call as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float  # by the event loop's clock

    @property
    def callback_id(self) -> str:
        return self.headers["X-Notify-Callback-Id"]


class Receiver:
    """`async with Receiver(...)`: listens on a free port of `host`. Without a script it answers 200."""

    def __init__(
        self, script: Sequence[Reply] = (), *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.told: list[Told] = []
        self.at_once = 0
        self.most_at_once = 0
        self.always = OK
        self._script = list(script)
        self._host = host
        self._tls = tls
        self._came = asyncio.Event()

    async def __aenter__(self) -> "Receiver":
        self._runner = web.ServerRunner(
            web.Server(self._answer, handler_cancellation=True), handle_signals=False, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0, ssl_context=self._tls)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self.url = f"{'https' if self._tls else 'http'}://{self._host}:{self.port}/notify"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def wait(self, calls: int, seconds: float = 60) -> list[Told]:
        """What came, once it is so many calls."""
        async with asyncio.timeout(seconds):
            while len(self.told) < calls:
                self._came.clear()
                await self._came.wait()
        return self.told

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        now = asyncio.get_running_loop().time()
        self.told.append(Told(request.path_qs, dict(request.headers), body, now))
        self._came.set()
        reply = self._script.pop(0) if self._script else self.always
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(reply.seconds)
        finally:
            self.at_once -= 1
        return await self._given(request, reply)

    async def _given(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        if reply.status is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if not reply.drips:
            return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
        response: Any = web.StreamResponse(status=reply.status)
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.05)
