"""Between the routes and `accept()`: what came of a submission is an entry of the journal, and an answer of the API."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from auth.principal import Principal
from messages.message import Channel, KeyType, Lane, Submission
from messages.reply import Refused
from relay.accept import Accepted
from relay.failures import Failure, described, failure_of
from relay.http.errors import ApiError, Asker, of_refused, unavailable
from relay.journal import Journal
from relay.metrics import DoorMetrics
from relay.preparation.base import Prepared

T = TypeVar("T")


class Acceptor(Protocol):
    """What the door needs of relay.accept."""

    async def accept(self, submission: Submission, principal: Principal) -> Accepted: ...

    async def rehearse(self, submission: Submission, principal: Principal) -> Prepared: ...


class Pressure(Protocol):
    """What the door needs of delivery.backlog.pressure."""

    def check(self, service_id: UUID, key_type: KeyType, lane: Lane, channels: Collection[Channel]) -> None: ...


class Submissions:
    """One per process. `docs` is where a refusal sends its reader; `now` gives seconds since the epoch."""

    def __init__(
        self, acceptor: Acceptor, pressure: Pressure, metrics: DoorMetrics, docs: str, now: Callable[[], float]
    ) -> None:
        self._acceptor = acceptor
        self._pressure = pressure
        self._journal = Journal(metrics)
        self._docs = docs
        self._now = now
        self._log = structlog.get_logger()

    def admit(self, principal: Principal, channel: Channel) -> None:
        """Before the request is read, by the lane of its key, which is all that a request has. Raises ApiError."""
        try:
            self._pressure.check(principal.service.id, principal.key.type, principal.lane, [channel])
        except Refused as refused:
            raise of_refused(refused, Asker(self._docs, principal), self._now()) from refused

    async def submit(self, submission: Submission, principal: Principal) -> Accepted:
        """On disk when this returns. Raises ApiError."""
        started = time.perf_counter()
        accepted = await self._answered(self._acceptor.accept(submission, principal), principal)
        self._journal.accepted(
            accepted,
            principal,
            door="http",
            client=submission.trace.product,
            client_ip=submission.trace.client_ip,
            size_bytes=sum(message.content_bytes for message in accepted.messages),
            seconds=time.perf_counter() - started,
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
            self._journal.refused(
                principal,
                door="http",
                stage=stage,
                temporary=error.status in (429, 503),
                code=error.status,
                error=error.errors[0][0],
            )
            raise

    def report(self, error: BaseException) -> None:
        """Our own fault."""
        self._log.error("http.error", **described(error))
