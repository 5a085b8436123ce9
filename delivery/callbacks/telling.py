"""What services are to be told: a callback row for each move of a message whose service has a callback URL."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from delivery.store.moving import Move
from delivery.store.tables import callback_urls, callbacks
from messages.message import new_id


def tell(connection: Connection, moves: Sequence[Move], rows: Mapping[UUID, Any]) -> None:
    """A Follower of delivery.store.moving."""
    services = sorted({rows[move.message_id].service_id for move in moves})
    wanted = select(callback_urls.c.service_id).where(callback_urls.c.service_id.in_(services))
    listening = set(connection.scalars(wanted))
    told = [move for move in moves if rows[move.message_id].service_id in listening]
    if told:
        now = time.time()
        made = [_row(now, place, move, rows[move.message_id]) for place, move in enumerate(told)]
        connection.execute(insert(callbacks), made)


def _row(now: float, place: int, move: Move, message: Any) -> dict[str, Any]:
    return {
        # Of our clock, not of `at`: what is learned days late is still told for a whole day.
        "id": new_id(now, place.to_bytes(2, "big") + os.urandom(8)),
        "service_id": message.service_id,
        "message_id": move.message_id,
        "status": move.new.value,
        "reason": move.reason,
        "at": move.at,
        "attempts": 0,
        "available_at": now,
        "owner": None,
    }
