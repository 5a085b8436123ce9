"""The only place that decides a final status: from provider outcomes, events, expiry and cancellation.

Pure: stores call it inside their own transaction and write what it says. The moves are messages.status.MOVES.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from delivery.store.base import Settlement
from messages.status import Status, advance


@dataclass(frozen=True, slots=True)
class Move:
    """A message whose status changes."""

    message_id: UUID
    old: Status
    new: Status
    at: float
    reason: str | None


def moves(current: Mapping[UUID, Status], settlements: Iterable[Settlement]) -> list[Move]:
    """The moves that take, in order; at most one entry per real change. Unknown messages are passed over."""
    status = dict(current)
    result = []
    for settlement in settlements:
        old = status.get(settlement.message_id)
        if old is None:
            continue
        new = advance(old, settlement.status)
        if new is not old:
            status[settlement.message_id] = new
            result.append(Move(settlement.message_id, old, new, settlement.at, settlement.reason))
    return result
