"""The transport's side of a session: bytes in, replies out, one command at a time, and how a connection ends.

Of aiosmtpd's `SMTP` stay its place on the transport and the names of its commands; reading, replies, addresses, AUTH,
DATA and TLS are ours, each for a reason written where it stands. Replies to pipelined commands leave together
(RFC 2920 3.2). Nothing here is cancelled by a client that leaves: reading then ends with Disconnected.
"""

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, cast

from aiosmtpd.smtp import SMTP

from auth.principal import Principal
from config.settings import Smtp
from messages import reply
from messages.message import Language
from messages.reply import Refused, Reply, Voice
from relay.metrics import DoorMetrics
from relay.smtp.connections import Connections
from relay.smtp.handler import Handler
from relay.smtp.intake import Budget, Disconnected, Idle, Intake

MAX_ERRORS = 20  # wrong commands since the last message
_REPLY_BYTES = 4096  # replies held back for pipelining; then they are sent, and other sessions get their turn


class Kind(StrEnum):
    """How a connection begins, and what its client must do before it may send."""

    STARTTLS = "starttls"  # STARTTLS, then AUTH
    TLS = "tls"  # AUTH
    DEVICES = "devices"  # neither: its address says whose it is


class Verifier(Protocol):
    """What the door needs of auth.verify."""

    async def verify(self, username: str, secret: str, client_ip: str | None = None) -> Principal: ...

    async def current(self, principal: Principal) -> Principal: ...


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of one process share."""

    settings: Smtp
    tls_context: ssl.SSLContext
    verifier: Verifier
    handler: Handler
    metrics: DoorMetrics
    budget: Budget
    connections: "Connections[Conversation]"
    auth_delay_seconds: float
    voices: Mapping[Language, Voice]


class Conversation(SMTP):
    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop) -> None:
        # Not SMTP.__init__: it inspects its methods anew for each connection (0.4 ms), clears a table that all
        # connections share, and makes a StreamReader; ours is the Intake.
        asyncio.StreamReaderProtocol.__init__(self, None, loop=loop)  # type: ignore[arg-type]
        self.loop = loop
        self.task: asyncio.Task[None] | None = None
        self._shared = shared
        self._settings = shared.settings
        self._intake = Intake(loop)
        self._out = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._connection: asyncio.Transport
        self._client_ip = ""
        self._errors = 0
        self._closing = False

    @abstractmethod
    async def _run(self, line: bytes) -> None:
        """Does what a command line says. Raises Refused, Idle, Disconnected; anything else is our fault."""

    @abstractmethod
    def _reset(self) -> None:
        """Ends the transaction, if one is open."""

    @property
    @abstractmethod
    def _voice(self) -> Voice:
        """The languages that this client is answered in."""

    @abstractmethod
    def _patience(self) -> float:
        """Seconds that the next line may take."""

    @abstractmethod
    def _too_late(self) -> Refused:
        """What a client hears whose line took longer."""

    # -- Called by the transport --------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._use(transport)
        peer: Any = transport.get_extra_info("peername")
        self._client_ip = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        refusal = self._shared.connections.admit(self, self._client_ip)
        if refusal is not None:
            transport.write(refusal.format(self._voice).encode() + b"\r\n")
            transport.close()
            return
        self._intake.attach(transport)
        self.task = self.loop.create_task(self._handle_client())

    def _use(self, transport: asyncio.Transport) -> None:
        self._connection = transport
        transport.set_write_buffer_limits(high=1)  # not writable means: the client has not taken all our replies

    def data_received(self, data: bytes) -> None:
        if self.task is not None:
            self._intake.feed(data)

    def eof_received(self) -> bool:
        self._intake.feed_eof()
        return False  # the transport closes itself

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._intake.feed_eof()
        self._writable.set()
        asyncio.StreamReaderProtocol.connection_lost(self, error)

    # -- Called by the door -------------------------------------------------------------------------------------
    def drain(self) -> None:
        """Ends the conversation with 421 4.3.2: at once between commands, after the reply to a message in transfer."""
        self._intake.stop(Refused(reply.SHUTTING_DOWN))

    def abort(self) -> None:
        self._connection.abort()
        if self.task is not None:
            self.task.cancel()

    # -- The conversation ---------------------------------------------------------------------------------------
    async def _handle_client(self) -> None:
        try:
            await self.push(f"220 {self._settings.hostname} ESMTP notify-relay")
            while not self._closing:
                await self._next_command()
            await self._flush()
        except Disconnected:
            pass
        finally:
            self._reset()
            self._shared.connections.leave(self)
            if self._writable.is_set():
                self._connection.close()
            else:
                self._connection.abort()  # close() would wait, without end, for a client that takes no reply

    async def _next_command(self) -> None:
        try:
            if not self._intake.has_line:
                await self._flush()
            elif len(self._out) > _REPLY_BYTES:
                await self._flush()
                await asyncio.sleep(0)
            await self._run(await self._intake.line(self._patience()))
        except Refused as refused:
            await self._refuse(refused)
        except Idle:
            await self._refuse(self._too_late())
        except Disconnected:
            raise
        except Exception as error:
            self._shared.handler.report(error)
            self._reset()
            self._closing = self._intake.in_content  # what follows is content: it must not be read as commands
            await self._refuse(Refused(reply.UNAVAILABLE))

    async def push(self, status: str | bytes) -> None:
        self._out += status.encode() if isinstance(status, str) else status
        self._out += b"\r\n"

    async def _say(self, answer: Reply, **values: object) -> None:
        await self.push(answer.format(self._voice, **values))

    async def _flush(self) -> None:
        """Sends the replies; returns when the client has room for more. Raises Disconnected."""
        if self._out:
            self._connection.write(bytes(self._out))
            self._out.clear()
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(self._settings.idle_timeout_seconds):
                    await self._writable.wait()
            except TimeoutError:
                raise Disconnected from None

    async def _refuse(self, refused: Refused) -> None:
        if 500 <= refused.reply.code < 550:
            self._errors += 1
            if self._errors >= MAX_ERRORS:
                refused = Refused(reply.TOO_MANY_ERRORS)
        if refused.reply.code == 421:
            self._closing = True
        await self.push(refused.line(self._voice))
