"""What became of an attempt, or of a message without one: written down, measured and logged."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from config.database import is_outage
from delivery.metrics import DeliveryMetrics
from delivery.rounds import Rounds
from delivery.store.base import Outcome, Record
from messages.message import Message
from messages.status import Status


class Attempting(Protocol):
    """What this needs of delivery.store.attempting."""

    async def record(self, record: Record) -> None: ...


@dataclass(frozen=True, slots=True)
class Recording:
    """One per worker."""

    attempting: Attempting
    rounds: Rounds | None  # None: of who has nothing to write down but what is found again
    metrics: DeliveryMetrics

    async def write(self, record: Record, message: Message) -> None:
        """Returns once it is on disk, however long the database is away; without rounds, raises as that does."""
        if self.rounds is None:
            await self.attempting.record(record)
        else:  # what a provider said once is told nobody twice: forgetting it would send the message again
            await self.rounds.insist(lambda: self.attempting.record(record))
        status = Status.TECHNICAL_FAILURE if record.outcome is Outcome.EXPIRED else record.status
        self._measure(record, message, status)
        log = structlog.get_logger("worker")
        log.info(
            "message.attempted",
            **message.log_context(),
            channel=message.channel.value,
            attempt_id=text(record.attempt_id),
            outcome=record.outcome.value,
            reason=record.reason,
            status=status.value if status else None,
            provider_id=record.provider_id,
        )

    async def end(self, record: Record, message: Message) -> bool:
        """As `write`, and whether it did: a bug that one message meets keeps no other waiting."""
        try:
            await self.write(record, message)
        except Exception as error:
            if is_outage(error):
                raise
            log = structlog.get_logger("worker")
            log.error("worker.not_ended", **message.log_context(), error=type(error).__name__)
            return False
        return True

    def _measure(self, record: Record, message: Message, status: Status | None) -> None:
        channel, lane = message.channel.value, message.lane.value
        reached = {"relayed": record.outcome is Outcome.RELAYED, "delivered": status is Status.DELIVERED}
        for stage in (stage for stage, is_reached in reached.items() if is_reached):
            self.metrics.seconds.labels(channel, lane, stage).observe(record.at - message.created_at)
        if record.outcome is Outcome.STOPPED:
            self.metrics.suppressed.labels(channel, record.reason).inc()
        if status is not None:
            self.metrics.messages.labels(channel, status.value).inc()


def text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
