"""Between the routes and `accept()`: what came of a submission is counted, logged, and made an answer of the API.

Writes the door's one line per submission. Never logs a recipient, content, a key or an exception's text.
"""

import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import structlog

from auth.principal import Principal
from messages.message import Submission
from messages.reply import Refused
from relay.accept import Accepted
from relay.failures import Failure, failure_of
from relay.http.errors import ApiError, Asker, of_refused, unavailable
from relay.metrics import DoorMetrics
from relay.preparation import Prepared

T = TypeVar("T")


class Acceptor(Protocol):
    """What the door needs of relay.accept."""

    async def accept(self, submission: Submission, principal: Principal) -> Accepted: ...

    async def rehearse(self, submission: Submission, principal: Principal) -> Prepared: ...


class Handler:
    """One per process. `docs` is where a refusal sends its reader; `now` gives seconds since the epoch."""

    def __init__(self, acceptor: Acceptor, metrics: DoorMetrics, docs: str, now: Callable[[], float]) -> None:
        self._acceptor = acceptor
        self._metrics = metrics
        self._docs = docs
        self._now = now
        self._log = structlog.get_logger()

    async def submit(self, submission: Submission, principal: Principal) -> Accepted:
        """On disk when this returns. Raises ApiError."""
        started = time.perf_counter()
        accepted = await self._answered(self._acceptor.accept(submission, principal), principal)
        seconds = time.perf_counter() - started
        self._metrics.submissions.labels("http", "repeated" if accepted.repeated else "accepted").inc()
        self._metrics.accept_seconds.observe(seconds)
        self._log.info(
            "message.repeated" if accepted.repeated else "message.accepted",
            door="http",
            group_id=str(accepted.group_id),
            **_who(principal),
            client=submission.trace.product,
            client_ip=submission.trace.client_ip,
            recipients=accepted.recipients,
            repeated=accepted.known,
            size_bytes=sum(message.content_bytes for message in accepted.messages),
            seconds=round(seconds, 4),
        )
        return accepted

    async def rehearse(self, submission: Submission, principal: Principal) -> Prepared:
        """What would be accepted; nothing is stored. Raises ApiError."""
        return await self._answered(self._acceptor.rehearse(submission, principal), principal)

    async def _answered(self, accepting: Awaitable[T], principal: Principal) -> T:
        try:
            return await accepting
        except Refused as refused:
            raise of_refused(refused, Asker(self._docs, principal), self._now()) from refused
        except Exception as error:
            if failure_of(error) is Failure.BUG:
                raise
            self.report(error)
            raise unavailable() from error

    @contextmanager
    def counted(self, principal: Principal, stage: str) -> Iterator[None]:
        """Counts and logs a submission that is refused in here."""
        try:
            yield
        except ApiError as error:
            later = error.status in (429, 503)
            self._metrics.submissions.labels("http", "deferred" if later else "refused").inc()
            self._log.info(
                "message.refused",
                door="http",
                **_who(principal),
                stage=stage,
                code=error.status,
                error=error.errors[0][0],
            )
            raise

    def report(self, error: BaseException) -> None:
        """Our own fault: its type and where, never its text, which may hold addresses or secrets."""
        frames = traceback.extract_tb(error.__traceback__)
        self._log.error(
            "http.error",
            error=type(error).__name__,
            failure=failure_of(error).value,
            frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        )


def _who(principal: Principal) -> dict[str, str]:
    key = principal.key
    return {"service_id": str(key.service_id), "key_id": str(key.id), "key_type": str(key.type)}
