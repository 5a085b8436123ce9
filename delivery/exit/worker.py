"""claim -> build and seal -> attempt -> send -> record: the loop and nothing else.

A started attempt is on disk before its provider call, so that after any crash we know which messages may have left.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from config.database import OUTAGES
from config.settings import Delivery
from delivery.backoff import delay_seconds, unknown_wait_seconds
from delivery.exit.calls import Calls
from delivery.exit.making import Making, Origins
from delivery.exit.outgoing import Outgoing, Waits, not_relayed, relayed
from delivery.exit.pace import Pace
from delivery.exit.pauses import PAUSE_SECONDS, Pauses
from delivery.exit.portions import Room, Work, portions, starts
from delivery.exit.rate import Rate
from delivery.exit.recording import Recording
from delivery.exit.screening import Screening, Suppressions
from delivery.exit.sealing import Sealing
from delivery.exit.under_way import UnderWay
from delivery.metrics import DeliveryMetrics
from delivery.providers.base import Held, Receipt, SendError, TenantHeld, Throttled, Unknown
from delivery.providers.table import Providers
from delivery.queue.base import KINDS, Claim, HoldReason, Kind, LineSlot, Queue
from delivery.rounds import OUTAGE_SECONDS, Rounds
from delivery.store.base import Attempt, Outcome, Record
from messages.message import Channel, KeyType, Message

_IDLE_SECONDS = 0.1  # how often an idle worker looks; a message waits half of it on average
_BATCH = 64
_PORTION_BYTES = 32 * 1024 * 1024
_BUILT_BYTES = 256 * 1024  # of recipes: a tenth of a second
_ROOM_BYTES = 2 * _PORTION_BYTES  # of contents under way; the provider's client needs about three times as much


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]: ...


class Contents(Protocol):
    """What this needs of delivery.store.contents."""

    async def load(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]: ...


class Attempting(Protocol):
    """What this needs of delivery.store.attempting."""

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]: ...

    async def record(self, record: Record) -> None: ...


class Worker:
    """One worker process. `owner` names it in leases; a channel without `sealing` sends its contents as they are."""

    def __init__(
        self,
        owner: str,
        *,
        searching: Searching,
        contents: Contents,
        attempting: Attempting,
        suppressions: Suppressions,
        queue: Queue,
        calls: Calls,
        sealing: Mapping[Channel, Sealing],
        providers: Providers,
        settings: Delivery,
        metrics: DeliveryMetrics,
        now: Callable[[], float],
        pace: Pace | None = None,
        rate: Rate | None = None,
        origins: Origins | None = None,
    ) -> None:
        self._owner = owner
        self._searching = searching
        self._contents = contents
        self._attempting = attempting
        self._queue = queue
        self._calls = calls
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self._pace = pace
        self._rate = rate
        self._log = structlog.get_logger("worker")
        self._free = settings.concurrency
        kinds = {Kind(channel, type_ is KeyType.TEST): provider for (channel, type_), provider in providers.items()}
        self._repeatable = frozenset(kind for kind, provider in kinds.items() if provider.idempotent)
        self._rounds = Rounds(self._on_outage)
        self._room = Room(_ROOM_BYTES)
        self._pauses = Pauses(providers)
        self._under_way = UnderWay()
        self._recording = Recording(attempting, self._rounds, metrics)
        self._screening = Screening(owner, suppressions, providers, queue, self._recording, pace, self._delay, now)
        self._making = Making(sealing, providers, queue, self._recording, origins, self._delay, now)

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set, then finishes the calls under way. Never raises for an outage."""
        async with self._rounds.until(stopping):
            await self._rounds.insist(self._take_over, lambda: not stopping.is_set())
            if self._pace is not None:
                self._rounds.start(self._pace.run(stopping, self._owner, self._work_at_pace))
            while not stopping.is_set():
                await self._rounds.outlive(self._claim_once)

    def _on_outage(self, error: Exception) -> None:
        self._log.warning("worker.database_unavailable", error=type(error).__name__)

    async def _take_over(self) -> None:
        """What a predecessor left that was killed: what it knew of its calls is recorded, all else can be claimed."""
        # First: where the database still commits an attempt of the dead one's, this waits until it is to be seen.
        released = await self._queue.release(self._owner, self._now(), begun=False)
        left = self._calls.left
        messages = await self._searching.load([each.message_id for each in left])
        writing = [self._rounds.start(self._record_left(each, messages.get(each.message_id))) for each in left]
        if writing:
            await asyncio.wait(writing, timeout=OUTAGE_SECONDS)
        released += await self._queue.release(self._owner, self._now())
        if left or released:
            self._log.info("worker.released", recorded=len(left), messages=released)

    async def _record_left(self, record: Record, message: Message | None) -> None:
        """One that cannot be written keeps nothing else waiting."""
        try:
            if message is not None:
                await self._recording.write(record, message)
        except Exception as error:  # what was attempted is parked, as after a bug of ours
            self._log.error("worker.batch_failed", messages=1, error=type(error).__name__)
        if record.attempt_id is not None:
            self._calls.forget([record.attempt_id])

    async def _claim_once(self) -> None:
        now = asyncio.get_running_loop().time()
        resting, probing = self._pauses.resting(now), self._pauses.probing(now)
        claimed = 0
        for channel in sorted(probing):
            claimed += await self._claim(1, _kinds({channel}))
        if kinds := _kinds(frozenset(Channel) - resting - probing):
            claimed += await self._claim(_BATCH, kinds)
        if not claimed:
            pause = self._pauses.seconds(now) if resting == frozenset(Channel) else 0.0
            await self._rounds.sleep(min(pause, 1.0) if pause > 0 else _IDLE_SECONDS)

    async def _claim(self, limit: int, kinds: frozenset[Kind]) -> int:
        """Claims messages of these kinds, and starts their work; returns how many."""
        limit = min(limit, self._free + (self._rate.waiting if self._rate else 0))
        if limit <= 0:
            return 0
        lease, wait = self._settings.lease_seconds, self._settings.unknown_wait_seconds
        counts = self._under_way.counts
        claims = await self._queue.claim(self._owner, limit, self._now(), lease, wait, kinds, counts, self._repeatable)
        if claims:
            self._free -= len(claims)
            self._under_way.begin(claims)
            if self._rate is not None:
                self._rate.begin(claims)
            self._pauses.begin(claim.channel for claim in claims)
            self._rounds.start(self._work_claimed(claims))
        return len(claims)

    def _release_slots(self, count: int) -> None:
        if count:  # else who waits would look for nothing
            self._free += count
            self._rounds.wake()

    # -- one batch of claims ---------------------------------------------------------------------------------------

    async def _work_claimed(self, claims: Sequence[Claim]) -> None:
        try:
            await self._work(claims, self._release_slots)
        finally:
            self._pauses.end(claim.channel for claim in claims)
            self._under_way.end(claim.message_id for claim in claims)
            self._rounds.wake()

    async def _work_at_pace(self, claims: Sequence[Claim]) -> None:
        await self._work(claims, lambda _: None)  # the pace counts its own

    async def _work(self, claims: Sequence[Claim], release: Callable[[int], None]) -> None:
        held, late = len(claims), self._now() + self._settings.lease_seconds / 2
        try:
            messages = await self._searching.load([claim.message_id for claim in claims])
            # A message that is gone was settled and retired while it was claimed.
            known = [(claim, messages[claim.message_id]) for claim in claims if claim.message_id in messages]
            known = await self._screening.passed(known)
            self._unused(claims, {message.id for _, message in known})
            release(held - len(known))
            held = len(known)
            for portion in portions(known, _PORTION_BYTES, _BUILT_BYTES):
                async with self._room.taken(sum(message.content_bytes for _, message in portion)):
                    await self._send_portion(portion, late)
                release(len(portion))
                held -= len(portion)
        except Exception as error:
            # Outage or bug, nothing is lost: the leases run out, and what was attempted is parked.
            self._log.error("worker.batch_failed", messages=held, error=type(error).__name__)
        finally:
            release(held)

    async def _send_portion(self, portion: Sequence[Work], late: float) -> None:
        contents = await self._contents.load({message.content_id for _, message in portion})
        begun: list[asyncio.Task[None]] = []
        try:
            for start in starts(portion):  # while one is written down the next is built: slow commits are shared
                if batch := await self._made(start, contents, late):
                    begun.append(asyncio.create_task(self._begin(batch)))
        finally:
            ends = await asyncio.gather(*begun, return_exceptions=True)
        for error in filter(None, ends):
            raise error

    async def _made(self, start: Sequence[Work], contents: Mapping[UUID, bytes | None], late: float) -> list[Outgoing]:
        batch = []
        for place, (claim, message) in enumerate(start):
            await asyncio.sleep(0)  # calls that were attempted before go first
            if self._now() > late:
                # Built on, the leases could run out: somebody else would build them all again, and be late as well.
                await self._queue.give_back([left.id for _, left in start[place:]], self._now())
                break
            outgoing = await self._making.outgoing(claim, message, contents)
            if outgoing is not None:
                batch.append(outgoing)
        self._unused([claim for claim, _ in start], {each.message.id for each in batch})
        return batch

    def _unused(self, claims: Sequence[Claim], sent: Collection[UUID]) -> None:
        """Leaves the places of those that are not sent to others: thousands that expired would hold up everybody."""
        left = [claim for claim in claims if claim.message_id not in sent]
        if self._rate is not None and left:
            self._rate.unused(left)
            self._rounds.wake()

    async def _begin(self, batch: Sequence[Outgoing]) -> None:
        """Attempts them all, and calls with those that are still ours; returns when they have their ends."""
        slot = batch[0].slot
        if self._pace is not None and isinstance(slot, LineSlot):
            await self._pace.near(slot)
        elif self._rate is not None and slot is not None:
            await self._rate.near(slot)
        lease_until = self._now() + self._settings.lease_seconds
        attempts = [each.attempt for each in batch]
        self._calls.attempt(attempts)
        try:
            ours = await self._attempting.attempt(attempts, self._owner, lease_until)
            self._calls.forget(each.id for each in attempts if each.message_id not in ours)
            await asyncio.gather(*(self._send(each) for each in batch if each.message.id in ours))
        finally:
            self._calls.forget(each.id for each in attempts)

    async def _send(self, outgoing: Outgoing) -> None:
        try:
            record = relayed(outgoing, await self._handed_over(outgoing), self._now())
        except SendError as error:
            record = self._not_relayed(outgoing, error)
            await self._throttled(outgoing, error)
        except Exception as error:
            self._log.error("worker.provider_bug", provider=outgoing.provider.name, error=type(error).__name__)
            record = self._not_relayed(outgoing, Unknown("provider_bug"))
        if record.outcome is not Outcome.THROTTLED:
            self._throttled_no_more(outgoing)
        if outgoing.resent:
            self._metrics.unknown_resent.inc()
        self._metrics.attempts.labels(outgoing.provider.name, record.outcome.value).inc()
        self._calls.end(record)
        await self._recording.write(record, outgoing.message)
        self._calls.forget([outgoing.attempt.id])
        self._under_way.end([outgoing.message.id])

    async def _handed_over(self, outgoing: Outgoing) -> Receipt:
        message, slot = outgoing.message, outgoing.slot
        if self._pace is not None and isinstance(slot, LineSlot):
            await self._pace.turn(message, slot)
        elif self._rate is not None and slot is not None:
            await self._rate.turn()
        started, attempt_id = self._now(), outgoing.attempt.id
        begun = partial(self._calls.begin, attempt_id)
        try:
            return await outgoing.provider.send(message, outgoing.content, attempt_id, outgoing.origin, begun)
        finally:
            self._metrics.attempt_seconds.labels(outgoing.provider.name).observe(self._now() - started)

    def _not_relayed(self, outgoing: Outgoing, error: SendError) -> Record:
        deferred = self._delay(outgoing.attempt.number, outgoing.message)
        throttled = 0.0 if self._has_place(outgoing) else _pause_seconds()  # it stands first again, for a place
        unknown = unknown_wait_seconds(outgoing.message.lane, self._settings.unknown_wait_seconds)
        waits = Waits(throttled, deferred, unknown)
        return not_relayed(outgoing, error, self._now(), waits)

    def _delay(self, attempts: int, message: Message) -> float:
        return delay_seconds(attempts, message.lane, self._settings.retry_base_seconds, random.random())  # noqa: S311

    def _has_place(self, outgoing: Outgoing) -> bool:
        """Whether it leaves at the rate that all share."""
        return outgoing.slot is not None and not isinstance(outgoing.slot, LineSlot)

    # -- a provider that takes nothing for a time ------------------------------------------------------------------

    async def _throttled(self, outgoing: Outgoing, error: SendError) -> None:
        if not isinstance(error, Throttled):
            return
        if isinstance(error, TenantHeld):
            self._log.error("worker.tenant_paused", service_id=str(outgoing.message.service_id))
            with contextlib.suppress(*OUTAGES):  # the next one that is turned away tells it again
                await self._queue.hold(outgoing.message.service_id, HoldReason.TENANT, self._now())
            return
        if isinstance(error, Held):
            name = outgoing.provider.name
            self._metrics.holds.labels(name, error.reason).inc()
            self._log.error("worker.provider_holds", provider=name, reason=error.reason)
        if self._pace is not None and isinstance(outgoing.slot, LineSlot):
            await self._pace.throttled(outgoing.slot, error)
            return
        if self._rate is not None and self._has_place(outgoing) and self._rate.answered(error):
            return
        pause = error.retry_after_seconds or _pause_seconds()
        self._pauses.throttled(outgoing.provider, pause, asyncio.get_running_loop().time())

    def _throttled_no_more(self, outgoing: Outgoing) -> None:
        if self._pace is not None and isinstance(outgoing.slot, LineSlot):
            self._pace.pause.end()
            return
        self._pauses.answered(outgoing.provider)
        if self._rate is not None and self._has_place(outgoing):
            self._rate.answered()


def _pause_seconds() -> float:
    return PAUSE_SECONDS * (0.5 + random.random())  # noqa: S311


def _kinds(channels: Collection[Channel]) -> frozenset[Kind]:
    return frozenset(kind for kind in KINDS if kind.channel in channels)
