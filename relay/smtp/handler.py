"""Between the session and `accept()`: a transaction becomes a Submission, what came of it becomes a reply line.

Writes the door's one line per transaction. Never logs a recipient, content, a user name or an exception's text.
"""

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog

from auth.principal import Principal
from config.settings import Smtp
from messages import reply
from messages.address import Address
from messages.content import HeaderSection
from messages.envelope import Envelope
from messages.message import Channel, Submission, Trace
from messages.reply import Refused, Reply
from relay.checks import check_recipient, recipient_limit
from relay.metrics import DoorMetrics
from relay.smtp.intake import mend_line_ends
from relay.smtp.options import parse
from relay.smtp.parameters import Sender, parse_rcpt

if TYPE_CHECKING:
    from relay.accept import Accepted


class Acceptor(Protocol):
    """What the door needs of relay.accept."""

    async def accept(self, submission: Submission, principal: Principal) -> "Accepted": ...


@dataclass(slots=True)
class Transaction:
    """One MAIL and what followed it (RFC 5321 3.3)."""

    sender: Sender
    recipients: list[Address] = field(default_factory=list)
    refusal: Reply | None = None  # the last one at RCPT


class Handler:
    """One per process, shared by its sessions. `now` gives seconds since the epoch."""

    def __init__(
        self, settings: Smtp, acceptor: Acceptor, metrics: DoorMetrics, now: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._acceptor = acceptor
        self._metrics = metrics
        self._now = now
        self._log = structlog.get_logger()
        # What a drain waits for, whatever became of the session.
        self.accepting: set[asyncio.Task[Accepted | Refused]] = set()

    def add_recipient(self, transaction: Transaction, argument: str, principal: Principal) -> None:
        """RCPT. Raises Refused; the transaction goes on without that recipient."""
        try:
            recipient = parse_rcpt(argument, transaction.sender.smtputf8)
            # The client hears it here, while it can still split; the rule for every door is accept's check_recipients.
            limit = recipient_limit(principal, self._settings.max_recipients)
            if len(transaction.recipients) >= limit:
                raise Refused(reply.TOO_MANY_RECIPIENTS, limit=limit)
            check_recipient(principal, recipient)
        except Refused as refused:
            transaction.refusal = refused.reply
            raise
        transaction.recipients.append(recipient)

    async def submit(
        self, transaction: Transaction, content: bytes, trace: Trace, principal: Principal
    ) -> "Accepted | Refused":
        """What came of a whole message; when it was accepted, it is on disk.

        Runs on when its caller is cancelled: nothing is half accepted because a client went away.
        """
        task = asyncio.create_task(self._accept(transaction, content, trace, principal))
        self.accepting.add(task)
        task.add_done_callback(self.accepting.discard)
        return await asyncio.shield(task)

    async def _accept(
        self, transaction: Transaction, content: bytes, trace: Trace, principal: Principal
    ) -> "Accepted | Refused":
        started = time.perf_counter()
        try:
            submission = self._submission(transaction, content, trace)
            accepted = await self._acceptor.accept(submission, principal)
        except Refused as refused:
            return self.refuse(refused, "data", principal)
        except Exception as error:
            self.report(error)
            return self.refuse(Refused(reply.UNAVAILABLE), "data", principal)
        seconds = time.perf_counter() - started
        self._metrics.submissions.labels("smtp", "accepted").inc()
        self._metrics.accept_seconds.observe(seconds)
        self._log.info(
            "message.accepted",
            door="smtp",
            group_id=str(accepted.group_id),
            **_who(principal),
            recipients=len(accepted.message_ids),
            size_bytes=len(content),
            seconds=round(seconds, 4),
        )
        return accepted

    def _submission(self, transaction: Transaction, content: bytes, trace: Trace) -> Submission:
        content = mend_line_ends(content, self._settings.bare_lf)
        options = parse(HeaderSection.parse(content), self._now())
        return Submission(
            channel=Channel.EMAIL,
            envelope=Envelope(transaction.sender.reverse_path, tuple(transaction.recipients)),
            content=content,
            trace=trace,
            reference=options.reference,
            lane=options.lane,
            language=options.language,
            branding=options.branding,
            scheduled_for=options.scheduled_for,
            expires_at=options.expires_at,
        )

    def refuse(self, refused: Refused, stage: str, principal: Principal) -> Refused:
        """Counts and logs a transaction that ends in this refusal; returns it."""
        self._count_refusal(refused.reply, stage, principal)
        return refused

    def end(self, transaction: Transaction | None, principal: Principal | None) -> None:
        """A transaction that ends without a message: worth a line only when a recipient was refused in it."""
        if transaction and transaction.refusal and principal:
            self._count_refusal(transaction.refusal, "rcpt", principal)

    def _count_refusal(self, refusal: Reply, stage: str, principal: Principal) -> None:
        self._metrics.submissions.labels("smtp", "deferred" if refusal.temporary else "refused").inc()
        self._log.info(
            "message.refused",
            door="smtp",
            **_who(principal),
            stage=stage,
            code=refusal.code,
            enhanced=refusal.enhanced,
        )

    def not_told(self, accepted: "Accepted", principal: Principal) -> None:
        """The client left before the reply to its message: it will probably send it again."""
        self._log.warning(
            "message.reply_not_delivered", door="smtp", group_id=str(accepted.group_id), **_who(principal)
        )

    def report(self, error: BaseException) -> None:
        """Our own fault: its type and where, never its text, which may hold addresses or secrets."""
        frames = traceback.extract_tb(error.__traceback__)
        self._log.error(
            "smtp.error",
            error=type(error).__name__,
            frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        )


def _who(principal: Principal) -> dict[str, str]:
    key = principal.key
    return {"service_id": str(key.service_id), "key_id": str(key.id), "key_type": str(key.type)}
