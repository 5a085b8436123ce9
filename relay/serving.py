"""Serves an application on a listener that is ours already, until we are told to stop.

Bounded: connections, the octets of a request's head, and how long a request may take to arrive and its answer to leave.
Knows no door.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_HEAD_BYTES = 16 * 1024
MAX_CHUNKS = 4096  # of a body: each costs what 4 KiB cost, however small it is
ARRIVAL_SECONDS = 60.0  # from its first octet, or from the connection's start, to a request's last
DEPARTURE_SECONDS = 120.0  # for what waits of an answer; a page of eight megabytes on a slow line


@dataclass(frozen=True, slots=True)
class Refusals:
    """Bodies for whom no application is asked: what came is not HTTP, or too many are here already."""

    media_type: str = "text/plain; charset=utf-8"
    not_http: bytes = b"The request is not valid HTTP\n"
    full: bytes = b"Too many requests at once; try again\n"
    retry_seconds: int = 10


_PLAIN = Refusals()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are ours


class _Deadline:
    """Calls `end` once it was running for so many seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> None:
        self._loop = loop
        self._end = end
        self._timer: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Running already, it goes on."""
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._over)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self._end()


class _Connection(h11.Connection):
    """h11's, which bounds a head only while it is unfinished, and the chunks of a body never (RFC 9112 7.1)."""

    _chunks = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        before = len(self.trailing_data[0]) if self.their_state is h11.IDLE else 0
        event = super().next_event()
        if isinstance(event, h11.Request) and before - len(self.trailing_data[0]) > MAX_HEAD_BYTES:
            raise h11.RemoteProtocolError("the head is too large", error_status_hint=431)
        if isinstance(event, h11.Request):
            self._chunks = 0
        elif isinstance(event, h11.Data) and event.chunk_start:
            self._chunks += 1
            if self._chunks > MAX_CHUNKS:
                raise h11.RemoteProtocolError("the body has too many chunks", error_status_hint=413)
        return event


class _Protocol(H11Protocol):
    """uvicorn's, which waits for ever for a request that has begun, and for who does not read its answer."""

    def __init__(self, *arguments: Any, refusals: Refusals, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._refusals = refusals
        self.conn = _Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._max_connections, self.limit_concurrency = self.limit_concurrency, None
        self._arrival = _Deadline(self.loop, self._break_off)
        self._departure = _Deadline(self.loop, self._give_up)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._max_connections is not None and len(self.connections) > self._max_connections:
            transport.write(_answer(self._refusals, 503))
            transport.close()
            return
        self._arrival.start(ARRIVAL_SECONDS)

    def data_received(self, data: bytes) -> None:
        if not self.flow.write_paused:
            self._departure.stop()
        super().data_received(data)
        arriving = self.conn.their_state is h11.SEND_BODY or bool(
            self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        )
        if arriving:
            self._arrival.start(ARRIVAL_SECONDS)
        else:
            self._arrival.stop()
        self._watch_departure()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrival.stop()
        self._departure.stop()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._watch_departure()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_departure()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._departure.stop()

    def _break_off(self) -> None:
        self.transport.abort()

    def _watch_departure(self) -> None:
        if self.transport.get_write_buffer_size():  # the transport would wait for ever, closed or not
            self._departure.start(DEPARTURE_SECONDS)

    def _give_up(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        # Where one was answered already, a second would be taken for the next request's.
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_answer(self._refusals, 400))
        self.transport.close()


def _answer(refusals: Refusals, status: Literal[400, 503]) -> bytes:
    """A whole answer."""
    reason, body = {400: ("Bad Request", refusals.not_http), 503: ("Service Unavailable", refusals.full)}[status]
    retry = f"retry-after: {refusals.retry_seconds}\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {reason}\r\ncontent-type: {refusals.media_type}\r\n"
        f"content-length: {len(body)}\r\n{retry}connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    stopping: asyncio.Event,
    *,
    max_connections: int | None = None,
    trusted_proxies: Sequence[str] = (),
    drain_seconds: int = 2,
    refusals: Refusals = _PLAIN,
) -> None:
    """Ends within `drain_seconds` after `stopping` is set. Whoever comes beyond `max_connections` hears 503.

    `trusted_proxies` are the networks whose X-Forwarded-For names the client.
    """
    config = uvicorn.Config(
        app,
        http=partial(_Protocol, refusals=refusals),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # below it tells of requests that make no sense
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=drain_seconds,
        limit_concurrency=max_connections,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    await stopping.wait()
    server.should_exit = True
    await serving
