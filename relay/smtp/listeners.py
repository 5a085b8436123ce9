"""The SMTP door: connections taken off the sockets that the supervisor opened, and how they end.

Not asyncio's servers: what counts as a connection is decided here, before TLS and before its first octet.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

import structlog

from auth.bans import place
from config.settings import Smtp
from config.words import Words
from messages.message import Language
from messages.reply import Reply
from relay.budget import Budget
from relay.metrics import DoorMetrics
from relay.smtp import proxy
from relay.smtp.connections import Connections
from relay.smtp.conversation import Conversation, Kind, Shared, Throttle, Verifier
from relay.smtp.devices import Devices
from relay.smtp.handler import Acceptor, Handler, Pressure
from relay.smtp.intake import PACE, STUFFING_BYTES, Pace
from relay.smtp.session import HANDSHAKE_SECONDS, TLS_CLOSE_SECONDS, Session
from relay.smtp.witness import Watches

PROXY_SECONDS = 5.0
_ACCEPTS = 32  # connections taken in one go; then the open ones get their turn, and other processes theirs
_ARRIVAL_SECONDS = 2.0  # what a stopping door gives those who have not been greeted, to hear why they must go
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_EXHAUSTED_SECONDS = 0.5
_KEEPALIVE_IDLE_SECONDS = 60  # sooner than firewalls forget a connection


class _Listener:
    """Accepts on one socket until told to stop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, on_accept: Callable[[socket.socket, str], None]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._on_accept = on_accept
        self._pause: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger()
        sock.setblocking(False)
        # What is accepted inherits these. Without the first, a greeting waits 40 ms for the client's delayed ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_SECONDS)
        self._listen()

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._accept)

    def stop(self) -> None:
        """Closes our end only: who waits in the socket's queue is served by another process that has it."""
        if self._pause is not None:
            self._pause.cancel()
        else:
            self._loop.remove_reader(self._sock)
        self._sock.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, peer = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._wait(error)
                    return
                continue  # accept(2): the client is gone already
            sock.setblocking(False)
            self._on_accept(sock, proxy.plain_address(peer[0]))

    def _wait(self, error: OSError) -> None:
        # The socket stays readable, so accepting at once would only use up the processor.
        self._log.error("smtp.exhausted", error=errno.errorcode[error.errno or 0])
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(_EXHAUSTED_SECONDS, self._listen)


class SmtpDoor:
    """All SMTP listeners of one process."""

    def __init__(
        self,
        settings: Smtp,
        tls_context: ssl.SSLContext,
        verifier: Verifier,
        acceptor: Acceptor,
        metrics: DoorMetrics,
        words: Words,
        throttle: Throttle,
        watches: Watches,
        pressure: Pressure,
        *,
        sms_domain: str,
        pace: Pace = PACE,
    ) -> None:
        self._handler = Handler(settings, acceptor, metrics, sms_domain, pressure)
        self._connections: Connections[Conversation] = Connections(settings, metrics.smtp_connections)
        self._balancers = [ip_network(each) for each in settings.proxy_from]
        self._log = structlog.get_logger()
        self._shared = Shared(
            settings=settings,
            tls_context=tls_context,
            verifier=verifier,
            handler=self._handler,
            metrics=metrics,
            budget=Budget(settings.max_bytes_in_transfer, settings.max_message_bytes + STUFFING_BYTES),
            devices=Devices(settings.devices),
            connections=self._connections,
            throttle=throttle,
            voices={language: words.voice(language) for language in Language},
            watches=watches,
            pace=pace,
        )
        self._listeners: list[_Listener] = []
        self._arriving: dict[Session, asyncio.Task[None]] = {}  # not greeted yet

    async def start(
        self,
        sockets: Sequence[socket.socket],
        tls_sockets: Sequence[socket.socket],
        device_sockets: Sequence[socket.socket] = (),
    ) -> None:
        """Accepts connections on listening sockets: one with STARTTLS, one with TLS from its start, or with neither."""
        loop = asyncio.get_running_loop()
        for kind, listening in ((Kind.STARTTLS, sockets), (Kind.TLS, tls_sockets), (Kind.DEVICES, device_sockets)):
            for sock in listening:
                self._listeners.append(_Listener(loop, sock, partial(self._admit, loop, kind)))

    def _admit(self, loop: asyncio.AbstractEventLoop, kind: Kind, sock: socket.socket, client_ip: str) -> None:
        """Counts a connection from here on, whatever it does next; what cannot be counted in goes."""
        session = Session(self._shared, kind, loop, client_ip)
        refusal = self._connections.admit(session)
        if refusal is not None:
            self._turn_away(sock, kind, refusal)
            return
        session.task = loop.create_task(self._serve(session, kind, sock))
        self._arriving[session] = session.task

    async def _serve(self, session: Session, kind: Kind, sock: socket.socket) -> None:
        """A whole connection."""
        tls = kind is Kind.TLS
        try:
            if not await self._let_in(session, kind, sock):
                return
            await session.loop.connect_accepted_socket(
                lambda: session,
                sock,
                ssl=self._shared.tls_context if tls else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                ssl_shutdown_timeout=TLS_CLOSE_SECONDS if tls else None,
            )
            del self._arriving[session]
            await session.converse()
        except (OSError, proxy.NotProxied) as error:  # before the greeting: there is no one to tell
            self._log.debug("smtp.not_begun", kind=kind.value, error=type(error).__name__)
        except Exception as error:
            self._handler.report(error)
        finally:
            self._arriving.pop(session, None)
            self._connections.leave(session)

    async def _let_in(self, session: Session, kind: Kind, sock: socket.socket) -> bool:
        """Whether its client may have one more connection; if not, it is closed. Raises NotProxied, OSError."""
        try:
            session.client_ip = await self._client_ip(session.loop, sock, session.client_ip)
        except BaseException:
            sock.close()
            raise
        refusal = self._connections.locate(session, place(session.client_ip))
        if refusal is not None:
            self._turn_away(sock, kind, refusal)
        return refusal is None

    async def _client_ip(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer_ip: str) -> str:
        """Whose connection it is. Raises NotProxied, OSError."""
        peer = ip_address(peer_ip)
        if not any(peer in network for network in self._balancers):
            return peer_ip
        async with asyncio.timeout(PROXY_SECONDS):
            header = await proxy.receive(loop, sock)
        return header.client_ip or peer_ip

    def _turn_away(self, sock: socket.socket, kind: Kind, refusal: Reply) -> None:
        with contextlib.suppress(OSError):
            if kind is not Kind.TLS:  # there nobody could read it before the handshake
                sock.send(refusal.format(self._shared.voices[Language.BOTH]).encode() + b"\r\n")
        sock.close()

    async def drain(self, timeout_seconds: float) -> None:
        """Stops accepting, sends idle clients away, lets messages in transfer end, then closes what is left."""
        while self._listeners:
            self._listeners.pop().stop()
        for session in self._connections:
            session.drain()
        busy = {session.task for session in self._connections if session.task} | self._handler.accepting
        arrival_seconds = min(_ARRIVAL_SECONDS, timeout_seconds)
        await _wait(busy, arrival_seconds)
        await _end(self._arriving.values())
        await _wait(busy, timeout_seconds - arrival_seconds)
        await _end({session.task for session in self._connections if session.task})


async def _wait(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    running = [task for task in tasks if not task.done()]
    if running:
        await asyncio.wait(running, timeout=seconds)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
