"""The last calls that a service's receivers got, and what they answered: of each thing told, its last call."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery.callbacks.calls import CallOutcome
from delivery.store.base import CallbackKind
from delivery.store.tables import callbacks

LISTED = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that is told, and its last call. `reason` is a short code; None: none is needed."""

    id: UUID
    kind: CallbackKind
    message_id: UUID | None  # None: of an inbound text
    called_at: float
    seconds: float
    http_status: int | None  # None: no answer came
    outcome: CallOutcome
    reason: str | None
    attempts: int
    next_at: float | None  # None: it is not called again


async def last(connection: AsyncConnection, service_id: UUID, limit: int = LISTED) -> list[Delivery]:
    """The newest first. A read of one index."""
    c = callbacks.c
    columns = (c.id, c.kind, c.message_id, c.called_at, c.seconds, c.http_status, c.outcome, c.attempts, c.available_at)
    mine = select(*columns).where(c.service_id == service_id, c.called_at.is_not(None))
    rows = await connection.execute(mine.order_by(c.called_at.desc()).limit(limit))
    return [_delivery(*row) for row in rows]


def _delivery(
    callback_id: UUID,
    kind: str,
    message_id: UUID | None,
    called_at: float,
    seconds: float,
    http_status: int | None,
    said: str,
    attempts: int,
    next_at: float | None,
) -> Delivery:
    outcome, _, reason = said.partition(" ")
    told = CallbackKind(kind), message_id, called_at, seconds, http_status
    return Delivery(callback_id, *told, CallOutcome(outcome), reason or None, attempts, next_at)
