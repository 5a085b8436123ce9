"""One client's conversation, from greeting to farewell.

Of aiosmtpd's `SMTP` stay its place on the transport and the names of its commands; reading, replies, addresses, AUTH,
DATA and TLS are ours, each for a reason written where it stands. Replies to pipelined commands leave together
(RFC 2920 3.2). Nothing here is cancelled by a client that leaves: reading then ends with Disconnected.
"""

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from aiosmtpd.smtp import SMTP

from auth.principal import Principal
from config.settings import Smtp
from messages import reply
from messages.message import Trace
from messages.reply import Refused
from relay.metrics import DoorMetrics
from relay.smtp.auth import credentials
from relay.smtp.connections import Connections
from relay.smtp.handler import Handler, Transaction
from relay.smtp.intake import Budget, Disconnected, Idle, Intake, Share
from relay.smtp.parameters import parse_mail

COMMAND_BYTES = 1024  # RFC 5321 4.5.3.1.4 asks 512, and extensions add to MAIL and RCPT
MAX_ERRORS = 20  # wrong commands since the last message
MAX_AUTH_FAILURES = 5
HANDSHAKE_SECONDS = 15.0
_REPLY_BYTES = 4096  # replies held back for pipelining; then they are sent, and other sessions get their turn
_GO_AHEAD = "354 end the message with <CR><LF>.<CR><LF>"  # RFC 2034 4: a 3xx has no enhanced code
_NOT_IN_TRACE = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_AUTH_FAILURES = {reply.SERVICE_HELD: "held", reply.AUTH_UNAVAILABLE: "unavailable", reply.KEY_REVOKED: "revoked"}


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
    connections: "Connections[Session]"
    auth_delay_seconds: float


class Session(SMTP):
    def __init__(self, shared: Shared, *, tls: bool, loop: asyncio.AbstractEventLoop) -> None:
        # Not SMTP.__init__: it inspects its methods anew for each connection (0.4 ms), clears a table that all
        # connections share, and makes a StreamReader; ours is the Intake.
        asyncio.StreamReaderProtocol.__init__(self, None, loop=loop)  # type: ignore[arg-type]
        self.loop = loop
        self._shared = shared
        self._settings = shared.settings
        self._tls = tls
        self._intake = Intake(loop)
        self._out = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._connection: asyncio.Transport
        self._client_ip = ""
        self._helo = ""
        self._extended = False
        self._principal: Principal | None = None
        self._transaction: Transaction | None = None
        self._errors = 0
        self._auth_failures = 0
        self._log_in_by = loop.time() + shared.settings.idle_timeout_seconds
        self._closing = False
        self.task: asyncio.Task[None] | None = None

    # -- Called by the transport --------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._use(transport)
        peer: Any = transport.get_extra_info("peername")
        self._client_ip = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        refusal = self._shared.connections.admit(self, self._client_ip)
        if refusal is not None:
            transport.write(refusal.format().encode() + b"\r\n")
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
            late = reply.IDLE_TOO_LONG if self._principal else reply.LOGIN_TOO_LATE
            await self._refuse(Refused(late, seconds=round(self._settings.idle_timeout_seconds)))
        except Disconnected:
            raise
        except Exception as error:
            self._shared.handler.report(error)
            self._reset()
            self._closing = self._intake.in_content  # what follows is content: it must not be read as commands
            await self._refuse(Refused(reply.UNAVAILABLE))

    def _patience(self) -> float:
        """Seconds for the next command: a client that only keeps its place does not keep it without log-in."""
        if self._principal is not None:
            return self._settings.idle_timeout_seconds
        return max(self._log_in_by - self.loop.time(), 0)

    async def _run(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if len(line) + 2 > COMMAND_BYTES and verb != b"AUTH":
            raise Refused(reply.LINE_TOO_LONG, limit=COMMAND_BYTES)
        command = _COMMANDS.get(verb)
        if command is None:
            raise Refused(reply.COMMAND_UNKNOWN)
        try:
            text = argument.decode().strip(" ")
        except UnicodeDecodeError:
            raise Refused(reply.NOT_TEXT) from None
        await command(self, text)

    async def push(self, status: str | bytes) -> None:
        self._out += status.encode() if isinstance(status, str) else status
        self._out += b"\r\n"

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
        await self.push(refused.line())

    def _reset(self) -> None:
        """Ends the transaction, if one is open."""
        transaction, self._transaction = self._transaction, None
        self._shared.handler.end(transaction, self._principal)

    # -- Greeting and TLS ---------------------------------------------------------------------------------------
    async def smtp_EHLO(self, arg: str) -> None:
        self._greet(arg, "EHLO", extended=True)
        lines = [self._settings.hostname, "PIPELINING", f"SIZE {self._settings.max_message_bytes}"]
        lines += ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        lines.append("AUTH PLAIN LOGIN" if self._tls else "STARTTLS")
        await self.push("\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]))

    async def smtp_HELO(self, arg: str) -> None:
        self._greet(arg, "HELO", extended=False)
        await self.push(f"250 {self._settings.hostname}")

    def _greet(self, name: str, verb: str, *, extended: bool) -> None:
        if not name:
            raise Refused(reply.BAD_COMMAND, usage=f"{verb} hostname")
        self._reset()
        self._helo = _NOT_IN_TRACE.sub("?", name)[:255]
        self._extended = extended

    async def smtp_STARTTLS(self, arg: str) -> None:
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="STARTTLS")
        if self._tls:
            raise Refused(reply.BAD_SEQUENCE, expected="TLS is active already")
        await self.push(reply.TLS_READY.format())
        await self._flush()
        self._intake.attach(None)
        self._intake.discard()
        try:
            connection = await self.loop.start_tls(
                self._connection,
                self,
                self._shared.tls_context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except (OSError, TimeoutError):  # every failure of a handshake; there is no one left to tell
            raise Disconnected from None
        assert connection is not None
        self._use(connection)
        self._intake.attach(connection)
        self._tls, self._extended, self._helo = True, False, ""  # RFC 3207 4.2: as if just connected

    # -- AUTH ---------------------------------------------------------------------------------------------------
    async def smtp_AUTH(self, arg: str) -> None:
        if not self._tls:
            raise Refused(reply.ENCRYPTION_REQUIRED)
        if not self._extended:
            raise Refused(reply.BAD_SEQUENCE, expected="EHLO first")
        if self._principal is not None:
            raise Refused(reply.BAD_SEQUENCE, expected="logged in already")
        username, secret = await credentials(arg, self._ask)
        try:
            self._principal = await self._shared.verifier.verify(username, secret, self._client_ip)
        except Refused as refused:
            await self._auth_failed(refused)
        except Exception as error:
            self._shared.handler.report(error)
            await self._auth_failed(Refused(reply.AUTH_UNAVAILABLE))
        await self.push(reply.AUTH_OK.format())

    async def _ask(self, challenge: str) -> bytes:
        # RFC 4954 4: the space stands there even when the challenge is empty
        await self.push(b"334 " + b64encode(challenge.encode()))
        await self._flush()
        return await self._intake.line(self._patience())

    async def _auth_failed(self, refused: Refused) -> None:
        self._shared.metrics.auth_failures.labels(_AUTH_FAILURES.get(refused.reply, "credentials")).inc()
        if refused.reply.temporary:
            raise refused
        self._auth_failures += 1
        await asyncio.sleep(self._shared.auth_delay_seconds)
        raise Refused(reply.TOO_MANY_ERRORS) if self._auth_failures >= MAX_AUTH_FAILURES else refused

    def _logged_in(self) -> Principal:
        if not self._tls:
            raise Refused(reply.TLS_REQUIRED)
        if self._principal is None:
            raise Refused(reply.AUTH_REQUIRED)
        return self._principal

    # -- Mail ---------------------------------------------------------------------------------------------------
    async def smtp_MAIL(self, arg: str | None) -> None:
        principal = self._logged_in()
        if self._transaction is not None:
            raise Refused(reply.BAD_SEQUENCE, expected="RCPT, DATA or RSET")
        try:
            self._principal = principal = await self._shared.verifier.current(principal)
            sender = parse_mail(arg or "", self._settings.max_message_bytes)
        except Refused as refused:
            if refused.reply is reply.KEY_REVOKED:
                self._principal = None  # out, in open sessions too
            self._shared.handler.count_refusal(refused.reply, "mail", principal)
            raise
        self._transaction = Transaction(sender)
        await self.push(reply.SENDER_OK.format())

    async def smtp_RCPT(self, arg: str | None) -> None:
        principal, transaction = self._logged_in(), self._open_transaction()
        self._shared.handler.add_recipient(transaction, arg or "", principal)
        await self.push(reply.RECIPIENT_OK.format())

    def _open_transaction(self) -> Transaction:
        if self._transaction is None:
            raise Refused(reply.BAD_SEQUENCE, expected="MAIL first")
        return self._transaction

    async def smtp_DATA(self, arg: str) -> None:
        principal, transaction = self._logged_in(), self._open_transaction()
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="DATA")
        if not transaction.recipients:
            raise Refused(reply.BAD_SEQUENCE, expected="an accepted RCPT first")
        self._transaction = None  # whatever comes of it, the transaction ends here
        try:
            with Share(self._shared.budget, transaction.sender.size) as share:
                await self.push(_GO_AHEAD)
                await self._flush()
                content = await self._intake.content(
                    self._settings.max_message_bytes, self._settings.idle_timeout_seconds, share
                )
                line = await self._shared.handler.submit(transaction, content, self._trace(transaction), principal)
        except Refused as refused:
            line = self._shared.handler.refuse(refused, "data", principal)
        self._errors = 0
        await self.push(line)
        if self._connection.is_closing():
            self._shared.handler.not_told(principal)

    def _trace(self, transaction: Transaction) -> Trace:
        protocol = "UTF8SMTPSA" if transaction.sender.smtputf8 else "ESMTPSA"  # RFC 6531 4.3, RFC 3848
        return Trace(self._helo, self._client_ip, protocol, self._settings.hostname)

    async def smtp_RSET(self, arg: str) -> None:
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="RSET")
        self._reset()
        await self.push(reply.OK.format())

    # -- The rest -----------------------------------------------------------------------------------------------
    async def smtp_NOOP(self, arg: str) -> None:
        await self.push(reply.OK.format())

    async def smtp_QUIT(self, arg: str) -> None:
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="QUIT")
        self._closing = True
        await self.push(reply.CLOSING.format())

    async def smtp_HELP(self, arg: str) -> None:
        await self.push(reply.SEE_DOCUMENTATION.format())

    async def smtp_VRFY(self, arg: str) -> None:
        await self.push(reply.CANNOT_VERIFY.format())

    async def smtp_EXPN(self, arg: str) -> None:
        raise Refused(reply.NOT_IMPLEMENTED)


_Command = Callable[[Session, str], Awaitable[None]]
_COMMANDS: dict[bytes, _Command] = {
    name.removeprefix("smtp_").encode(): command for name, command in vars(Session).items() if name.startswith("smtp_")
}
