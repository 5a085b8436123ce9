"""claim -> build and seal -> attempt -> send -> record: the loop and nothing else.

A started attempt is on disk before its provider call, so that after any crash we know which messages may have left.
"""

import asyncio
import os
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from config.database import OUTAGES
from config.settings import Delivery
from delivery.backoff import delay_seconds
from delivery.exit.pace import Pace
from delivery.exit.pauses import Pauses
from delivery.exit.portions import Room, Work, portions
from delivery.exit.sealing import Sealing
from delivery.metrics import DeliveryMetrics
from delivery.providers.base import Deferred, Failed, Held, Provider, Receipt, SendError, Throttled, Unknown
from delivery.providers.table import Providers
from delivery.queue.base import Claim, Queue, Slot
from delivery.rounds import Rounds
from delivery.store.base import Attempt, Outcome, Record
from delivery.store.opt_outs import OPTED_OUT
from messages.message import Channel, Message, new_id
from messages.status import Status

_IDLE_SECONDS = 0.1  # how often an idle worker looks; a message waits half of it on average
_PAUSE_SECONDS = 2.0  # after a throttled call, where the provider does not say how long
_BATCH = 64
_PORTION_BYTES = 32 * 1024 * 1024
_BUILT_BYTES = 256 * 1024  # of recipes: a tenth of a second
_ROOM_BYTES = 2 * _PORTION_BYTES  # of contents under way; the provider's client needs about three times as much

_OUTCOMES: dict[type[SendError], Outcome] = {
    Throttled: Outcome.THROTTLED,
    Deferred: Outcome.DEFERRED,
    Failed: Outcome.FAILED,
    Unknown: Outcome.UNKNOWN,
}


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


class Origins(Protocol):
    """What this needs of delivery.exit.origin."""

    async def of(self, message: Message) -> str | None: ...


class OptOuts(Protocol):
    """What this needs of delivery.store.opt_outs."""

    async def stopped(self, messages: Iterable[Message]) -> Mapping[UUID, bool]: ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed message, sealed, with the attempt that is about to start."""

    message: Message
    content: bytes
    attempt: Attempt
    provider: Provider
    resent: bool
    slot: Slot | None  # of a text that leaves at a pace
    origin: str | None  # that a text leaves from


class Worker:
    """One worker process. `owner` names it in leases; a channel without `sealing` sends its contents as they are."""

    def __init__(
        self,
        owner: str,
        *,
        searching: Searching,
        contents: Contents,
        attempting: Attempting,
        opt_outs: OptOuts,
        queue: Queue,
        sealing: Mapping[Channel, Sealing],
        providers: Providers,
        settings: Delivery,
        metrics: DeliveryMetrics,
        now: Callable[[], float],
        pace: Pace | None = None,
        origins: Origins | None = None,
    ) -> None:
        self._owner = owner
        self._searching = searching
        self._contents = contents
        self._attempting = attempting
        self._opt_outs = opt_outs
        self._queue = queue
        self._sealing = sealing
        self._providers = providers
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self._pace = pace
        self._origins = origins
        self._log = structlog.get_logger("worker")
        self._free = settings.concurrency
        # What a claim takes over is not known before: one provider that may send twice makes all of it wait.
        repeatable = all(provider.idempotent for provider in providers.values())
        self._takeover_wait_seconds = 0.0 if repeatable else settings.unknown_wait_seconds
        self._rounds = Rounds(self._on_outage)
        self._room = Room(_ROOM_BYTES)
        self._pauses = Pauses(providers)

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set, then finishes the calls under way. Never raises for an outage."""
        async with self._rounds.until(stopping):
            await self._rounds.outlive(self._release_predecessor)
            if self._pace is not None:
                self._rounds.start(self._pace.run(stopping, self._owner, self._work_at_pace))
            while not stopping.is_set():
                await self._rounds.outlive(self._claim_once)

    def _on_outage(self, error: Exception) -> None:
        self._log.warning("worker.database_unavailable", error=type(error).__name__)

    async def _release_predecessor(self) -> None:
        released = await self._queue.release(self._owner, self._now())
        if released:
            self._log.info("worker.released", messages=released)

    async def _claim_once(self) -> None:
        now = asyncio.get_running_loop().time()
        resting, probing = self._pauses.resting(now), self._pauses.probing(now)
        claimed = 0
        for channel in sorted(probing):
            claimed += await self._claim(1, frozenset(Channel) - {channel})
        if len(resting | probing) < len(Channel):
            claimed += await self._claim(_BATCH, resting | probing)
        if not claimed:
            pause = self._pauses.seconds(now) if resting == frozenset(Channel) else 0.0
            await self._rounds.sleep(min(pause, 1.0) if pause > 0 else _IDLE_SECONDS)

    async def _claim(self, limit: int, resting: frozenset[Channel]) -> int:
        """Claims of the channels that do not rest, and starts their work; returns how many."""
        limit = min(limit, self._free)
        if limit <= 0:
            return 0
        lease, wait = self._settings.lease_seconds, self._takeover_wait_seconds
        claims = await self._queue.claim(self._owner, limit, self._now(), lease, wait, resting)
        if claims:
            self._free -= len(claims)
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
            self._rounds.wake()

    async def _work_at_pace(self, claims: Sequence[Claim]) -> None:
        await self._work(claims, lambda _: None)  # the pace counts its own

    async def _work(self, claims: Sequence[Claim], release: Callable[[int], None]) -> None:
        held, late = len(claims), self._now() + self._settings.lease_seconds / 2
        try:
            messages = await self._searching.load([claim.message_id for claim in claims])
            # A message that is gone was settled and retired while it was claimed.
            known = [(claim, messages[claim.message_id]) for claim in claims if claim.message_id in messages]
            known = await self._lined_up(await self._wanted(known))
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

    async def _wanted(self, known: list[Work]) -> list[Work]:
        """Ends the texts to those who want none; the others. Asked again when a text has had its turn at the pace."""
        found = await self._opt_outs.stopped(message for _, message in known)
        shared = [message for _, message in known if found.get(message.id) is False]
        stopped = found.keys() - (await self._pace.own(shared) if self._pace and shared else ())
        for message in (message for _, message in known if message.id in stopped):
            status, now = Status.PERMANENT_FAILURE, self._now()
            await self._record(Record(message.id, None, Outcome.STOPPED, now, status=status, reason=OPTED_OUT), message)
        return [(claim, message) for claim, message in known if message.id not in stopped]

    async def _lined_up(self, known: list[Work]) -> list[Work]:
        """Sends those that have to wait for their pace to its lines; the others."""
        if self._pace is None:
            return known
        waiting = [message for claim, message in known if claim.slot is None and self._is_paced(message)]
        if not waiting:
            return known
        for message in await self._pace.line_up(waiting, self._owner):
            # No number for that country, or the one that was asked for is gone: an operator can mend it.
            self._log.error("worker.no_sender", **message.log_context(), sender_id=_text(message.sender_id))
            await self._queue.give_back([message.id], self._now() + self._delay(1, message))
        gone = {message.id for message in waiting}
        return [(claim, message) for claim, message in known if message.id not in gone]

    def _is_paced(self, message: Message) -> bool:
        provider = self._providers.get((message.channel, message.key_type))
        return provider is not None and provider.paced and self._now() < message.expires_at

    async def _send_portion(self, portion: Sequence[tuple[Claim, Message]], late: float) -> None:
        contents = await self._contents.load({message.content_id for _, message in portion})
        batch = []
        for place, (claim, message) in enumerate(portion):
            if self._now() > late:
                # Built on, the leases could run out: somebody else would build them all again, and be late as well.
                await self._queue.give_back([left.id for _, left in portion[place:]], self._now())
                break
            outgoing = await self._sealed(claim, message, contents)
            if outgoing is not None:
                batch.append(outgoing)
        if batch:
            lease_until = self._now() + self._settings.lease_seconds
            ours = await self._attempting.attempt([each.attempt for each in batch], self._owner, lease_until)
            await asyncio.gather(*(self._send(each) for each in batch if each.message.id in ours))

    async def _sealed(self, claim: Claim, message: Message, contents: Mapping[UUID, bytes | None]) -> Outgoing | None:
        try:
            return await self._seal(claim, message, contents)
        except OUTAGES:
            raise
        except Exception as error:  # a bug that one message meets keeps no other waiting
            self._log.error("worker.not_sealed", **message.log_context(), error=type(error).__name__)
            await self._queue.give_back([message.id], self._now() + self._delay(claim.attempts + 1, message))
            return None

    async def _seal(self, claim: Claim, message: Message, contents: Mapping[UUID, bytes | None]) -> Outgoing | None:
        now = self._now()
        if now >= message.expires_at or message.content_id not in contents:
            reason = "expired" if message.content_id in contents else "content_gone"
            await self._record(Record(message.id, None, Outcome.EXPIRED, now, reason=reason), message)
            return None
        provider = self._provider(message)
        if provider is not None:
            content = await self._content(message, contents[message.content_id], provider)
            if content is not None:
                attempt = Attempt(new_id(now, os.urandom(10)), message.id, claim.attempts + 1, provider.name, now)
                origin = claim.slot.origin if claim.slot else await self._origin(message)
                return Outgoing(message, content, attempt, provider, claim.unknown, claim.slot, origin)
        # No provider, a content that is damaged or cannot be sealed: an operator can mend each; until then the message
        # waits.
        await self._queue.give_back([message.id], now + self._delay(claim.attempts + 1, message))
        return None

    async def _origin(self, message: Message) -> str | None:
        """What a text without a pace leaves from."""
        return await self._origins.of(message) if self._origins and message.channel is Channel.SMS else None

    def _provider(self, message: Message) -> Provider | None:
        """None for a channel that this version does not send by."""
        provider = self._providers.get((message.channel, message.key_type))
        if provider is None:
            self._log.error("worker.no_provider", **message.log_context(), channel=message.channel.value)
        return provider

    async def _content(self, message: Message, stored: bytes | None, provider: Provider) -> bytes | None:
        """What the provider is given; None where it cannot be had."""
        if stored is None or len(stored) != message.content_bytes:
            return None
        sealing = self._sealing.get(message.channel)
        return stored if sealing is None else await sealing.seal(message, stored, provider)

    async def _send(self, outgoing: Outgoing) -> None:
        try:
            record = self._relayed(outgoing, await self._handed_over(outgoing))
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
        await self._record(record, outgoing.message)

    async def _handed_over(self, outgoing: Outgoing) -> Receipt:
        message, slot = outgoing.message, outgoing.slot
        if self._pace is not None and slot is not None:
            await self._pace.turn(message, slot)
        started = self._now()
        try:
            return await outgoing.provider.send(message, outgoing.content, outgoing.attempt.id, outgoing.origin)
        finally:
            self._metrics.attempt_seconds.labels(outgoing.provider.name).observe(self._now() - started)

    async def _throttled(self, outgoing: Outgoing, error: SendError) -> None:
        if not isinstance(error, Throttled):
            return
        if isinstance(error, Held):
            name = outgoing.provider.name
            self._metrics.holds.labels(name, error.reason).inc()
            self._log.error("worker.provider_holds", provider=name, reason=error.reason)
        if self._pace is not None and outgoing.slot is not None:
            await self._pace.throttled(outgoing.slot, error)
            return
        pause = error.retry_after_seconds or _PAUSE_SECONDS * (0.5 + random.random())  # noqa: S311
        self._pauses.throttled(outgoing.provider, pause, asyncio.get_running_loop().time())

    def _throttled_no_more(self, outgoing: Outgoing) -> None:
        if self._pace is not None and outgoing.slot is not None:
            self._pace.pause.end()
        else:
            self._pauses.answered(outgoing.provider)

    def _relayed(self, outgoing: Outgoing, receipt: Receipt) -> Record:
        return Record(
            outgoing.message.id,
            outgoing.attempt.id,
            Outcome.RELAYED,
            self._now(),
            status=receipt.status,
            provider_id=receipt.provider_id,
        )

    def _not_relayed(self, outgoing: Outgoing, error: SendError) -> Record:
        now = self._now()
        outcome = next(each for kind, each in _OUTCOMES.items() if isinstance(error, kind))
        until, status = None, error.status if isinstance(error, Failed) else None
        if outcome is Outcome.THROTTLED:
            until = now + (error.retry_after_seconds or _PAUSE_SECONDS * (0.5 + random.random()))  # noqa: S311
        elif outcome is Outcome.DEFERRED:
            until = now + (error.retry_after_seconds or self._delay(outgoing.attempt.number, outgoing.message))
        elif outcome is Outcome.UNKNOWN:
            # Each time longer: an answer that is lost again and again may have been a message each time.
            wait = self._settings.unknown_wait_seconds * 2.0 ** min(outgoing.attempt.number - 1, 5)
            until = now + (0.0 if outgoing.provider.idempotent else wait)
        return Record(
            outgoing.message.id, outgoing.attempt.id, outcome, now, status=status, reason=error.reason, until=until
        )

    def _delay(self, attempts: int, message: Message) -> float:
        return delay_seconds(attempts, message.lane, self._settings.retry_base_seconds, random.random())  # noqa: S311

    async def _record(self, record: Record, message: Message) -> None:
        # What a provider said once is told nobody twice: forgetting it over an outage would send the message again.
        await self._rounds.insist(lambda: self._attempting.record(record))
        status = Status.TECHNICAL_FAILURE if record.outcome is Outcome.EXPIRED else record.status
        reached = {"relayed": record.outcome is Outcome.RELAYED, "delivered": status is Status.DELIVERED}
        for stage in (stage for stage, is_reached in reached.items() if is_reached):
            seconds = self._metrics.seconds.labels(message.channel.value, message.lane.value, stage)
            seconds.observe(record.at - message.created_at)
        if status is not None:
            self._metrics.messages.labels(message.channel.value, status.value).inc()
        self._log.info(
            "message.attempted",
            **message.log_context(),
            channel=message.channel.value,
            attempt_id=_text(record.attempt_id),
            outcome=record.outcome.value,
            reason=record.reason,
            status=status.value if status else None,
            provider_id=record.provider_id,
        )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
