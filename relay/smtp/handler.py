"""Between the session and `accept()`: a transaction becomes a Submission, what came of it becomes a reply line.

Knows nothing of sockets or of commands but RCPT.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import structlog

from auth.principal import Principal
from config.settings import Smtp
from messages import reply
from messages.email.line_ends import mend_line_ends
from messages.envelope import Envelope
from messages.message import Channel, Dsn, KeyType, Lane, Submission, Trace
from messages.recipient import Recipient
from messages.reply import Refused, Reply
from relay.checks import check_recipient, recipient_limit
from relay.failures import described, refusal
from relay.journal import Journal
from relay.logins import network
from relay.metrics import DoorMetrics
from relay.options import submission
from relay.phones import recipient_at
from relay.smtp.lanes import Lanes
from relay.smtp.parameters import MailCommand, parse_rcpt

if TYPE_CHECKING:
    from relay.accept import Accepted

# The budget counts what was received, and preparing takes several times that: so few large messages are at it at once,
# the others wait with what they hold. Each core still has one.
_LARGE_OCTETS = 1 << 20
_LARGE_AT_ONCE = 2
_TURN_SECONDS = 60.0  # less than clients wait for the reply to content: RFC 5321 4.5.3.2.6 asks for 10 minutes


class Acceptor(Protocol):
    """What the door needs of relay.accept."""

    async def accept(self, submission: Submission, principal: Principal) -> "Accepted": ...


@dataclass(frozen=True, slots=True)
class Client:
    """Whose mail a session brings, and by which door: `smtp`, or `devices` that do not log in."""

    principal: Principal
    door: str


@dataclass(slots=True)
class Transaction:
    """One MAIL and what followed it (RFC 5321 3.3)."""

    client: Client
    sender: MailCommand
    lane: Lane = Lane.NORMAL  # that it is likely to be in
    recipients: list[Recipient] = field(default_factory=list)
    dsn: dict[str, Dsn] = field(default_factory=dict)  # by `Recipient.key`
    refusal: Reply | None = None  # the last one at RCPT


class Pressure(Protocol):
    """What the door needs of delivery.backlog.pressure."""

    def check(self, service_id: UUID, key_type: KeyType, lane: Lane, channels: Collection[Channel]) -> None: ...


class Handler:
    """One per process, shared by its sessions. `now` gives seconds since the epoch."""

    def __init__(
        self,
        settings: Smtp,
        acceptor: Acceptor,
        metrics: DoorMetrics,
        sms_domain: str,
        pressure: Pressure,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._sms_domain = sms_domain
        self._acceptor = acceptor
        self._pressure = pressure
        self._lanes = Lanes(now)
        self._journal = Journal(metrics)
        self._now = now
        self._log = structlog.get_logger()
        self._turns = asyncio.Semaphore(_LARGE_AT_ONCE)
        # What a drain waits for, whatever became of the session.
        self.accepting: set[asyncio.Task[Accepted | Refused]] = set()

    def recipient_limit(self, principal: Principal | None) -> int:
        """How many recipients a transaction may have; before the log-in, at most."""
        limit = self._settings.max_recipients
        return limit if principal is None else recipient_limit(principal, limit)

    def begin(self, client: Client, sender: MailCommand) -> Transaction:
        """MAIL."""
        return Transaction(client, sender, self._lanes.first(client.principal))

    def add_recipient(self, transaction: Transaction, argument: str) -> None:
        """RCPT. Raises Refused; the transaction goes on without that recipient."""
        principal = transaction.client.principal
        try:
            command = parse_rcpt(argument, transaction.sender.smtputf8)
            recipient = recipient_at(command.address, self._sms_domain)
            # The client hears it here, while it can still split; the rule for every door is accept's check_recipients.
            limit = self.recipient_limit(principal)
            if len(transaction.recipients) >= limit:
                raise Refused(reply.TOO_MANY_RECIPIENTS, limit=limit)
            check_recipient(principal, recipient)
            # Before the upload; by channel, which is known from here on.
            self._pressure.check(principal.service.id, principal.key.type, transaction.lane, [recipient.channel])
        except Exception as error:  # of ours, too: the transaction goes on, or what follows would hear 503
            refused = self.refusal_of(error)
            transaction.refusal = refused.reply
            raise refused from None
        transaction.recipients.append(recipient)
        if asked := command.dsn(transaction.sender):
            transaction.dsn.setdefault(recipient.key, asked)  # named twice, it gets one message

    async def submit(self, transaction: Transaction, content: bytes, trace: Trace) -> "Accepted | Refused":
        """What came of a whole message; when it was accepted, it is on disk.

        Runs on when its caller is cancelled: nothing is half accepted because a client went away.
        """
        task = asyncio.create_task(self._accept(transaction, content, trace))
        self.accepting.add(task)
        task.add_done_callback(self.accepting.discard)
        return await asyncio.shield(task)

    async def _accept(self, transaction: Transaction, content: bytes, trace: Trace) -> "Accepted | Refused":
        started, client = time.perf_counter(), transaction.client
        try:
            async with self._turn(len(content)):
                submission = self._submission(transaction, content, trace)
                self._lanes.seen(client.principal, submission.lane)
                accepted = await self._acceptor.accept(submission, client.principal)
        except Exception as error:
            return self.refuse(self.refusal_of(error), "data", client)
        self._journal.accepted(
            accepted,
            client.principal,
            door=client.door,
            client=trace.helo,
            client_ip=trace.client_ip,
            size_bytes=len(content),
            seconds=time.perf_counter() - started,
        )
        return accepted

    @asynccontextmanager
    async def _turn(self, octets: int) -> AsyncIterator[None]:
        """A large message's. Raises Refused when it does not come soon."""
        if octets <= _LARGE_OCTETS:
            yield
            return
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Refused(reply.MEMORY_FULL) from None
        try:
            yield
        finally:
            self._turns.release()

    def _submission(self, transaction: Transaction, content: bytes, trace: Trace) -> Submission:
        content = mend_line_ends(content, self._settings.bare_lf)
        envelope = Envelope(transaction.sender.reverse_path, tuple(transaction.recipients))
        return submission(content, envelope, trace, transaction.client.principal, self._now(), transaction.dsn)

    def refuse(self, refused: Refused, stage: str, client: Client) -> Refused:
        """Counts and logs a transaction that ends in this refusal; returns it."""
        self._count_refusal(refused.reply, stage, client)
        return refused

    def end(self, transaction: Transaction | None) -> None:
        """A transaction that ends without a message: worth a line only when a recipient was refused in it."""
        if transaction and transaction.refusal:
            self._count_refusal(transaction.refusal, "rcpt", transaction.client)

    def _count_refusal(self, refusal: Reply, stage: str, client: Client) -> None:
        self._journal.refused(
            client.principal,
            door=client.door,
            stage=stage,
            temporary=refusal.temporary,
            code=refusal.code,
            enhanced=refusal.enhanced,
        )

    def not_told(self, accepted: "Accepted", client: Client) -> None:
        """The client left before the reply to its message."""
        self._journal.not_told(accepted, client.principal, door=client.door)

    def not_smtp(self, door: str, client_ip: str, protocol: str) -> None:
        """A client was cut that speaks something else."""
        self._log.info("smtp.not_smtp", protocol=protocol, door=door, network=network(client_ip))

    def refusal_of(self, error: Exception, *, at_login: bool = False) -> Refused:
        """What the client hears; an error that is no refusal is our own fault, and is reported."""
        if isinstance(error, Refused):
            return error
        self.report(error)
        return refusal(error, at_login=at_login)

    def report(self, error: BaseException) -> None:
        """Our own fault."""
        self._log.error("smtp.error", **described(error))
