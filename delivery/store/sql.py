"""The store on SQLite and PostgreSQL: the same statements, one file."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    BindParameter,
    Connection,
    Insert,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from auth import limits
from config.database import OUTAGES, Database
from config.keyring import Keyring, KeyringError
from delivery.commit import GroupCommit
from delivery.settle import Move, moves
from delivery.store.base import Attempt, Group, History, Outcome, Record, Settlement, StoreUnavailable
from delivery.store.rows import PART_BYTES, Codec
from delivery.store.tables import attempts, contents, counters, messages, queue
from messages.message import Message, new_id
from messages.status import FINAL, Status

_DAY_SECONDS = 86400
_ATTEMPT: BindParameter[Any] = bindparam("b_attempt")
_MESSAGE: BindParameter[Any] = bindparam("b_message")

_RELAYED = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(
        provider_id=bindparam("b_provider_id"),
        sent_at=bindparam("b_at"),
        # An event may have overtaken us and settled it: never backwards.
        status=text("CASE WHEN status = 'created' THEN 'sending' ELSE status END"),
    )
)
_ENDED = (
    update(attempts)
    .where(attempts.c.id == _ATTEMPT)
    .values(ended_at=bindparam("b_at"), outcome=bindparam("b_outcome"), reason=bindparam("b_reason"))
)
_ORPHANED = (
    update(attempts)
    .where(attempts.c.message_id == _MESSAGE, attempts.c.ended_at.is_(None))
    .values(ended_at=bindparam("b_at"), outcome=Outcome.UNKNOWN.value, reason="worker_died")
)
_REMOVED = delete(attempts).where(attempts.c.id == _ATTEMPT)
_UNQUEUED = delete(queue).where(queue.c.message_id == _MESSAGE)
_ATTEMPTED = (
    update(queue)
    .where(queue.c.message_id == _MESSAGE)
    .values(
        attempt_id=_ATTEMPT,
        attempted_at=bindparam("b_at"),
        attempts=bindparam("b_number"),
        parked=False,
        available_at=bindparam("b_lease_until"),
    )
)
# Only the attempt's own end may give the message back: a slow worker must not disturb its successor.
_GIVEN_BACK = (
    update(queue)
    .where(queue.c.message_id == _MESSAGE, queue.c.attempt_id == _ATTEMPT)
    .values(
        attempt_id=None,
        attempted_at=None,
        owner=None,
        parked=False,
        available_at=bindparam("b_until"),
        attempts=queue.c.attempts - bindparam("b_refund"),
    )
)
_PARKED = (
    update(queue)
    .where(queue.c.message_id == _MESSAGE, queue.c.attempt_id == _ATTEMPT)
    .values(owner=None, parked=True, available_at=bindparam("b_until"))
)
_SETTLED = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(status=bindparam("b_status"), completed_at=bindparam("b_at"), reason=bindparam("b_reason"))
)


def _counted(statement: sqlite.Insert | postgresql.Insert) -> Insert:
    """Adds to the counters' rows, or makes them."""
    return statement.on_conflict_do_update(
        index_elements=list(counters.primary_key.columns),
        set_={"messages": counters.c.messages + statement.excluded.messages},
    )


def is_outage(error: Exception) -> bool:
    """Whether the database itself is in trouble, so that trying row by row is pointless."""
    return isinstance(error, OSError | TimeoutError | OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


class SqlStore:
    """Implements delivery.store.base.Store. See there for what each method promises."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._codec = Codec(keyring)
        self._puts: GroupCommit[Group] = GroupCommit(database.transact, self._apply_groups, is_outage=is_outage)
        self._records: GroupCommit[Record] = GroupCommit(database.transact, self._apply_records, is_outage=is_outage)
        self._log = structlog.get_logger("store")
        self._counted = _counted(sqlite.insert(counters) if database.is_sqlite else postgresql.insert(counters))

    async def drain(self) -> None:
        """Returns when all that was submitted is written."""
        await self._puts.drain()
        await self._records.drain()

    # -- the door's side -------------------------------------------------------------------------------------------

    async def put(self, group: Group) -> None:
        try:
            if len(group.content) > PART_BYTES:
                await self._put_large(group)
            await self._puts.submit(group)
        except OUTAGES as error:
            raise StoreUnavailable from error

    async def _put_large(self, group: Group) -> None:
        # Each part in a transaction of its own; a put that fails later leaves orphans, which sweep() takes.
        for row in self._codec.content_rows(group.messages[0].content_id, group.content):
            await self._database.transact(partial(_insert_part, row))

    def _apply_groups(self, connection: Connection, groups: Sequence[Group]) -> Sequence[Exception | None]:
        now = max(group.messages[0].created_at for group in groups)
        verdicts = limits.charge(connection, [(group.charges, len(group.messages)) for group in groups], now)
        accepted = [group for group, refused in zip(groups, verdicts, strict=True) if refused is None]
        if accepted:
            self._insert_groups(connection, accepted)
        return verdicts

    def _insert_groups(self, connection: Connection, groups: Sequence[Group]) -> None:
        small = [
            row
            for group in groups
            if len(group.content) <= PART_BYTES
            for row in self._codec.content_rows(group.messages[0].content_id, group.content)
        ]
        if small:
            connection.execute(insert(contents), small)
        every = [message for group in groups for message in group.messages]
        connection.execute(insert(messages), [self._codec.message_row(message) for message in every])
        connection.execute(insert(queue), [_queue_row(message) for message in every])
        self._count(connection, ((message, Status.CREATED, message.created_at) for message in every))

    def _count(self, connection: Connection, changes: Iterable[tuple[Message | Any, Status, float]]) -> None:
        totals: dict[tuple[UUID, int, str, str, str], int] = {}
        for message, status, at in changes:
            key = (
                message.service_id,
                int(at // _DAY_SECONDS),
                str(message.channel),
                str(message.key_type),
                status.value,
            )
            totals[key] = totals.get(key, 0) + 1
        if not totals:
            return
        names = ("service_id", "day", "channel", "key_type", "status")
        # One order for all writers, or two of them could lock each other out.
        rows = [dict(zip(names, key, strict=True)) | {"messages": n} for key, n in sorted(totals.items())]
        connection.execute(self._counted, rows)

    # -- the worker's side -----------------------------------------------------------------------------------------

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        statement = select(messages).where(messages.c.id.in_(message_ids))
        rows = await self._database.query(lambda connection: connection.execute(statement).all())
        opened = [message for row in rows if (message := self._open(row)) is not None]
        return {message.id: message for message in opened}

    def _open(self, row: Row[Any]) -> Message | None:
        try:
            return self._codec.message(row)
        except (KeyringError, ValueError):  # damaged, or of a newer version: it waits, and keeps nobody else waiting
            self._log.error("store.unreadable", message_id=str(row.id))
            return None

    async def contents(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]:
        statement = select(contents).where(contents.c.id.in_(content_ids)).order_by(contents.c.id, contents.c.part)
        parts: dict[UUID, list[tuple[int, bytes]]] = {}
        for content_id, part, data in await self._database.query(lambda c: c.execute(statement).all()):
            parts.setdefault(content_id, []).append((part, data))
        return {content_id: self._open_content(content_id, found) for content_id, found in parts.items()}

    def _open_content(self, content_id: UUID, parts: Sequence[tuple[int, bytes]]) -> bytes | None:
        try:
            return b"".join(self._codec.content_part(content_id, part, data) for part, data in parts)
        except KeyringError:
            self._log.error("store.unreadable", content_id=str(content_id))
            return None

    async def attempt(self, attempts_: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        return await self._database.transact(partial(self._attempt, attempts_, owner, lease_until))

    def _attempt(
        self, attempts_: Sequence[Attempt], owner: str, lease_until: float, connection: Connection
    ) -> set[UUID]:
        wanted = [attempt.message_id for attempt in attempts_]
        owned = select(queue.c.message_id, queue.c.attempts).where(
            queue.c.message_id.in_(wanted), queue.c.owner == owner
        )
        if not self._database.is_sqlite:
            owned = owned.order_by(queue.c.message_id).with_for_update()
        made = {row.message_id: row.attempts for row in connection.execute(owned)}
        # An owner that claimed it twice (its first lease ran out) has one attempt of that number, not two.
        mine = [attempt for attempt in attempts_ if made.get(attempt.message_id) == attempt.number - 1]
        if again := [attempt for attempt in mine if attempt.number > 1]:
            rows = [{"b_message": attempt.message_id, "b_at": attempt.started_at} for attempt in again]
            connection.execute(_ORPHANED, rows)
        if mine:
            connection.execute(insert(attempts), [_attempt_row(attempt) for attempt in mine])
            connection.execute(_ATTEMPTED, [_lease_row(attempt, lease_until) for attempt in mine])
        return {attempt.message_id for attempt in mine}

    async def record(self, record: Record) -> None:
        await self._records.submit(record)

    def _apply_records(self, connection: Connection, records: Sequence[Record]) -> Sequence[Exception | None]:
        by = {outcome: [record for record in records if record.outcome is outcome] for outcome in Outcome}
        relayed, final = by[Outcome.RELAYED], by[Outcome.FAILED] + by[Outcome.EXPIRED]
        _many(connection, _RELAYED, relayed, "b_message", "b_provider_id", "b_at")
        ended = relayed + by[Outcome.FAILED] + by[Outcome.DEFERRED] + by[Outcome.UNKNOWN]
        _many(connection, _ENDED, ended, "b_attempt", "b_at", "b_outcome", "b_reason")
        _many(connection, _REMOVED, by[Outcome.THROTTLED], "b_attempt")
        given_back = by[Outcome.THROTTLED] + by[Outcome.DEFERRED]
        _many(connection, _GIVEN_BACK, given_back, "b_message", "b_attempt", "b_until", "b_refund")
        _many(connection, _PARKED, by[Outcome.UNKNOWN], "b_message", "b_attempt", "b_until")
        _many(connection, _UNQUEUED, relayed + final, "b_message")
        ends = [Settlement(r.message_id, r.status, r.at, r.reason) for r in relayed if r.status in FINAL and r.status]
        ends += [Settlement(r.message_id, Status.TECHNICAL_FAILURE, r.at, r.reason) for r in final]
        if ends:
            self._settle(connection, ends)
        return [None] * len(records)

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        return await self._database.transact(lambda connection: self._settle(connection, settlements))

    def _settle(self, connection: Connection, settlements: Sequence[Settlement]) -> int:
        columns = (
            messages.c.id,
            messages.c.service_id,
            messages.c.channel,
            messages.c.key_type,
            messages.c.status,
        )
        wanted = sorted({settlement.message_id for settlement in settlements})
        statement = select(*columns).where(messages.c.id.in_(wanted)).order_by(messages.c.id)
        if not self._database.is_sqlite:
            statement = statement.with_for_update()
        rows = {row.id: row for row in connection.execute(statement)}
        taken = moves({message_id: Status(row.status) for message_id, row in rows.items()}, settlements)
        if taken:
            connection.execute(_SETTLED, [_settled_row(move) for move in taken])
            self._count(connection, ((rows[move.message_id], move.new, move.at) for move in taken))
        return len(taken)

    # -- reading ---------------------------------------------------------------------------------------------------

    async def history(self, message_id: UUID) -> History | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(messages).where(messages.c.id == message_id))).one_or_none()
            if row is None:
                return None
            statement = select(attempts).where(attempts.c.message_id == message_id).order_by(attempts.c.number)
            tries = tuple(_attempt(found) for found in await connection.execute(statement))
            waiting = await connection.scalar(select(queue.c.available_at).where(queue.c.message_id == message_id))
        return History(self._codec.message(row), row.reason, tries, waiting)

    async def group(self, group_id: UUID) -> list[UUID]:
        statement = select(messages.c.id).where(messages.c.group_id == group_id).order_by(messages.c.id)
        async with self._database.read() as connection:
            return list(await connection.scalars(statement))

    async def counts(self, service_id: UUID) -> dict[Status, int]:
        statement = (
            select(counters.c.status, func.sum(counters.c.messages))
            .where(counters.c.service_id == service_id, counters.c.key_type != "test")
            .group_by(counters.c.status)
        )
        async with self._database.read() as connection:
            return {Status(status): total for status, total in await connection.execute(statement)}

    async def sweep(self, content_before: float, now: float, limit: int = 500) -> int:
        # Chosen outside the write transaction: nobody waits while we look, and what is chosen can only stay useless.
        async with self._database.read() as connection:
            chosen = list(await connection.scalars(_useless(content_before, now).limit(limit)))
        async with self._database.write() as connection:
            await connection.execute(delete(contents).where(contents.c.id.in_(chosen)))
            await limits.forget(connection, now)
        return len(chosen)


def _useless(content_before: float, now: float) -> Select[tuple[UUID]]:
    """Contents past their time, and those of the last day that no message points at: a crash left them behind."""
    mine = messages.c.content_id == contents.c.id
    queued = select(messages.c.id).join(queue, queue.c.message_id == messages.c.id).where(mine)
    old = contents.c.id < _first_id(content_before)
    recent = contents.c.id.between(_first_id(now - 25 * 3600), _first_id(now - 3600))
    orphan = recent & ~select(messages.c.id).where(mine).exists()
    return select(contents.c.id).where(contents.c.part == 0, (old & ~queued.exists()) | orphan)


def _first_id(at: float) -> UUID:
    return new_id(at, bytes(10))


def _insert_part(row: dict[str, Any], connection: Connection) -> None:
    connection.execute(insert(contents), row)


def _queue_row(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "service_id": message.service_id,
        "rank": message.lane.rank,
        "available_at": message.scheduled_for or message.created_at,
        "owner": None,
        "attempts": 0,
        "attempt_id": None,
        "attempted_at": None,
        "parked": False,
    }


def _many(connection: Connection, statement: Any, records: Sequence[Record], *names: str) -> None:
    if records:
        rows = [{name: value for name, value in _record_row(record).items() if name in names} for record in records]
        connection.execute(statement, rows)


def _record_row(record: Record) -> dict[str, Any]:
    return {
        "b_message": record.message_id,
        "b_attempt": record.attempt_id,
        "b_at": record.at,
        "b_outcome": record.outcome.value,
        "b_reason": record.reason,
        "b_provider_id": record.provider_id,
        "b_until": record.until,
        "b_refund": 1 if record.outcome is Outcome.THROTTLED else 0,
    }


def _settled_row(move: Move) -> dict[str, Any]:
    return {"b_message": move.message_id, "b_status": move.new.value, "b_at": move.at, "b_reason": move.reason}


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    names = ("id", "message_id", "number", "provider", "started_at")
    return {name: getattr(attempt, name) for name in names}


def _lease_row(attempt: Attempt, lease_until: float) -> dict[str, Any]:
    return {
        "b_message": attempt.message_id,
        "b_attempt": attempt.id,
        "b_number": attempt.number,
        "b_at": attempt.started_at,
        "b_lease_until": lease_until,
    }


def _attempt(row: Any) -> Attempt:
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Attempt(row.id, row.message_id, row.number, row.provider, row.started_at, row.ended_at, outcome, row.reason)
