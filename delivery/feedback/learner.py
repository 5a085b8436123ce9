"""From what a provider tells to rows, metrics and log: the same way for every door that events come by."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from delivery.feedback.base import Unreadable
from delivery.feedback.reading import Told
from delivery.metrics import DeliveryMetrics
from delivery.store.base import Event, EventKind, Fate, InboundMail, InboundText, Judged, Learned, Moved
from messages.status import Status

TIME_OUT_SECONDS = 72 * 3600.0  # SES gives up long before, AWS's texts end as unknown by then
_TIMED_OUT_AT_ONCE = 500


class Settling(Protocol):
    """What this needs of delivery.store.settling."""

    async def learn(self, events: Sequence[Event], now: float) -> Learned: ...

    async def match_parked(self, now: float) -> tuple[Moved, ...]: ...

    async def time_out(self, sent_before: float, now: float, limit: int) -> tuple[Moved, ...]: ...


class Receiving(Protocol):
    """What this needs of delivery.store.inbound."""

    async def take(self, texts: Sequence[InboundText], now: float) -> list[InboundText]: ...


class Answering(Protocol):
    """What this needs of delivery.store.mail_answers."""

    async def take(self, mails: Sequence[InboundMail], now: float) -> list[Judged]: ...


Reader = Callable[[str], tuple[Told, ...]]  # of notifications; raises Unreadable


class Learner:
    """One per process; `reader` reads what its providers tell. `now` gives seconds since the epoch.

    What the database raises passes through.
    """

    def __init__(
        self,
        reader: Reader,
        settling: Settling,
        receiving: Receiving,
        answering: Answering,
        metrics: DeliveryMetrics,
        now: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._settling = settling
        self._receiving = receiving
        self._answering = answering
        self._metrics = metrics
        self._now = now
        self._log = structlog.get_logger("feedback")

    def read(self, text: str, source: str) -> tuple[Told, ...]:
        """What a notification tells; none where it tells nothing of use. Raises Unreadable, which is logged."""
        try:
            found = self._reader(text)
        except Unreadable as error:
            self.unreadable(error, source)
            raise
        if not found:
            self._metrics.event_fates.labels("ignored").inc()
        return found

    def unreadable(self, error: Unreadable, source: str) -> None:
        """Counts and logs what could not be read, without a word of it. `source` says where it can be found."""
        self._metrics.event_fates.labels("unreadable").inc()
        self._log.error("event.unreadable", source=source, problem=str(error))

    async def learn(self, told: Sequence[Told]) -> None:
        """When it returns, what was told is on disk with all that follows from it."""
        if events := [each for each in told if isinstance(each, Event)]:
            await self._learn(events)
        if texts := [each for each in told if isinstance(each, InboundText)]:
            await self._take(texts)
        if mails := [each for each in told if isinstance(each, InboundMail)]:
            await self._judge(mails)

    async def _take(self, texts: Sequence[InboundText]) -> None:
        kept = await self._receiving.take(texts, self._now())
        self._metrics.event_fates.labels(Fate.KEPT.value).inc(len(kept))
        self._metrics.event_fates.labels(Fate.REPEATED.value).inc(len(texts) - len(kept))
        self._metrics.inbound.inc(len(kept))
        for text in kept:
            self._log.info("text.received", text_id=str(text.id), service_id=text.service_id and str(text.service_id))

    async def _judge(self, mails: Sequence[InboundMail]) -> None:
        for each in await self._answering.take(mails, self._now()):
            self._metrics.inbound_mail.labels(each.fate.value).inc()
            self._log.info("mail.received", fate=each.fate.value, service_id=each.service_id and str(each.service_id))

    async def _learn(self, events: Sequence[Event]) -> None:
        learned = await self._settling.learn(events, self._now())
        kinds: dict[tuple[UUID | None, Status, float], EventKind] = {}
        for event, fate in zip(events, learned.fates, strict=True):
            self._metrics.event_fates.labels(fate.value).inc()
            if fate is not Fate.REPEATED:
                self._metrics.events.labels(event.provider, event.kind.value).inc()
            if fate is Fate.SETTLED and event.status is not None:
                kinds[event.message_id, event.status, event.at] = event.kind
        for moved in learned.moved:
            key = (moved.message_id, moved.status, moved.at)
            self._settled(moved, kinds.get(key) or kinds.get((None, *key[1:])))
        for each in learned.miscounts:
            self._metrics.miscounted.inc()
            self._log.warning(
                "text.miscounted", message_id=str(each.message_id), counted=each.counted, charged=each.charged
            )

    async def match_parked(self) -> None:
        """Gives events that came before their message was known to it."""
        for moved in await self._settling.match_parked(self._now()):
            self._settled(moved, None)

    async def time_out(self) -> None:
        """Ends the messages of which nobody told an end."""
        while True:
            now = self._now()
            timed_out = await self._settling.time_out(now - TIME_OUT_SECONDS, now, _TIMED_OUT_AT_ONCE)
            for moved in timed_out:
                self._settled(moved, None)
            if len(timed_out) < _TIMED_OUT_AT_ONCE:
                return

    def _settled(self, moved: Moved, kind: EventKind | None) -> None:
        channel, status = moved.channel.value, moved.status.value
        self._metrics.messages.labels(channel, status).inc()
        if moved.status is Status.DELIVERED:
            seconds = self._metrics.seconds.labels(channel, moved.lane.value, "delivered")
            seconds.observe(max(0.0, moved.at - moved.created_at))  # two clocks
        self._log.info(
            "message.settled",
            message_id=str(moved.message_id),
            service_id=str(moved.service_id),
            status=status,
            kind=kind.value if kind else None,
            reason=moved.reason,
        )
