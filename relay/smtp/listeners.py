"""The SMTP door: servers on sockets that the supervisor opened, and how they end."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from config.settings import Smtp
from config.words import Words
from messages.message import Language
from relay.metrics import DoorMetrics
from relay.smtp.connections import Connections
from relay.smtp.conversation import Conversation, Kind, Shared, Verifier
from relay.smtp.handler import Acceptor, Handler
from relay.smtp.intake import Budget
from relay.smtp.session import HANDSHAKE_SECONDS, Session

_TLS_CLOSE_SECONDS = 5.0
_BACKLOG = 1024


def tls_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """A server's context, TLS 1.2 or newer. `load_cert_chain` on it again renews the certificate of new connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(cert_file, key_file)
    return context


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
        *,
        auth_delay_seconds: float = 0.5,
    ) -> None:
        """`auth_delay_seconds` is how long the reply to a failed log-in waits."""
        self._handler = Handler(settings, acceptor, metrics)
        self._connections: Connections[Conversation] = Connections(settings, metrics.smtp_connections)
        self._shared = Shared(
            settings=settings,
            tls_context=tls_context,
            verifier=verifier,
            handler=self._handler,
            metrics=metrics,
            budget=Budget(settings.max_bytes_in_transfer),
            connections=self._connections,
            auth_delay_seconds=auth_delay_seconds,
            voices={language: words.voice(language) for language in Language},
        )
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: Sequence[socket.socket], tls_sockets: Sequence[socket.socket]) -> None:
        """Accepts connections on bound sockets: `sockets` offer STARTTLS, `tls_sockets` begin with TLS."""
        for sock in (*sockets, *tls_sockets):
            # Accepted sockets inherit it. asyncio sets it only where a socket names its protocol number, which these do
            # not, and then the greeting after a TLS handshake waits 40 ms for the client's delayed ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for sock in sockets:
            self._servers.append(await self._listen(sock, Kind.STARTTLS))
        for sock in tls_sockets:
            self._servers.append(await self._listen(sock, Kind.TLS))

    async def _listen(self, sock: socket.socket, kind: Kind) -> asyncio.Server:
        loop, tls = asyncio.get_running_loop(), kind is Kind.TLS
        return await loop.create_server(
            lambda: Session(self._shared, kind, loop),
            sock=sock,
            backlog=_BACKLOG,
            ssl=self._shared.tls_context if tls else None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
            ssl_shutdown_timeout=_TLS_CLOSE_SECONDS if tls else None,
        )

    async def drain(self, timeout_seconds: float) -> None:
        """Stops listening, sends idle clients away, lets messages in transfer end, then closes what is left."""
        self._connections.close()
        for server in self._servers:
            server.close()  # not wait_closed: from Python 3.12 on it waits for idle clients
        for session in self._connections:
            session.drain()
        busy = {session.task for session in self._connections if session.task} | self._handler.accepting
        if busy:
            await asyncio.wait(busy, timeout=timeout_seconds)
        for session in self._connections:
            session.abort()
