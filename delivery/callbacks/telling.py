"""What services are told: a row for each move of a message, each complaint and each text that came in.

Every row stands in its service's feed; where the service has a URL for its kind, it is called, too.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from delivery.store.base import CallbackKind, EventKind, InboundText
from delivery.store.moving import Heard, Move
from delivery.store.tables import callback_urls, callbacks, feeds
from messages.message import KeyType, new_id
from messages.status import Status


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: CallbackKind
    service_id: UUID
    key_type: str
    at: float
    message_id: UUID | None = None
    source_id: UUID | None = None
    status: Status | None = None
    reason: str | None = None


def tell(connection: Connection, moves: Sequence[Move], heard: Sequence[Heard], rows: Mapping[UUID, Any]) -> None:
    """A Follower of delivery.store.moving."""
    entries = [_move(move, rows[move.message_id]) for move in moves]
    entries += [_complaint(each, rows[each.message_id]) for each in heard if each.kind is EventKind.COMPLAINT]
    _write(connection, entries, time.time())


def tell_inbound(connection: Connection, text: InboundText) -> None:
    """A Follower of delivery.store.inbound, for texts that reach a service: the last that its transaction locks.

    The feed of live keys has it: none sent it.
    """
    assert text.service_id is not None
    key_type = KeyType.NORMAL.value
    entry = _Entry(CallbackKind.INBOUND, text.service_id, key_type, text.received_at, source_id=text.id)
    _write(connection, [entry], text.received_at)


def _move(move: Move, message: Any) -> _Entry:
    return _Entry(
        CallbackKind.STATUS,
        message.service_id,
        message.key_type,
        move.at,
        message_id=move.message_id,
        status=move.new,
        reason=move.reason,
    )


def _complaint(heard: Heard, message: Any) -> _Entry:
    return _Entry(
        CallbackKind.COMPLAINT,
        message.service_id,
        message.key_type,
        heard.at,
        message_id=heard.message_id,
        source_id=heard.event_id,
        status=heard.status,
        reason=heard.reason,
    )


def _write(connection: Connection, entries: Sequence[_Entry], now: float) -> None:
    if not entries:
        return
    positions = _positions(connection, Counter(each.service_id for each in entries))
    listening = _listening(connection, {each.service_id for each in entries})
    connection.execute(insert(callbacks), list(_rows(entries, positions, listening, now)))


def _next(statement: sqlite.Insert | postgresql.Insert) -> Any:
    added = {"last": feeds.c.last + statement.excluded.last}
    advanced = statement.on_conflict_do_update(index_elements=["service_id"], set_=added)
    return advanced.returning(feeds.c.service_id, feeds.c.last)


_NEXT = {"postgresql": _next(postgresql.insert(feeds)), "sqlite": _next(sqlite.insert(feeds))}


def _positions(connection: Connection, wanted: Mapping[UUID, int]) -> dict[UUID, Iterator[int]]:
    """So many positions in each service's feed, which is ours until the commit: nobody overtakes us in it."""
    # One order for all writers, or two of them could lock each other out.
    made = [{"service_id": service, "last": number} for service, number in sorted(wanted.items())]
    last = {row.service_id: row.last for row in connection.execute(_NEXT[connection.dialect.name], made)}
    return {service: iter(range(last[service] - number + 1, last[service] + 1)) for service, number in wanted.items()}


_URLS = select(callback_urls.c.service_id, callback_urls.c.kind).where(
    callback_urls.c.service_id.in_(bindparam("services", expanding=True))
)


def _listening(connection: Connection, services: Iterable[UUID]) -> set[tuple[UUID, str]]:
    return {(row.service_id, row.kind) for row in connection.execute(_URLS, {"services": sorted(services)})}


def _rows(
    entries: Sequence[_Entry], positions: Mapping[UUID, Iterator[int]], listening: set[tuple[UUID, str]], now: float
) -> Iterator[dict[str, Any]]:
    for place, entry in enumerate(entries):
        yield {
            # Of our clock, not of `at`: what is learned days late is still told for a whole day.
            "id": new_id(now, place.to_bytes(2, "big") + os.urandom(8)),
            "service_id": entry.service_id,
            "kind": entry.kind.value,
            "message_id": entry.message_id,
            "source_id": entry.source_id,
            "key_type": entry.key_type,
            "position": next(positions[entry.service_id]),
            "status": entry.status.value if entry.status else None,
            "reason": entry.reason,
            "at": entry.at,
            "attempts": 0,
            "available_at": now if (entry.service_id, entry.kind.value) in listening else None,
        }
