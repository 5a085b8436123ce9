"""What is about to leave, and what the end of its attempt is recorded as. Pure."""

from dataclasses import dataclass

from delivery.providers.base import Deferred, Failed, Provider, Receipt, SendError, Throttled, Unknown
from delivery.queue.base import Slot
from delivery.store.base import Attempt, Outcome, Record
from messages.message import Message

_OUTCOMES: dict[type[SendError], Outcome] = {
    Throttled: Outcome.THROTTLED,
    Deferred: Outcome.DEFERRED,
    Failed: Outcome.FAILED,
    Unknown: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed message, sealed, with the attempt that is about to start."""

    message: Message
    content: bytes
    attempt: Attempt
    provider: Provider
    resent: bool
    slot: Slot | None  # of what leaves at a rate, or a pace
    origin: str | None  # that a text leaves from


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds until a message is tried again, by why it has not left, where its provider does not say how long."""

    throttled: float
    deferred: float
    unknown: float


def relayed(outgoing: Outgoing, receipt: Receipt, at: float) -> Record:
    message_id, attempt_id = outgoing.message.id, outgoing.attempt.id
    return Record(message_id, attempt_id, Outcome.RELAYED, at, status=receipt.status, provider_id=receipt.provider_id)


def not_relayed(outgoing: Outgoing, error: SendError, at: float, waits: Waits) -> Record:
    outcome = next(each for kind, each in _OUTCOMES.items() if isinstance(error, kind))
    until, status = None, error.status if isinstance(error, Failed) else None
    if outcome is Outcome.THROTTLED:
        until = at + (error.retry_after_seconds or waits.throttled)
    elif outcome is Outcome.DEFERRED:
        until = at + (error.retry_after_seconds or waits.deferred)
    elif outcome is Outcome.UNKNOWN:
        # Each time longer: an answer that is lost again and again may have been a message each time.
        longer = waits.unknown * 2.0 ** min(outgoing.attempt.number - 1, 5)
        until = at + (0.0 if outgoing.provider.idempotent else longer)
    return Record(
        outgoing.message.id, outgoing.attempt.id, outcome, at, status=status, reason=error.reason, until=until
    )
