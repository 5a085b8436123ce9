"""What the senders of messages are to be told: noted for each move, and each delay, that they asked to hear of.

Who is told, where and in which words is found out when it is told (relay/notices/senders.py).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from auth import notices
from auth.notices import Kind, Notice
from delivery.store.base import EventKind
from delivery.store.moving import Heard, Move
from messages.message import Occasion
from messages.status import Status

# Who cancels a message knows that it does not come.
_OCCASIONS: Mapping[Status, Occasion] = {
    Status.DELIVERED: Occasion.SUCCESS,
    Status.PERMANENT_FAILURE: Occasion.FAILURE,
    Status.TEMPORARY_FAILURE: Occasion.FAILURE,
    Status.TECHNICAL_FAILURE: Occasion.FAILURE,
}


def note(connection: Connection, moves: Sequence[Move], heard: Sequence[Heard], rows: Mapping[UUID, Any]) -> None:
    """A Follower of delivery.store.moving. Of one message each occasion is noted once, whatever follows."""
    notices.note(connection, list(_noted(moves, heard, rows, time.time())))


def _noted(moves: Sequence[Move], heard: Sequence[Heard], rows: Mapping[UUID, Any], now: float) -> Iterator[Notice]:
    for move in moves:
        row, occasion = rows[move.message_id], _OCCASIONS.get(move.new)
        if occasion and _asked(row, occasion):
            yield _notice(row, occasion, now, move.at, move.new, move.reason)
    for each in heard:
        row = rows[each.message_id]
        if each.kind is EventKind.DELAY and _asked(row, Occasion.DELAY):
            yield _notice(row, Occasion.DELAY, now, each.at, None, each.reason)


def _asked(row: Any, occasion: Occasion) -> bool:
    """Of a retired message nobody hears any more."""
    return occasion in (getattr(row, "notify", None) or "").split(",")


def _notice(row: Any, occasion: Occasion, now: float, at: float, status: Status | None, reason: str | None) -> Notice:
    said = {"occasion": occasion.value, "at": at, "status": status and status.value, "reason": reason}
    return Notice(Kind.SENDER, f"{row.id} {occasion}", row.service_id, said | {"about": str(row.id)}, now)
