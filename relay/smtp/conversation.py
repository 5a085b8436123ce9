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
from typing import Protocol, cast
from uuid import UUID

from aiosmtpd.smtp import SMTP

from auth.principal import Principal
from config.settings import Smtp
from messages import reply
from messages.message import Language
from messages.reply import Refused, Reply, Voice
from relay.budget import Budget
from relay.metrics import DoorMetrics
from relay.smtp.connections import Connections
from relay.smtp.devices import Devices
from relay.smtp.handler import Handler
from relay.smtp.intake import Disconnected, Idle, Intake, Pace
from relay.smtp.witness import Watches, Witness

MAX_ERRORS = 20  # wrong commands since the last message
_PARTING_SECONDS = 1.0
_REPLY_BYTES = 4096  # replies held back for pipelining; then they are sent, and other sessions get their turn


class Kind(StrEnum):
    """How a connection begins, and what its client must do before it may send."""

    STARTTLS = "starttls"  # STARTTLS, then AUTH
    TLS = "tls"  # AUTH
    DEVICES = "devices"  # neither: its address says whose it is


class Verifier(Protocol):
    """What the door needs of auth.verify."""

    async def verify(self, username: str, secret: str, client_ip: str | None = None) -> Principal: ...

    async def current(self, principal: Principal, client_ip: str | None) -> Principal: ...

    async def identify(self, username: str, client_ip: str) -> Principal: ...

    def key_id(self, username: str) -> UUID | None: ...


class Throttle(Protocol):
    """What the door needs of auth.throttle."""

    async def admit(self, client_ip: str, username: str) -> float:
        """Seconds to wait before the password is looked at. Raises Refused: not now."""
        ...

    def failed(self, client_ip: str, username: str) -> None: ...

    def succeeded(self, client_ip: str, username: str) -> None: ...

    def name(self, username: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of one process share."""

    settings: Smtp
    tls_context: ssl.SSLContext
    verifier: Verifier
    handler: Handler
    metrics: DoorMetrics
    budget: Budget
    devices: Devices
    connections: "Connections[Conversation]"
    throttle: Throttle
    voices: Mapping[Language, Voice]
    watches: Watches
    pace: Pace


class Conversation(SMTP):
    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop, client_ip: str) -> None:
        # Not SMTP.__init__: it inspects its methods anew for each connection (0.4 ms), clears a table that all
        # connections share, and makes a StreamReader; ours is the Intake.
        asyncio.StreamReaderProtocol.__init__(self, None, loop=loop)  # type: ignore[arg-type]
        self.loop = loop
        self.client_ip = client_ip  # the door corrects it where a balancer names another
        self.task: asyncio.Task[None] | None = None  # from the connection's start to its end; the door's
        self._shared = shared
        self._settings = shared.settings
        self._intake = Intake(loop)
        self._out = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._connection: asyncio.Transport
        self._errors = 0
        self._closing = False
        self._witness: Witness | None = None  # while somebody looks on

    @abstractmethod
    def _greeting(self) -> str:
        """The first line. Raises Refused: then that is the last one."""

    @abstractmethod
    async def _run(self, line: bytes) -> None:
        """Does what a command line says. Raises Refused, Idle, Disconnected; anything else is our fault."""

    @abstractmethod
    def _reset(self) -> None:
        """Ends the transaction, if one is open."""

    @property
    @abstractmethod
    def _door(self) -> str:
        """By which door the client came."""

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
        self._intake.attach(transport)

    def _use(self, transport: asyncio.Transport) -> None:
        self._connection = transport
        transport.set_write_buffer_limits(high=1)  # not writable means: the client has not taken all our replies

    def data_received(self, data: bytes) -> None:
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

    # -- The conversation ---------------------------------------------------------------------------------------
    async def converse(self) -> None:
        """From the greeting to the end of the connection, which must be made."""
        try:
            try:
                await self.push(self._greeting())
            except Refused as refused:
                self._closing = True  # without waiting for QUIT, as RFC 5321 3.1 asks: it would keep the place
                await self.push(refused.line(self._voice))
            while not self._closing:
                await self._next_command()
            await self._flush()
            await self._part()
        except (Disconnected, Idle):
            pass
        except asyncio.CancelledError:  # the door's patience is over
            self._connection.abort()
            raise
        finally:
            self._reset()
            if self._writable.is_set():
                self._connection.close()
            else:
                self._connection.abort()  # close() would wait, without end, for a client that takes no reply

    async def _part(self) -> None:
        """Lets the client close first: a connection closed under what it sends is reset, and our last reply lost.

        Raises Disconnected, Idle.
        """
        if self._connection.can_write_eof() and not self._connection.is_closing():  # TLS has a farewell of its own
            self._connection.write_eof()
            await self._intake.end(_PARTING_SECONDS)

    async def _next_command(self) -> None:
        if not self._intake.has_line:
            await self._flush()
        elif len(self._out) > _REPLY_BYTES:
            await self._flush()
            await asyncio.sleep(0)
        try:
            await self._run(await self._intake.line(self._patience()))
        except Refused as refused:
            await self._refuse(refused)
        except Idle:
            await self._refuse(self._too_late())
        except Disconnected:
            raise
        except Exception as error:
            answer = self._shared.handler.refusal_of(error)
            self._reset()
            self._closing = self._intake.in_content  # what follows is content: it must not be read as commands
            await self._refuse(answer)

    async def push(self, status: str | bytes) -> None:
        self._out += status.encode() if isinstance(status, str) else status
        self._out += b"\r\n"

    async def _say(self, answer: Reply, **values: object) -> None:
        await self.push(answer.format(self._voice, **values))

    async def _flush(self) -> None:
        """Sends the replies; returns when the client has room for more. Raises Disconnected."""
        if self._connection.is_closing():  # to write then is an error with uvloop, and a warning with asyncio
            raise Disconnected
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
        if refused.reply is reply.NOT_SMTP:
            self._closing = True  # what is left unread is never looked at
            self._shared.handler.not_smtp(self._door, self.client_ip, str(refused.values_["protocol"]))
        if refused.reply.code == 421:
            self._closing = True
        if self._witness is not None:
            self._witness.refused(refused)
        await self.push(refused.line(self._voice))
