"""claim -> call -> record: tells services what became of their messages.

At least once: a receipt whose answer nobody recorded is sent again, under the same callback id.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

import aiohttp
import structlog

from config.database import Database
from config.keyring import Keyring
from config.settings import Callbacks
from delivery.backoff import backoff_seconds
from delivery.callbacks import calls, guard, receipts, urls
from delivery.callbacks.calls import Answer, CallOutcome
from delivery.callbacks.claims import CallbackClaim, Claims, Verdict
from delivery.callbacks.receipts import DeliveryReceipt
from delivery.callbacks.urls import CallbackUrlError, Receiver
from delivery.metrics import CallbackMetrics
from delivery.rounds import OUTAGE_SECONDS, Rounds
from messages.message import Message

_IDLE_SECONDS = 0.5  # how often an idle sender looks
_LEASE_SECONDS = 30.0  # besides the call: for loading before it and recording after it
_REMOVED_SECONDS = 60.0  # how often what is left of removed URLs is ended
_BASE_SECONDS, _CAP_SECONDS = 10.0, 1800.0  # of the back-off
_MAX_RETRY_AFTER_SECONDS = 3600.0
_OF_SERVICE = 4  # a service has a quarter of the calls at most

_UNREADABLE = Answer(
    CallOutcome.DEFERRED, "unreadable"
)  # damaged, or a root secret is missing: an operator can mend it
_BUG = Answer(CallOutcome.DEFERRED, "bug")
_REMOVED = Answer(CallOutcome.REMOVED)


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]: ...


@asynccontextmanager
async def open_sender(
    owner: str,
    *,
    database: Database,
    keyring: Keyring,
    searching: Searching,
    settings: Callbacks,
    metrics: CallbackMetrics,
    now: Callable[[], float],
) -> AsyncIterator["Sender"]:
    """One per process and event loop. `owner` names it in leases and is nobody else's."""
    async with guard.open_session(guard.anywhere if settings.allow_private else guard.is_public) as session:
        yield Sender(
            owner,
            database=database,
            keyring=keyring,
            searching=searching,
            session=session,
            settings=settings,
            metrics=metrics,
            now=now,
        )


class Sender:
    """Made by open_sender; `session` is of guard.open_session."""

    def __init__(
        self,
        owner: str,
        *,
        database: Database,
        keyring: Keyring,
        searching: Searching,
        session: aiohttp.ClientSession,
        settings: Callbacks,
        metrics: CallbackMetrics,
        now: Callable[[], float],
    ) -> None:
        self._owner = owner
        self._database = database
        self._keyring = keyring
        self._searching = searching
        self._session = session
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self._claims = Claims(database)
        self._log = structlog.get_logger("callbacks")
        self._under_way: Counter[UUID] = Counter()  # calls by service
        self._rounds = Rounds(self._on_outage)
        self._look_for_removed_at = 0.0  # by the event loop's clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set, then finishes the calls under way. Never raises for an outage."""
        try:
            async with self._rounds.until(stopping):
                while not stopping.is_set():
                    await self._rounds.outlive(self._end_removed)
                    await self._rounds.outlive(self._claim_once)
        finally:
            await self._claims.drain()

    def _on_outage(self, error: Exception) -> None:
        self._log.warning("callback.database_unavailable", error=type(error).__name__)

    async def _end_removed(self) -> None:
        clock = asyncio.get_running_loop().time()
        if clock >= self._look_for_removed_at:
            ended = await self._claims.end_removed(self._now())
            self._metrics.callbacks.labels(CallOutcome.REMOVED.value).inc(ended)
            self._look_for_removed_at = clock + _REMOVED_SECONDS

    async def _claim_once(self) -> None:
        free = self._settings.concurrency - self._under_way.total()
        lease = self._settings.timeout_seconds + _LEASE_SECONDS
        per_service = self._settings.concurrency // _OF_SERVICE
        claims = []
        if free > 0:
            claims = await self._claims.claim(self._owner, free, per_service, self._under_way, self._now(), lease)
        if not claims:
            await self._rounds.sleep(_IDLE_SECONDS)
            return
        self._under_way.update(claim.service_id for claim in claims)
        self._rounds.start(self._work(claims))

    # -- one batch of claims ---------------------------------------------------------------------------------------

    async def _work(self, claims: Sequence[CallbackClaim]) -> None:
        try:
            messages = await self._searching.load([claim.message_id for claim in claims])
            services = {claim.service_id for claim in claims}
            receivers = await self._database.query(lambda c: urls.load(c, self._keyring, services))
        except Exception as error:  # nothing is lost: the leases run out
            self._log.error("callback.batch_failed", callbacks=len(claims), error=type(error).__name__)
            for claim in claims:
                self._free(claim)
            return
        await asyncio.gather(*(self._tell(claim, messages, receivers) for claim in claims))

    async def _tell(
        self, claim: CallbackClaim, messages: Mapping[UUID, Message], receivers: Mapping[UUID, Receiver | None]
    ) -> None:
        try:
            if self._now() + self._settings.timeout_seconds > claim.until:
                return  # we were held up: by the end of the call the row could be somebody else's
            await self._record(claim, await self._answer(claim, messages, receivers))
        except Exception as error:  # the lease runs out, and the row is told again
            self._log.error("callback.not_recorded", callback_id=str(claim.id), error=type(error).__name__)
        finally:
            self._free(claim)

    def _free(self, claim: CallbackClaim) -> None:
        self._under_way[claim.service_id] -= 1
        if not self._under_way[claim.service_id]:
            del self._under_way[claim.service_id]
        self._rounds.wake()

    async def _answer(
        self, claim: CallbackClaim, messages: Mapping[UUID, Message], receivers: Mapping[UUID, Receiver | None]
    ) -> Answer:
        if claim.service_id not in receivers:
            return _REMOVED
        message, receiver = messages.get(claim.message_id), receivers[claim.service_id]
        if message is None or receiver is None:
            return _UNREADABLE
        try:
            return await self._call(claim, message, receiver)
        except Exception as error:
            self._log.error("callback.bug", callback_id=str(claim.id), error=type(error).__name__)
            return _BUG

    async def _call(self, claim: CallbackClaim, message: Message, receiver: Receiver) -> Answer:
        try:  # the setting may have changed since the URL was set
            url = urls.parse(receiver.url, allow_private=self._settings.allow_private)
        except CallbackUrlError:
            return Answer(CallOutcome.FAILED, "forbidden-address")
        receipt = DeliveryReceipt(claim.id, claim.status, claim.reason, claim.at)
        body = receipts.body(receipt, message)
        headers = receipts.headers(receipt, body, receiver.bearer_token, receiver.signing_secret, self._now())
        with self._metrics.seconds.time():
            return await calls.post(self._session, url, headers, body, self._settings.timeout_seconds)

    async def _record(self, claim: CallbackClaim, answer: Answer) -> None:
        verdict = self._verdict(claim, answer)
        self._metrics.callbacks.labels(verdict.outcome.value).inc()
        self._log.info(
            "callback.sent",
            callback_id=str(claim.id),
            message_id=str(claim.message_id),
            service_id=str(claim.service_id),
            outcome=verdict.outcome.value,
            reason=verdict.reason,
            http_status=answer.http_status,
            attempt=claim.attempt,
        )
        # Too late, the row is free again: it is told once more.
        await self._rounds.insist(
            lambda: self._claims.record(verdict), lambda: self._now() + OUTAGE_SECONDS <= claim.until
        )

    def _verdict(self, claim: CallbackClaim, answer: Answer) -> Verdict:
        now, outcome, until = self._now(), answer.outcome, None
        if outcome is CallOutcome.DEFERRED:
            delay = backoff_seconds(claim.attempt, _BASE_SECONDS, _CAP_SECONDS, random.random())  # noqa: S311
            until = now + max(delay, min(answer.retry_after_seconds or 0.0, _MAX_RETRY_AFTER_SECONDS))
            if until > claim.gives_up_at:
                outcome, until = CallOutcome.FAILED, None
        return Verdict(claim, outcome, now, answer.reason, until)
