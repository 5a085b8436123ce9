"""Where statuses move, inside somebody's write transaction: status, counts and what follows change together.

The only place that decides a final status: from provider outcomes, events, silence and failure. Which moves are legal
stands in messages.status.MOVES; who follows is not known here (delivery/followers.py).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    Text,
    bindparam,
    case,
    false,
    literal_column,
    or_,
    select,
    update,
)

from delivery.figures.counting import Counted, count
from delivery.store.base import EventKind, Moved, Settlement
from delivery.store.tables import messages
from messages.message import Channel, Lane
from messages.status import FINAL, MOVES, Status, advance

_MESSAGE: BindParameter[Any] = bindparam("b_message")
_SETTLED = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(status=bindparam("b_status"), completed_at=bindparam("b_at"), reason=bindparam("b_reason"))
)


@dataclass(frozen=True, slots=True)
class Move:
    """A message whose status changes."""

    message_id: UUID
    old: Status
    new: Status
    at: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """A new event of a message that is known, whether it moves its status or not."""

    message_id: UUID
    event_id: UUID
    kind: EventKind
    at: float
    status: Status | None
    reason: str | None
    several: bool = False  # it names more than one recipient


class Follower(Protocol):
    """What else is written when statuses move and events are heard, in the same transaction.

    It may lock rows that hang on one message alone, and then, in their order, those of services that nobody else locks:
    the queue's and the attempts' may still be written behind it. It is called once: what it locks, it locks in order.
    """

    def __call__(
        self, connection: Connection, moves: Sequence[Move], heard: Sequence[Heard], rows: Mapping[UUID, Any], /
    ) -> None:
        """`rows` are those of `locked` for the messages of both; of what was heard of a retired one its `Sent`."""


def advanced(new: Status) -> ColumnElement[str]:
    """messages.status.advance for a message's row, where it is written without having been read."""
    status, before = messages.c.status, [old for old, following in MOVES.items() if new in following]
    # Literals: as parameters they would be bound once more for every row of a batch.
    moving = or_(false(), *(status == _literal(old) for old in before))
    return case((moving, _literal(new)), else_=status)


def _literal(status: Status) -> ColumnElement[str]:
    return literal_column(f"'{status.value}'", Text)


def settle(
    connection: Connection,
    rows: Mapping[UUID, Any],
    settlements: Sequence[Settlement],
    followers: Sequence[Follower],
    sent: Collection[UUID] = (),
    heard: Sequence[Heard] = (),
) -> tuple[Moved, ...]:
    """Writes the moves that the table of legal moves allows, and what follows from them and from what was heard.

    Returns the moves. `rows` are of `locked`; `sent` are the messages among them that were moved on to sending since.
    """
    status = {message_id: Status(row.status) for message_id, row in rows.items()}
    status |= {message_id: advance(status[message_id], Status.SENDING) for message_id in status.keys() & set(sent)}
    taken = moves(status, settlements)
    if taken:
        connection.execute(_SETTLED, [_settled_row(move) for move in taken])
        count(connection, _count_changes(taken, rows))
    if taken or heard:
        for follow in followers:  # last, in one order: what they lock comes after all that is locked here
            follow(connection, taken, heard, rows)
    return tuple(_moved(move, rows[move.message_id]) for move in taken)


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


def write(connection: Connection, statement: Executable, rows: Iterable[Mapping[str, Any]], *names: str) -> None:
    """The statement once for each row, with the values of these names alone: it would refuse any that it lacks."""
    if values := [{name: row[name] for name in names} for row in rows]:
        connection.execute(statement, values)


def locked(connection: Connection, message_ids: Collection[UUID]) -> dict[UUID, Any]:
    """The messages' rows, nobody else's to write until the transaction ends.

    Whoever writes several messages takes them here first, in one order, then what hangs on them: queue, attempts. So
    nobody waits in a ring.
    """
    c = messages.c
    kinds = (c.service_id, c.channel, c.door, c.key_type, c.key_id, c.template_id, c.lane, c.billable_units)
    times = (c.created_at, c.sent_at, c.completed_at)
    columns = (c.id, *kinds, c.notify, c.status, c.provider_id, *times, c.recipient_hash)
    statement = select(*columns).where(c.id.in_(sorted(set(message_ids)))).order_by(c.id)
    if connection.dialect.name == "postgresql":
        statement = statement.with_for_update()
    rows: list[Any] = list(connection.execute(statement))
    return {row.id: row for row in rows}


def _count_changes(taken: Sequence[Move], rows: Mapping[UUID, Any]) -> Iterable[tuple[Counted, Status, int]]:
    """A message stands under one end at most: a bounce after a delivery takes the delivery's count back."""
    ended = {message_id for message_id, row in rows.items() if row.completed_at is not None}
    for move in taken:
        row = rows[move.message_id]
        if move.old in FINAL and move.message_id in ended:
            yield row, move.old, -1
        yield row, move.new, 1
        ended.add(move.message_id)


def _settled_row(move: Move) -> dict[str, Any]:
    return {"b_message": move.message_id, "b_status": move.new.value, "b_at": move.at, "b_reason": move.reason}


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
