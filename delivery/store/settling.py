"""What is learned of messages after they left: events that providers tell, and ends that nobody told."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Double, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from config.database import Database
from delivery.store import sent_index
from delivery.store.base import Event, EventKind, Fate, Learned, Miscount, Moved, Outcome, Settlement
from delivery.store.moving import Follower, Heard, advanced, locked, settle, write
from delivery.store.nobody import drop_words
from delivery.store.rows import Codec
from delivery.store.tables import attempts, events, messages, queue
from messages.message import first_id
from messages.status import FINAL, Status

_AT_ONCE = 500  # rows that one write transaction settles or drops: a few milliseconds
_DAY_SECONDS = 86400
_PARKED_SECONDS = _DAY_SECONDS  # then an event that is nobody's goes
_TIMED_OUT = "no-event"  # the reason of a message of which the provider told no end
# How long before it was sent a message was made, at most: scheduled four days ahead, waiting three; or we were away.
_TIME_OUT_WINDOW_SECONDS = 8 * _DAY_SECONDS

_MESSAGE: BindParameter[Any] = bindparam("b_message")
_TAKEN = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(
        provider_id=func.coalesce(messages.c.provider_id, bindparam("b_provider_id")),
        sent_at=func.coalesce(messages.c.sent_at, bindparam("b_at")),
        status=advanced(Status.SENDING),
    )
)
_AT: BindParameter[Any] = bindparam("b_at", type_=Double)
_TAKEN_BY = update(messages).where(messages.c.id == _MESSAGE, messages.c.sent_at > _AT).values(sent_at=_AT)
_ADOPTED = (
    update(attempts)
    .where(
        attempts.c.id == bindparam("b_attempt"),
        attempts.c.message_id == _MESSAGE,
        or_(attempts.c.outcome.is_(None), attempts.c.outcome == Outcome.UNKNOWN.value),
    )
    .values(ended_at=bindparam("b_at"), outcome=Outcome.RELAYED.value, reason=None)
)
# Of an owner that died, as a rule; one that lives writes down over it what its provider said.
_GIVEN_UP = (
    update(attempts)
    .where(
        attempts.c.message_id == _MESSAGE,
        attempts.c.ended_at.is_(None),
        attempts.c.id != bindparam("b_attempt"),
    )
    .values(ended_at=bindparam("b_at"), outcome=Outcome.UNKNOWN.value, reason="worker_died")
)
# Also while another attempt is under way: whatever comes of that one, it is the last.
_OUT_OF_QUEUE = delete(queue).where(queue.c.message_id == _MESSAGE)


def _kept(statement: sqlite.Insert | postgresql.Insert) -> Any:
    """The events that are new, or were nobody's until now: told once without our tags, once with them."""
    owner = statement.excluded.message_id
    return statement.on_conflict_do_update(
        index_elements=[events.c.id],
        set_={"message_id": owner},
        where=events.c.message_id.is_(None) & owner.is_not(None),
    ).returning(events.c.id)


_KEPT = {"postgresql": _kept(postgresql.insert(events)), "sqlite": _kept(sqlite.insert(events))}


class Settling:
    """Held by the process that hears from providers."""

    def __init__(self, database: Database, codec: Codec, followers: Sequence[Follower]) -> None:
        self._database = database
        self._codec = codec
        self._followers = followers

    async def learn(self, events: Sequence[Event], now: float) -> Learned:
        """Keeps what providers tell, each event once, and settles what it says; all in one transaction.

        An event also proves that its attempt was taken: the message leaves the queue, and is not sent again however
        another attempt that is under way ends. One whose message is not known is parked.
        """
        return await self._database.transact(
            lambda connection: _learn(connection, self._codec, self._followers, events, now)
        )

    async def match_parked(self, now: float) -> tuple[Moved, ...]:
        """Gives parked events to messages that are known by now, and drops those parked for longer than a day.

        A limited number of each: what is left is for the next call.
        """
        # Chosen outside the write transaction, as in time_out.
        async with self._database.read() as connection:
            matched = (await connection.execute(_matches(_AT_ONCE))).all()
            old = list(await connection.scalars(_parked_too_long(now, _AT_ONCE)))
        if not (matched or old):
            return ()
        return await self._database.transact(
            lambda connection: _match(connection, self._codec, self._followers, matched, old)
        )

    async def time_out(self, sent_before: float, now: float, limit: int = _AT_ONCE) -> tuple[Moved, ...]:
        """Settles as temporary-failure at most `limit` messages sent before then of which no end was ever told."""
        # Chosen outside the write transaction: nobody waits while we look, and whoever moved meanwhile stays moved.
        async with self._database.read() as connection:
            chosen = list(await connection.scalars(_overdue(sent_before, limit)))
        if not chosen:
            return ()
        ends = [Settlement(each, Status.TEMPORARY_FAILURE, now, _TIMED_OUT) for each in chosen]
        return await self._database.transact(
            lambda connection: settle(connection, locked(connection, chosen), ends, self._followers)
        )


def _learn(
    connection: Connection, codec: Codec, followers: Sequence[Follower], told: Sequence[Event], now: float
) -> Learned:
    owners = _owners(connection, told)
    gone = sent_index.find(connection, {event.provider_id for event in told if event.id not in owners})
    rows = {event.id: codec.event_row(event, owners.get(event.id), now) for event in told}
    in_order = [rows[event_id] for event_id in sorted(rows)]
    kept = set(connection.scalars(_KEPT[connection.dialect.name], in_order))
    fresh: dict[UUID, Event] = {}
    fates = []
    for event in told:
        first = event.id in kept and event.id not in fresh
        if first:
            fresh[event.id] = event
        known = event.id in owners or event.provider_id in gone
        fates.append(Fate.REPEATED if not first else Fate.KEPT if known else Fate.PARKED)
    ours = [(owners[event.id], event) for event in fresh.values() if event.id in owners]
    moved, miscounts = _apply(connection, codec, followers, ours)
    late = [(gone[event.provider_id], event) for event in fresh.values() if event.provider_id in gone]
    _hear_late(connection, codec, followers, late)
    moving = {(each.message_id, each.status, each.at) for each in moved}
    for at, event in enumerate(told):
        if fates[at] is Fate.KEPT and (owners.get(event.id), event.status, event.at) in moving:
            fates[at] = Fate.SETTLED
    return Learned(tuple(fates), moved, miscounts)


def _apply(
    connection: Connection, codec: Codec, followers: Sequence[Follower], ours: Sequence[tuple[UUID, Event]]
) -> tuple[tuple[Moved, ...], tuple[Miscount, ...]]:
    """What follows from new events of messages that are known."""
    if not ours:
        return (), ()
    rows = locked(connection, [owner for owner, _ in ours])
    # Behind the lock: whoever forgets a person takes it, too, and the words of events that stand there by then.
    drop_words(connection, codec, ((event.id, rows[owner].recipient_hash) for owner, event in ours))
    overtook = [(owner, event) for owner, event in ours if rows[owner].provider_id is None]
    _adopt(connection, overtook)
    # The provider tells an end by its clock, and we noted its answer a little later.
    early = [(owner, each.at) for owner, each in ours if each.status and (rows[owner].sent_at or 0) > each.at]
    write(connection, _TAKEN_BY, [{"b_message": owner, "b_at": at} for owner, at in early], "b_message", "b_at")
    heard = [Heard(owner, each.id, each.kind, each.at, each.status, each.reason, each.several) for owner, each in ours]
    moved = settle(connection, rows, _ends(heard), followers, {owner for owner, _ in overtook}, heard)
    return moved, _miscounts(rows, ours)


def _hear_late(
    connection: Connection,
    codec: Codec,
    followers: Sequence[Follower],
    late: Sequence[tuple[sent_index.Sent, Event]],
) -> None:
    """Of messages whose rows are retired: nothing moves, but who follows hears. Its event goes as a parked one does."""
    if late:
        heard = [
            Heard(sent.id, each.id, each.kind, each.at, each.status, each.reason, each.several) for sent, each in late
        ]
        drop_words(connection, codec, ((event.id, sent.recipient_hash) for sent, event in late))
        for follow in followers:
            follow(connection, (), heard, {sent.id: sent for sent, _ in late})


def _ends(heard: Sequence[Heard]) -> list[Settlement]:
    return [Settlement(h.message_id, h.status, h.at, h.reason) for h in heard if h.status in FINAL and h.status]


def _miscounts(rows: Mapping[UUID, Any], ours: Sequence[tuple[UUID, Event]]) -> tuple[Miscount, ...]:
    """Told at the end of a text, where both have counted."""
    ended = [(owner, event.carriage) for owner, event in ours if event.carriage and event.status in FINAL]
    counted = ((owner, rows[owner].billable_units, carriage.parts) for owner, carriage in ended if carriage.parts)
    return tuple(Miscount(owner, units, parts) for owner, units, parts in counted if units and units != parts)


def _owners(connection: Connection, told: Sequence[Event]) -> dict[UUID, UUID]:
    """The message of each event that has one, by event id. What is new of them is locked later, all in one order."""
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
    write(connection, _TAKEN, rows, "b_message", "b_provider_id", "b_at")
    write(connection, _OUT_OF_QUEUE, rows, "b_message")
    write(connection, _ADOPTED, rows, "b_attempt", "b_message", "b_at")
    write(connection, _GIVEN_UP, rows, "b_attempt", "b_message", "b_at")


def _matches(limit: int) -> Any:
    """Parked events whose message is known by now, each with that message."""
    c = events.c
    columns = (c.id, c.kind, c.status, c.reason, c.several, c.at, messages.c.id.label("owner"))
    joined = select(*columns).join_from(events, messages, messages.c.provider_id == events.c.provider_id)
    return joined.where(events.c.message_id.is_(None)).order_by(events.c.id).limit(limit)


def _parked_too_long(now: float, limit: int) -> Any:
    """Events that are nobody's, and will stay so."""
    old = events.c.message_id.is_(None) & (events.c.received_at < now - _PARKED_SECONDS)
    return select(events.c.id).where(old).limit(limit)


def _match(
    connection: Connection,
    codec: Codec,
    followers: Sequence[Follower],
    matched: Sequence[Row[Any]],
    old: Sequence[UUID],
) -> tuple[Moved, ...]:
    still = events.c.message_id.is_(None)  # somebody else may have been quicker
    parked = select(events.c.id).where(events.c.id.in_([row.id for row in matched]), still).order_by(events.c.id)
    if connection.dialect.name == "postgresql":
        parked = parked.with_for_update()
    ours = set(connection.scalars(parked)) if matched else set()
    given = update(events).where(events.c.id == bindparam("b_event")).values(message_id=_MESSAGE)
    taken = [row for row in matched if row.id in ours]
    write(connection, given, [{"b_event": row.id, "b_message": row.owner} for row in taken], "b_event", "b_message")
    connection.execute(delete(events).where(events.c.id.in_(old), still))
    heard = [_heard(row) for row in taken]
    rows = locked(connection, [row.owner for row in taken])
    drop_words(connection, codec, ((row.id, rows[row.owner].recipient_hash) for row in taken if row.owner in rows))
    return settle(connection, rows, _ends(heard), followers, heard=heard)


def _heard(row: Row[Any]) -> Heard:
    status = None if row.status is None else Status(row.status)
    return Heard(row.owner, row.id, EventKind(row.kind), row.at, status, row.reason, row.several)


def _overdue(sent_before: float, limit: int) -> Any:
    """The messages that time_out settles."""
    c = messages.c
    window = c.id.between(first_id(sent_before - _TIME_OUT_WINDOW_SECONDS), first_id(sent_before))
    waiting = (c.status == Status.SENDING.value) & (c.sent_at < sent_before)
    return select(c.id).where(window, waiting).order_by(c.id).limit(limit)
