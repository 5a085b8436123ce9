"""claim -> call -> record: tells services what became of their messages.

At least once: a call whose answer nobody recorded is made again, under the same callback id.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import structlog

from config.database import Database
from config.keyring import Keyring
from config.settings import Callbacks
from delivery.backoff import backoff_seconds
from delivery.callbacks import bodies, calls, guard, urls
from delivery.callbacks.bodies import Fields
from delivery.callbacks.calls import Answer, CallOutcome
from delivery.callbacks.claims import GIVE_UP_SECONDS, KEPT_SECONDS, CallbackClaim, Claims, Verdict
from delivery.callbacks.headers import headers
from delivery.callbacks.owner import Change, Inform, nobody
from delivery.callbacks.sources import Sources
from delivery.callbacks.urls import CallbackUrlError, Receiver
from delivery.metrics import CallbackMetrics
from delivery.rounds import OUTAGE_SECONDS, Rounds
from delivery.store.base import CallbackKind

IDLE_SECONDS = 0.5
_LEASE_SECONDS = 30.0  # besides the call: for loading before it and recording after it
_REMOVED_SECONDS = 60.0  # how often what is left of removed URLs is ended
_BASE_SECONDS, _CAP_SECONDS = 10.0, 1800.0  # of the back-off
_MAX_RETRY_AFTER_SECONDS = 3600.0
_OF_SERVICE = 4  # a service has a quarter of the calls at most

# Damaged, or a root secret is missing: an operator can mend it.
_UNREADABLE = Answer(CallOutcome.DEFERRED, "unreadable", called=False)
_BUG = Answer(CallOutcome.DEFERRED, "bug", called=False)
_REMOVED = Answer(CallOutcome.REMOVED, called=False)

_Receivers = Mapping[tuple[UUID, CallbackKind], Receiver | None]


@asynccontextmanager
async def open_sender(
    owner: str,
    *,
    database: Database,
    keyring: Keyring,
    sources: Sources,
    settings: Callbacks,
    metrics: CallbackMetrics,
    now: Callable[[], float],
    inform: Inform = nobody,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncIterator["Sender"]:
    """One per process and event loop. `owner` names it in leases and is nobody else's; idle, it looks so often."""
    async with guard.open_session(guard.anywhere if settings.allow_private else guard.is_public) as session:
        yield Sender(
            owner,
            database=database,
            keyring=keyring,
            sources=sources,
            session=session,
            settings=settings,
            metrics=metrics,
            now=now,
            inform=inform,
            idle_seconds=idle_seconds,
        )


class Sender:
    """Made by open_sender; `session` is of guard.open_session."""

    def __init__(
        self,
        owner: str,
        *,
        database: Database,
        keyring: Keyring,
        sources: Sources,
        session: aiohttp.ClientSession,
        settings: Callbacks,
        metrics: CallbackMetrics,
        now: Callable[[], float],
        inform: Inform = nobody,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._owner = owner
        self._database = database
        self._keyring = keyring
        self._sources = sources
        self._session = session
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self._idle_seconds = idle_seconds
        self._claims = Claims(database, inform)
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
            await self._rounds.sleep(self._idle_seconds)
            return
        self._under_way.update(claim.service_id for claim in claims)
        self._rounds.start(self._work(claims))

    # -- one batch of claims ---------------------------------------------------------------------------------------

    async def _work(self, claims: Sequence[CallbackClaim]) -> None:
        try:
            fields = await self._sources.fields([claim.told for claim in claims])
            services = {claim.service_id for claim in claims}
            receivers = await self._database.query(lambda c: urls.load(c, self._keyring, services))
        except Exception as error:  # nothing is lost: the leases run out
            self._log.error("callback.batch_failed", callbacks=len(claims), error=type(error).__name__)
            for claim in claims:
                self._free(claim)
            return
        await asyncio.gather(*(self._tell(claim, fields.get(claim.id), receivers) for claim in claims))

    async def _tell(self, claim: CallbackClaim, fields: Fields | None, receivers: _Receivers) -> None:
        try:
            if self._now() + self._settings.timeout_seconds > claim.until:
                return  # we were held up: by the end of the call the row could be somebody else's
            answer = await self._answer(claim, fields, receivers)
            await self._record(self._verdict(claim, answer, receivers.get(claim.url)), answer)
        except Exception as error:  # the lease runs out, and the row is told again
            self._log.error("callback.not_recorded", callback_id=str(claim.id), error=type(error).__name__)
        finally:
            self._free(claim)

    def _free(self, claim: CallbackClaim) -> None:
        self._under_way[claim.service_id] -= 1
        if not self._under_way[claim.service_id]:
            del self._under_way[claim.service_id]
        self._rounds.wake()

    async def _answer(self, claim: CallbackClaim, fields: Fields | None, receivers: _Receivers) -> Answer:
        if claim.url not in receivers:
            return _REMOVED
        receiver = receivers[claim.url]
        if fields is None or receiver is None:
            return _UNREADABLE
        try:
            return await self._call(claim, fields, receiver)
        except Exception as error:
            self._log.error("callback.bug", callback_id=str(claim.id), error=type(error).__name__)
            return _BUG

    async def _call(self, claim: CallbackClaim, fields: Fields, receiver: Receiver) -> Answer:
        try:  # the setting may have changed since the URL was set
            url = urls.parse(receiver.url, allow_private=self._settings.allow_private)
        except CallbackUrlError:
            return Answer(CallOutcome.FAILED, calls.FORBIDDEN)
        body = bodies.encoded(fields)
        named = headers(claim.id, body, receiver.bearer_token, receiver.signing_secret, self._now())
        with self._metrics.seconds.time():
            return await calls.post(self._session, url, named, body, self._settings.timeout_seconds)

    async def _record(self, verdict: Verdict, answer: Answer) -> None:
        claim = verdict.claim
        self._metrics.callbacks.labels(verdict.outcome.value).inc()
        self._log.info(
            "callback.sent",
            callback_id=str(claim.id),
            kind=claim.told.kind.value,
            message_id=str(claim.told.message_id) if claim.told.message_id else None,
            service_id=str(claim.service_id),
            outcome=verdict.outcome.value,
            reason=verdict.reason,
            cause=answer.cause,
            http_status=answer.http_status,
            attempt=claim.attempt,
        )
        # Too late, the row is free again: it is told once more.
        await self._rounds.insist(lambda: self._write(verdict), lambda: self._now() + OUTAGE_SECONDS <= claim.until)

    async def _write(self, verdict: Verdict) -> None:
        change = await self._claims.record(verdict)
        if change is not None:
            self._metrics.urls.labels(change.value).inc()
            service_id, kind = verdict.claim.url
            named = {"service_id": str(service_id), "kind": kind.value}
            if change is Change.SUSPENDED:
                self._log.warning("callback.suspended", **named)
            else:
                self._log.info("callback.resumed", **named)

    def _verdict(self, claim: CallbackClaim, answer: Answer, receiver: Receiver | None) -> Verdict:
        now, outcome, until = self._now(), answer.outcome, None
        if outcome is CallOutcome.DEFERRED:
            until = now + self._delay_seconds(claim, answer)
            if claim.probe and answer.called:
                until = claim.made_at  # the next probe's time is the URL's; then it is told in its place
            if max(now, until) > _gives_up_at(claim, receiver):
                outcome, until = CallOutcome.FAILED, None
        called = answer.called, answer.http_status, answer.seconds
        return Verdict(claim, outcome, now, answer.reason, until, *called)

    def _delay_seconds(self, claim: CallbackClaim, answer: Answer) -> float:
        delay = backoff_seconds(claim.attempt, _BASE_SECONDS, _CAP_SECONDS, random.random())  # noqa: S311
        return max(delay, min(answer.retry_after_seconds or 0.0, _MAX_RETRY_AFTER_SECONDS))


def _gives_up_at(claim: CallbackClaim, receiver: Receiver | None) -> float:
    """Where nothing is done, that is the URL's trouble, not this one's: it waits for the receiver to come back."""
    kept_until = claim.made_at + KEPT_SECONDS
    if receiver is not None and receiver.failing:
        return kept_until
    well_since = receiver.well_since if receiver is not None else 0.0
    return min(kept_until, max(claim.made_at, well_since) + GIVE_UP_SECONDS)
