"""What a client may say, and what is done about it: TLS, AUTH, then mail (RFC 5321 4.1.1).

Each command is a method with aiosmtpd's name; it pushes its reply, or raises Refused with it.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import NoReturn

from auth.principal import Principal
from messages import reply
from messages.message import Language, Trace
from messages.reply import Refused, Voice
from messages.text import Text
from relay.smtp.conversation import Conversation, Kind, Shared
from relay.smtp.handler import Transaction
from relay.smtp.intake import Disconnected, Share
from relay.smtp.parameters import parse_mail
from relay.smtp.sasl import credentials

COMMAND_BYTES = 1024  # RFC 5321 4.5.3.1.4 asks 512, and extensions add to MAIL and RCPT
MAX_AUTH_FAILURES = 5
HANDSHAKE_SECONDS = 15.0
_NOT_IN_TRACE = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_AUTH_FAILURES = {reply.SERVICE_HELD: "held", reply.AUTH_UNAVAILABLE: "unavailable", reply.KEY_REVOKED: "revoked"}


class Session(Conversation):
    def __init__(self, shared: Shared, kind: Kind, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(shared, loop)
        self._kind = kind
        self._tls = kind is Kind.TLS
        self._helo = ""
        self._extended = False
        self._principal: Principal | None = None
        self._transaction: Transaction | None = None
        self._auth_failures = 0
        self._log_in_by = self._log_in_deadline()

    @property
    def _voice(self) -> Voice:
        """Both languages until the log-in tells whose client it is."""
        principal = self._principal
        language = Language.BOTH if principal is None else principal.key.language or principal.service.language
        return self._shared.voices[language]

    def _patience(self) -> float:
        """Seconds for the next command: a client that only keeps its place does not keep it without log-in."""
        if self._principal is not None:
            return self._settings.idle_timeout_seconds
        return max(self._log_in_by - self.loop.time(), 0)

    def _too_late(self) -> Refused:
        late = reply.IDLE_TOO_LONG if self._principal else reply.LOGIN_TOO_LATE
        return Refused(late, seconds=round(self._settings.idle_timeout_seconds))

    def _log_in_deadline(self) -> float:
        return self.loop.time() + self._settings.idle_timeout_seconds

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
            raise Refused(reply.BAD_COMMAND, usage=Text("{verb} hostname", {"verb": verb}))
        self._reset()
        self._helo = _NOT_IN_TRACE.sub("?", name)[:255]
        self._extended = extended

    async def smtp_STARTTLS(self, arg: str) -> None:
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="STARTTLS")
        if self._tls:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("TLS is active already"))
        await self._say(reply.TLS_READY)
        await self._flush()
        if self._connection.is_closing():
            raise Disconnected
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
            raise Refused(reply.BAD_SEQUENCE, expected=Text("EHLO first"))
        if self._principal is not None:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("logged in already"))
        try:
            username, secret = await credentials(arg, self._ask)
        except Refused as refused:
            if refused.reply is reply.CREDENTIALS_INVALID:  # a guess, as a wrong password is; a slip of syntax is none
                await self._auth_failed(refused)
            raise
        try:
            self._principal = await self._shared.verifier.verify(username, secret, self._client_ip)
        except Refused as refused:
            await self._auth_failed(refused)
        except Exception as error:
            self._shared.handler.report(error)
            await self._auth_failed(Refused(reply.AUTH_UNAVAILABLE))
        await self._say(reply.AUTH_OK)

    async def _ask(self, challenge: str) -> bytes:
        # RFC 4954 4: the space stands there even when the challenge is empty
        await self.push(b"334 " + b64encode(challenge.encode()))
        await self._flush()
        return await self._intake.line(self._patience())

    async def _auth_failed(self, refused: Refused) -> NoReturn:
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
            raise Refused(reply.BAD_SEQUENCE, expected=Text("RCPT, DATA or RSET"))
        try:
            self._principal = principal = await self._shared.verifier.current(principal)
            sender = parse_mail(arg or "", self._settings.max_message_bytes)
        except Refused as refused:
            if refused.reply is reply.KEY_REVOKED:  # out, in open sessions too; another key may log in
                self._principal, self._log_in_by = None, self._log_in_deadline()
            raise self._shared.handler.refuse(refused, "mail", principal) from None
        self._transaction = Transaction(sender)
        await self._say(reply.SENDER_OK)

    async def smtp_RCPT(self, arg: str | None) -> None:
        principal, transaction = self._logged_in(), self._open_transaction()
        self._shared.handler.add_recipient(transaction, arg or "", principal)
        await self._say(reply.RECIPIENT_OK)

    def _open_transaction(self) -> Transaction:
        if self._transaction is None:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("MAIL first"))
        return self._transaction

    async def smtp_DATA(self, arg: str) -> None:
        principal, transaction = self._logged_in(), self._open_transaction()
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="DATA")
        if not transaction.recipients:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("an accepted RCPT first"))
        self._transaction = None  # whatever comes of it, the transaction ends here
        try:
            with Share(self._shared.budget, transaction.sender.size) as share:
                await self._say(reply.GO_AHEAD)
                await self._flush()
                content = await self._intake.content(
                    self._settings.max_message_bytes, self._settings.idle_timeout_seconds, share
                )
                outcome = await self._shared.handler.submit(transaction, content, self._trace(transaction), principal)
        except Refused as refused:
            outcome = self._shared.handler.refuse(refused, "data", principal)
        self._errors = 0
        if isinstance(outcome, Refused):
            raise outcome
        await self._say(reply.QUEUED, group_id=outcome.group_id, recipients=len(outcome.message_ids))
        if self._connection.is_closing():
            self._shared.handler.not_told(outcome, principal)

    def _trace(self, transaction: Transaction) -> Trace:
        protocol = "UTF8SMTPSA" if transaction.sender.smtputf8 else "ESMTPSA"  # RFC 6531 4.3, RFC 3848
        return Trace(self._helo, self._client_ip, protocol, self._settings.hostname)

    async def smtp_RSET(self, arg: str) -> None:
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="RSET")
        self._reset()
        await self._say(reply.OK)

    # -- The rest -----------------------------------------------------------------------------------------------
    async def smtp_NOOP(self, arg: str) -> None:
        await self._say(reply.OK)

    async def smtp_QUIT(self, arg: str) -> None:
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="QUIT")
        self._closing = True
        await self._say(reply.CLOSING)

    async def smtp_HELP(self, arg: str) -> None:
        await self._say(reply.SEE_DOCUMENTATION)

    async def smtp_VRFY(self, arg: str) -> None:
        await self._say(reply.CANNOT_VERIFY)

    async def smtp_EXPN(self, arg: str) -> None:
        raise Refused(reply.NOT_IMPLEMENTED)


_Command = Callable[[Session, str], Awaitable[None]]
_COMMANDS: dict[bytes, _Command] = {
    name.removeprefix("smtp_").encode(): command for name, command in vars(Session).items() if name.startswith("smtp_")
}
