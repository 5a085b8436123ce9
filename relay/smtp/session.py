"""What a client may say, and what is done about it: TLS, AUTH, then mail (RFC 5321 4.1.1).

Each command is a method with aiosmtpd's name; it pushes its reply, or raises Refused with it.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import NoReturn

from auth.principal import Principal
from auth.watches import Step
from messages import reply
from messages.message import Language, Trace
from messages.reply import Refused, Voice
from messages.text import Text
from relay.budget import Share, parts
from relay.checks import check_reverse_path, size_limit
from relay.logins import login_failed
from relay.returns import can_be_told
from relay.smtp.conversation import Conversation, Kind, Shared
from relay.smtp.foreign import is_http
from relay.smtp.handler import Client, Transaction
from relay.smtp.intake import Disconnected
from relay.smtp.parameters import parse_mail
from relay.smtp.sasl import credentials
from relay.smtp.witness import Witness

COMMAND_BYTES = 1280  # RFC 5321 4.5.3.1.4 asks 512; extensions add to MAIL and RCPT, most of all ORCPT 500 to RCPT
MAX_COMMANDS = 5000  # since the last accepted message: more than any list of recipients
MAX_AUTH_FAILURES = 5
HANDSHAKE_SECONDS = 15.0
TLS_CLOSE_SECONDS = 5.0
_OUT = (reply.KEY_REVOKED, reply.CREDENTIALS_INVALID)  # the key has ended, or may no longer be used from there
_NOT_IN_TRACE = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_AUTH_FAILURES = {
    reply.SERVICE_HELD: "held",
    reply.AUTH_UNAVAILABLE: "unavailable",
    reply.KEY_REVOKED: "revoked",
    reply.KEY_ADMIN: "admin",
    reply.THROTTLED: "throttled",
}


class Session(Conversation):
    def __init__(self, shared: Shared, kind: Kind, loop: asyncio.AbstractEventLoop, client_ip: str) -> None:
        super().__init__(shared, loop, client_ip)
        self._kind = kind
        self._tls = kind is Kind.TLS
        self._helo = ""
        self._extended = False
        self._principal: Principal | None = None
        self._transaction: Transaction | None = None
        self._auth_failures = 0
        self._commands = 0
        self._log_in_by = self._log_in_deadline()
        self._began = loop.time()
        self._ends_at = self._began + self._settings.session_timeout_seconds
        self._device: str | None = None  # the user name of its key

    @property
    def _door(self) -> str:
        return "devices" if self._kind is Kind.DEVICES else "smtp"

    @property
    def _voice(self) -> Voice:
        """Both languages until the log-in tells whose client it is."""
        principal = self._principal
        language = Language.BOTH if principal is None else principal.key.language or principal.service.language
        return self._shared.voices[language]

    @property
    def _max_message_bytes(self) -> int:
        limit = self._settings.max_message_bytes
        return limit if self._principal is None else size_limit(self._principal, limit)

    def _patience(self) -> float:
        """Seconds for the next command: a client that only keeps its place does not keep it for ever."""
        now, idle = self.loop.time(), self._settings.idle_timeout_seconds
        if self._principal is None:
            return max(self._log_in_by - now, 0)
        ends_at = self._ends_at if self._transaction is None else self._ends_at + idle  # time to get to its DATA
        return max(min(idle, ends_at - now), 0)

    def _too_late(self) -> Refused:
        seconds = round(self._settings.idle_timeout_seconds)
        if self._principal is None:
            too_late = reply.LOGIN_TOO_LATE if self._device is None else reply.MAIL_TOO_LATE
            return Refused(too_late, seconds=round(self._log_in_seconds))
        if self.loop.time() < self._ends_at:
            return Refused(reply.IDLE_TOO_LONG, seconds=seconds)
        return Refused(reply.SESSION_TOO_LONG, seconds=round(self._settings.session_timeout_seconds))

    @property
    def _log_in_seconds(self) -> float:
        """What a stranger has to say who he is; where nobody logs in, to begin a message."""
        return min(self._settings.login_timeout_seconds, self._settings.idle_timeout_seconds)

    def _log_in_deadline(self) -> float:
        return self.loop.time() + self._log_in_seconds

    def _greeting(self) -> str:
        if self._kind is Kind.DEVICES:
            self._device = self._shared.devices.username(self.client_ip)
            if self._device is None:
                self._tell_failure("device")
                raise Refused(reply.DEVICE_UNKNOWN, client_ip=self.client_ip)
        return f"220 {self._settings.hostname} ESMTP notify-relay"

    async def _run(self, line: bytes) -> None:
        self._commands += 1
        if self._commands > MAX_COMMANDS:
            raise Refused(reply.TOO_MANY_COMMANDS)
        if is_http(line):
            raise Refused(reply.NOT_SMTP, protocol="HTTP")
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
        if "\0" in text:
            raise Refused(reply.NOT_TEXT)
        await command(self, text)

    def _reset(self) -> None:
        """Ends the transaction, if one is open."""
        transaction, self._transaction = self._transaction, None
        self._shared.handler.end(transaction)

    def eof_received(self) -> bool:
        """Whoever has said all still hears our replies, or would send its message again; TLS has no half-open end."""
        super().eof_received()
        return not self._tls

    # -- Greeting and TLS ---------------------------------------------------------------------------------------
    async def smtp_EHLO(self, arg: str) -> None:
        self._greet(arg, "EHLO", extended=True)
        lines = [self._settings.hostname, "PIPELINING", f"SIZE {self._max_message_bytes}"]
        lines += ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self._offers_notices():
            lines.append("DSN")
        # RFC 9422; no MAILMAX: a session may bring as many messages as it has time for.
        lines.append(f"LIMITS RCPTMAX={self._shared.handler.recipient_limit(self._principal)}")
        if not self._tls:
            lines.append("STARTTLS")
        elif self._kind is not Kind.DEVICES:
            lines.append("AUTH PLAIN LOGIN")
        await self.push("\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]))

    def _offers_notices(self) -> bool:
        """Before the log-in to all who can log in: clients say no EHLO after it (RFC 3461 3)."""
        if self._principal is None:
            return self._tls and self._kind is not Kind.DEVICES
        return can_be_told(self._principal)

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
        self._reset()
        await self._say(reply.TLS_READY)
        await self._flush()
        if self._intake.ended:
            raise Disconnected
        self._intake.attach(None)
        self._intake.discard()
        self._tls = True
        try:
            connection = await self.loop.start_tls(
                self._connection,
                self,
                self._shared.tls_context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=TLS_CLOSE_SECONDS,
            )
        except (OSError, TimeoutError):  # every failure of a handshake; there is no one left to tell
            raise Disconnected from None
        assert connection is not None
        self._use(connection)
        self._intake.attach(connection)
        self._extended, self._helo = False, ""  # RFC 3207 4.2: as if just connected

    # -- AUTH ---------------------------------------------------------------------------------------------------
    async def smtp_AUTH(self, arg: str) -> None:
        if self._kind is Kind.DEVICES:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("no log-in on this port: switch it off"))
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
                self._auth_failed(refused, "")
            raise
        principal = await self._verified(username, secret)
        self._shared.connections.join(self, principal.key.id)
        self._principal = principal
        if self._witness is not None:
            self._witness.tell(Step.LOGGED_IN)
        await self._say(reply.AUTH_OK)

    async def _verified(self, username: str, secret: str) -> Principal:
        throttle = self._shared.throttle
        try:
            await asyncio.sleep(await throttle.admit(self.client_ip, username))
            principal = await self._shared.verifier.verify(username, secret, self.client_ip)
        except Refused as refused:
            if refused.reply is reply.CREDENTIALS_INVALID:  # an ended key's secret was right: nobody guesses there
                throttle.failed(self.client_ip, username)
            self._auth_failed(refused, username)
        except Exception as error:
            self._auth_failed(self._shared.handler.refusal_of(error, at_login=True), username)
        throttle.succeeded(self.client_ip, username)
        self._be_watched(username)
        return principal

    async def _ask(self, challenge: str) -> bytes:
        # RFC 4954 4: the space stands there even when the challenge is empty
        await self.push(b"334 " + b64encode(challenge.encode()))
        await self._flush()
        return await self._intake.line(self._patience())

    def _auth_failed(self, refused: Refused, username: str) -> NoReturn:
        self._tell_failure(_AUTH_FAILURES.get(refused.reply, "credentials"), username)
        self._be_watched(username)
        if refused.reply.temporary:
            raise refused
        self._auth_failures += 1
        raise Refused(reply.TOO_MANY_ERRORS) if self._auth_failures >= MAX_AUTH_FAILURES else refused

    def _be_watched(self, username: str) -> None:
        """From here on by whoever looks on while the product with this name is set up."""
        watch = self._shared.watches.of(username)
        if watch is None:
            self._witness = None
        elif self._witness is None or self._witness.watch.key_id != watch.key_id:
            self._witness = Witness(self._shared.watches, watch)
            cipher = self._connection.get_extra_info("cipher")
            self._witness.connected(self.client_ip, self._kind, cipher, ago=self.loop.time() - self._began)

    def _tell_failure(self, reason: str, username: str = "") -> None:
        self._shared.metrics.auth_failures.labels(reason).inc()
        who = {}
        if key_id := self._shared.verifier.key_id(username):
            who["key_id"] = str(key_id)
        elif username:
            who["name_hash"] = self._shared.throttle.name(username)
        login_failed(self._door, self.client_ip, reason, **who)

    # -- Mail ---------------------------------------------------------------------------------------------------
    async def smtp_MAIL(self, arg: str) -> None:
        self._check_may_send()
        if self._transaction is not None:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("RCPT, DATA or RSET"))
        if self.loop.time() >= self._ends_at:
            raise self._too_late()
        before = self._principal
        self._be_watched(self._device or (before.key.smtp_username if before else ""))
        try:
            principal = await self._current()
            self._shared.connections.join(self, principal.key.id)
            self._principal = principal
            sender = parse_mail(arg, self._max_message_bytes)
            check_reverse_path(principal, sender.reverse_path)
        except Exception as error:
            refused = self._shared.handler.refusal_of(error)
            known = self._principal or before
            if refused.reply in _OUT:  # in open sessions too; another key may log in
                self._principal, self._log_in_by = None, self._log_in_deadline()
            raise self._shared.handler.refuse(refused, "mail", self._client(known)) if known else refused from None
        self._transaction = self._shared.handler.begin(self._client(principal), sender)
        if self._witness is not None:
            self._witness.sender(sender.reverse_path)
        await self._say(reply.SENDER_OK)

    def _check_may_send(self) -> None:
        if self._kind is Kind.DEVICES:
            if not self._helo:
                raise Refused(reply.BAD_SEQUENCE, expected=Text("EHLO first"))
        elif not self._tls:
            raise Refused(reply.TLS_REQUIRED)
        elif self._principal is None:
            raise Refused(reply.AUTH_REQUIRED)

    async def _current(self) -> Principal:
        """Who the client is now: keys change while sessions are open."""
        if self._device is None:
            assert self._principal is not None
            return await self._shared.verifier.current(self._principal, self.client_ip)
        try:
            return await self._shared.verifier.identify(self._device, self.client_ip)
        except Refused as refused:
            if refused.reply is reply.DEVICE_KEY_UNKNOWN:
                self._tell_failure("device", self._device)
            raise

    def _client(self, principal: Principal) -> Client:
        return Client(principal, self._door)

    async def smtp_RCPT(self, arg: str) -> None:
        transaction = self._open_transaction()
        self._shared.handler.add_recipient(transaction, arg)
        if self._witness is not None:
            self._witness.recipient(len(transaction.recipients), transaction.recipients[-1])
        await self._say(reply.RECIPIENT_OK)

    def _open_transaction(self) -> Transaction:
        self._check_may_send()
        if self._transaction is None:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("MAIL first"))
        return self._transaction

    async def smtp_DATA(self, arg: str) -> None:
        transaction = self._open_transaction()
        if arg:
            raise Refused(reply.BAD_COMMAND, usage="DATA")
        if not transaction.recipients:
            raise Refused(reply.BAD_SEQUENCE, expected=Text("an accepted RCPT first"))
        self._transaction = None  # whatever comes of it, the transaction ends here
        try:
            with Share(self._shared.budget, transaction.sender.size, parts(transaction.client.principal)) as share:
                await self._say(reply.GO_AHEAD)
                await self._flush()
                content = await self._intake.content(
                    self._max_message_bytes, self._settings.idle_timeout_seconds, self._shared.pace, share
                )
                outcome = await self._shared.handler.submit(transaction, content, self._trace(transaction))
        except Refused as refused:
            outcome = self._shared.handler.refuse(refused, "data", transaction.client)
        self._errors = 0
        if isinstance(outcome, Refused):
            raise outcome
        self._commands = 0
        told = {"group_id": outcome.group_id, "recipients": outcome.recipients}
        if self._witness is not None:
            self._witness.tell(Step.ACCEPTED, group_id=str(outcome.group_id), recipients=outcome.recipients)
        if texts := outcome.texts:
            await self._say(reply.QUEUED_TEXTS, **told, texts=len(texts), parts=texts[0].billable_units)
        else:
            await self._say(reply.QUEUED, **told)
        if self._connection.is_closing():
            self._shared.handler.not_told(outcome, transaction.client)

    def _trace(self, transaction: Transaction) -> Trace:
        return Trace(self._helo, self.client_ip, self._protocol(transaction.sender.smtputf8), self._settings.hostname)

    def _protocol(self, smtputf8: bool) -> str:
        """RFC 3848, RFC 6531 4.3; who logged in or speaks TLS has said EHLO."""
        if self._kind is not Kind.DEVICES:
            return "UTF8SMTPSA" if smtputf8 else "ESMTPSA"
        if smtputf8:
            return "UTF8SMTPS" if self._tls else "UTF8SMTP"
        return "ESMTPS" if self._tls else "ESMTP" if self._extended else "SMTP"

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
