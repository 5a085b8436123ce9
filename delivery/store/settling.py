"""Where statuses change: settlements and events, inside the store's write transaction.

The moves themselves are decided in delivery/settle.py; here status, counters and callback rows are written together.
"""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import BindParameter, Connection, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from delivery.settle import Move, moves
from delivery.store.base import Event, Fate, Learned, Moved, Outcome, Settlement
from delivery.store.rows import Codec
from delivery.store.tables import attempts, callback_urls, callbacks, counters, events, messages, queue
from messages.message import Channel, KeyType, Lane, new_id
from messages.status import FINAL, Status

_DAY_SECONDS = 86400
PARKED_SECONDS = _DAY_SECONDS  # then an event that is nobody's goes
TIMED_OUT = "no-event"  # the reason of a message of which the provider told no end
# How long before it was sent a message was made, at most: scheduled four days ahead, waiting three; or we were away.
_TIME_OUT_WINDOW_SECONDS = 8 * _DAY_SECONDS

_MESSAGE: BindParameter[Any] = bindparam("b_message")
_SETTLED = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(status=bindparam("b_status"), completed_at=bindparam("b_at"), reason=bindparam("b_reason"))
)
_TAKEN = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(
        provider_id=func.coalesce(messages.c.provider_id, bindparam("b_provider_id")),
        sent_at=func.coalesce(messages.c.sent_at, bindparam("b_at")),
        status=case((messages.c.status == Status.CREATED.value, Status.SENDING.value), else_=messages.c.status),
    )
)
_ADOPTED = (
    update(attempts)
    .where(
        attempts.c.id == bindparam("b_attempt"),
        attempts.c.message_id == _MESSAGE,
        or_(attempts.c.outcome.is_(None), attempts.c.outcome == Outcome.UNKNOWN.value),
    )
    .values(ended_at=bindparam("b_at"), outcome=Outcome.RELAYED.value, reason=None)
)
# Also while another attempt is under way: whatever comes of that one, it is the last.
_OUT_OF_QUEUE = delete(queue).where(queue.c.message_id == _MESSAGE)


def _counted(statement: sqlite.Insert | postgresql.Insert) -> Any:
    """Adds to the counters' rows, or makes them."""
    return statement.on_conflict_do_update(
        index_elements=list(counters.primary_key.columns),
        set_={"messages": counters.c.messages + statement.excluded.messages},
    )


_COUNTED = {"postgresql": _counted(postgresql.insert(counters)), "sqlite": _counted(sqlite.insert(counters))}


def _kept(statement: sqlite.Insert | postgresql.Insert) -> Any:
    """The events that are new, or were nobody's until now: told once without our tags, once with them."""
    owner = statement.excluded.message_id
    return statement.on_conflict_do_update(
        index_elements=[events.c.id],
        set_={"message_id": owner},
        where=events.c.message_id.is_(None) & owner.is_not(None),
    ).returning(events.c.id)


_KEPT = {"postgresql": _kept(postgresql.insert(events)), "sqlite": _kept(sqlite.insert(events))}


class Counted(Protocol):
    """What a message is counted by: a Message, or a row of one."""

    @property
    def service_id(self) -> UUID: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def key_type(self) -> KeyType: ...


def count(connection: Connection, changes: Iterable[tuple[Counted, Status, float, int]]) -> None:
    """Adds to the counters: for each message a status, the time that names the day, and 1 or -1."""
    totals: dict[tuple[UUID, int, str, str, str], int] = {}
    for message, status, at, number in changes:
        day = int(at // _DAY_SECONDS)
        key = (message.service_id, day, str(message.channel), str(message.key_type), status.value)
        totals[key] = totals.get(key, 0) + number
    if not totals:
        return
    names = ("service_id", "day", "channel", "key_type", "status")
    # One order for all writers, or two of them could lock each other out.
    rows = [dict(zip(names, key, strict=True)) | {"messages": n} for key, n in sorted(totals.items())]
    connection.execute(_COUNTED[connection.dialect.name], rows)


def settle(connection: Connection, settlements: Sequence[Settlement]) -> tuple[Moved, ...]:
    """Writes the moves that the table of legal moves allows; returns them."""
    rows = locked(connection, {settlement.message_id for settlement in settlements})
    taken = moves({message_id: Status(row.status) for message_id, row in rows.items()}, settlements)
    if not taken:
        return ()
    connection.execute(_SETTLED, [_settled_row(move) for move in taken])
    count(connection, _counter_changes(taken, rows))
    _tell(connection, taken, rows)
    return tuple(_moved(move, rows[move.message_id]) for move in taken)


def locked(connection: Connection, message_ids: set[UUID]) -> dict[UUID, Any]:
    """The messages' rows, nobody else's to write until the transaction ends.

    Whoever writes several messages takes them here first, in one order, then what hangs on them: queue, attempts,
    counters. So nobody waits in a ring.
    """
    c = messages.c
    columns = (c.id, c.service_id, c.channel, c.key_type, c.lane, c.status, c.provider_id, c.created_at, c.completed_at)
    statement = select(*columns).where(c.id.in_(sorted(message_ids))).order_by(c.id)
    if connection.dialect.name == "postgresql":
        statement = statement.with_for_update()
    rows: list[Any] = list(connection.execute(statement))
    return {row.id: row for row in rows}


def _counter_changes(taken: Sequence[Move], rows: Mapping[UUID, Any]) -> Iterable[tuple[Counted, Status, float, int]]:
    """A message stands under one end at most: a bounce after a delivery takes the delivery's count back."""
    ended = {message_id: row.completed_at for message_id, row in rows.items()}
    for move in taken:
        row = rows[move.message_id]
        if move.old in FINAL and ended[move.message_id] is not None:
            yield row, move.old, ended[move.message_id], -1
        yield row, move.new, move.at, 1
        ended[move.message_id] = move.at


def _tell(connection: Connection, taken: Sequence[Move], rows: Mapping[UUID, Any]) -> None:
    """A callback row for each move of a message whose service has a callback URL."""
    services = sorted({rows[move.message_id].service_id for move in taken})
    wanted = select(callback_urls.c.service_id).where(callback_urls.c.service_id.in_(services))
    listening = set(connection.scalars(wanted))
    told = [move for move in taken if rows[move.message_id].service_id in listening]
    if told:
        now = time.time()
        rows_ = [_callback_row(now, place, move, rows[move.message_id]) for place, move in enumerate(told)]
        connection.execute(insert(callbacks), rows_)


def learn(connection: Connection, codec: Codec, told: Sequence[Event], now: float) -> Learned:
    """See Store.learn."""
    owners = _owners(connection, told)
    rows = {event.id: codec.event_row(event, owners.get(event.id), now) for event in told}
    in_order = [rows[event_id] for event_id in sorted(rows)]
    kept = set(connection.scalars(_KEPT[connection.dialect.name], in_order))
    fresh: dict[UUID, Event] = {}
    fates = []
    for event in told:
        first = event.id in kept and event.id not in fresh
        if first:
            fresh[event.id] = event
        fates.append(Fate.REPEATED if not first else Fate.KEPT if event.id in owners else Fate.PARKED)
    ours = [(owners[event.id], event) for event in fresh.values() if event.id in owners]
    known = locked(connection, {owner for owner, _ in ours})
    _adopt(connection, [(owner, event) for owner, event in ours if known[owner].provider_id is None])
    ends = [Settlement(owner, event.status, event.at, event.reason) for owner, event in ours if event.status in FINAL]
    moved = settle(connection, ends) if ends else ()
    moving = {(each.message_id, each.status, each.at) for each in moved}
    for at, event in enumerate(told):
        if fates[at] is Fate.KEPT and (owners[event.id], event.status, event.at) in moving:
            fates[at] = Fate.SETTLED
    return Learned(tuple(fates), moved)


def _owners(connection: Connection, told: Sequence[Event]) -> dict[UUID, UUID]:
    """The message of each event that has one, by event id."""
    c = messages.c
    tagged = {event.message_id for event in told if event.message_id}
    by_tag = set(connection.scalars(select(c.id).where(c.id.in_(tagged))))
    others = {event.provider_id for event in told if event.message_id not in by_tag}
    found = connection.execute(select(c.provider_id, c.id).where(c.provider_id.in_(others))) if others else ()
    by_provider_id = {row.provider_id: row.id for row in found}
    owners: dict[UUID, UUID] = {}
    for event in told:
        if event.message_id in by_tag and event.message_id is not None:
            owners[event.id] = event.message_id
        elif event.provider_id in by_provider_id:
            owners[event.id] = by_provider_id[event.provider_id]
    return owners


def _adopt(connection: Connection, told: Sequence[tuple[UUID, Event]]) -> None:
    """An event overtook our own record, or replaces one that was lost: the message left, and is not sent again."""
    rows = [
        {"b_message": owner, "b_attempt": event.attempt_id, "b_provider_id": event.provider_id, "b_at": event.at}
        for owner, event in sorted(told, key=lambda pair: pair[0])
    ]
    if rows:
        _execute(connection, _TAKEN, rows, "b_message", "b_provider_id", "b_at")
        _execute(connection, _OUT_OF_QUEUE, rows, "b_message")
        _execute(connection, _ADOPTED, rows, "b_attempt", "b_message", "b_at")


def _execute(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]], *names: str) -> None:
    connection.execute(statement, [{name: row[name] for name in names} for row in rows])


def matches(limit: int) -> Any:
    """Parked events whose message is known by now, each with that message."""
    columns = (events.c.id, events.c.status, events.c.reason, events.c.at, messages.c.id.label("owner"))
    joined = select(*columns).join_from(events, messages, messages.c.provider_id == events.c.provider_id)
    return joined.where(events.c.message_id.is_(None)).order_by(events.c.id).limit(limit)


def parked_too_long(now: float, limit: int) -> Any:
    """Events that are nobody's, and will stay so."""
    old = events.c.message_id.is_(None) & (events.c.received_at < now - PARKED_SECONDS)
    return select(events.c.id).where(old).limit(limit)


def match_parked(connection: Connection, matched: Sequence[Any], old: Sequence[UUID]) -> tuple[Moved, ...]:
    """See Store.match_parked; what it found by `matches` and `parked_too_long`."""
    still = events.c.message_id.is_(None)  # somebody else may have been quicker
    if matched:
        given = update(events).where(events.c.id == bindparam("b_event"), still).values(message_id=_MESSAGE)
        connection.execute(given, [{"b_event": row.id, "b_message": row.owner} for row in matched])
    connection.execute(delete(events).where(events.c.id.in_(old), still))
    ends = [Settlement(row.owner, Status(row.status), row.at, row.reason) for row in matched if row.status]
    return settle(connection, ends) if ends else ()


def overdue(sent_before: float, limit: int) -> Any:
    """The messages that Store.time_out settles."""
    c = messages.c
    window = c.id.between(new_id(sent_before - _TIME_OUT_WINDOW_SECONDS, bytes(10)), new_id(sent_before, bytes(10)))
    waiting = (c.status == Status.SENDING.value) & (c.sent_at < sent_before)
    return select(c.id).where(window, waiting).order_by(c.id).limit(limit)


def time_out(connection: Connection, message_ids: Sequence[UUID], now: float) -> tuple[Moved, ...]:
    """See Store.time_out."""
    return settle(connection, [Settlement(each, Status.TEMPORARY_FAILURE, now, TIMED_OUT) for each in message_ids])


def _settled_row(move: Move) -> dict[str, Any]:
    return {"b_message": move.message_id, "b_status": move.new.value, "b_at": move.at, "b_reason": move.reason}


def _callback_row(now: float, place: int, move: Move, message: Any) -> dict[str, Any]:
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


def _moved(move: Move, message: Any) -> Moved:
    return Moved(
        message_id=move.message_id,
        service_id=message.service_id,
        channel=Channel(message.channel),
        lane=Lane(message.lane),
        status=move.new,
        created_at=message.created_at,
        at=move.at,
        reason=move.reason,
    )
