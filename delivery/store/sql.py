"""The store on SQLite and PostgreSQL, with the same statements: who writes what stands in the files beside it.

putting.py, repeating.py: doors · attempting.py: workers · settling.py: statuses · finding.py: searches ·
rows.py: encryption.
"""

from collections.abc import Collection, Sequence
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, tuple_
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from auth import limits
from config.database import OUTAGES, Database
from config.keyring import Keyring, KeyringError
from delivery.commit import GroupCommit
from delivery.store import attempting, finding, putting, repeating, settling
from delivery.store.base import (
    Attempt,
    CallbackRecord,
    Event,
    Found,
    Group,
    History,
    Learned,
    Moved,
    Outcome,
    Record,
    Repeated,
    Search,
    Settlement,
    StoreUnavailable,
)
from delivery.store.rows import PART_BYTES, Codec
from delivery.store.tables import attempts, callbacks, contents, counters, events, idempotency, messages, queue
from messages.address import Address
from messages.message import IdempotencyKey, Message, new_id
from messages.status import Status

_AT_ONCE = 500  # rows that one write transaction settles or drops: a few milliseconds
_PARTS_AT_ONCE = 4  # 1 MiB of content, as quick; one part each cost half as much again in transactions


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
        self._puts: GroupCommit[Group, tuple[Message, ...]] = GroupCommit(
            database.transact, self._apply_groups, is_outage=is_outage
        )
        self._records: GroupCommit[Record, None] = GroupCommit(database.transact, _apply_records, is_outage=is_outage)
        self._log = structlog.get_logger("store")

    async def drain(self) -> None:
        """Returns when all that was submitted is written."""
        await self._puts.drain()
        await self._records.drain()

    # -- the door's side -------------------------------------------------------------------------------------------

    async def put(self, group: Group) -> tuple[Message, ...]:
        try:
            if len(group.content) > PART_BYTES:
                await self._put_large(group)
            return await self._puts.submit(group)
        except OUTAGES as error:
            raise StoreUnavailable from error

    async def _put_large(self, group: Group) -> None:
        first, recipients = group.messages[0], [message.recipient for message in group.messages]
        if group.idempotency and (known := await self.repeated(first.service_id, group.idempotency, recipients)):
            raise known
        # A few parts in a transaction of their own; a put that fails later leaves orphans, which sweep() takes.
        parts = self._codec.content_rows(first.content_id, group.content)
        while some := list(islice(parts, _PARTS_AT_ONCE)):
            await self._database.transact(partial(_insert_parts, some))

    def _apply_groups(self, connection: Connection, groups: Sequence[Group]) -> Sequence[putting.Stored | Exception]:
        return putting.put(connection, self._codec, groups)

    async def repeated(self, service_id: UUID, key: IdempotencyKey, recipients: Sequence[Address]) -> Repeated | None:
        return await self._database.query(lambda c: repeating.repeated(c, self._codec, service_id, key, recipients))

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

    async def sent_as(self, message: Message, originals: Sequence[str]) -> dict[str, str]:
        hashes = self._codec.recipient_hashes(message.recipient.key)
        statement = finding.sent_as(message.service_id, hashes, originals)
        rows = await self._database.query(lambda connection: connection.execute(statement).all())
        return {
            row.original_message_id: row.provider_id for row in reversed(rows) if row.original_message_id in originals
        }

    async def attempt(self, attempts_: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        return await self._database.transact(lambda c: attempting.attempt(c, attempts_, owner, lease_until))

    async def record(self, record: Record) -> None:
        await self._records.submit(record)

    # -- what is learned later -------------------------------------------------------------------------------------

    async def settle(self, settlements: Sequence[Settlement]) -> tuple[Moved, ...]:
        return await self._database.transact(lambda connection: settling.settle(connection, settlements))

    async def learn(self, told: Sequence[Event], now: float) -> Learned:
        return await self._database.transact(lambda connection: settling.learn(connection, self._codec, told, now))

    async def match_parked(self, now: float) -> tuple[Moved, ...]:
        # Chosen outside the write transaction, as in time_out.
        async with self._database.read() as connection:
            matches = (await connection.execute(settling.matches(_AT_ONCE))).all()
            old = list(await connection.scalars(settling.parked_too_long(now, _AT_ONCE)))
        if not (matches or old):
            return ()
        return await self._database.transact(lambda connection: settling.match_parked(connection, matches, old))

    async def time_out(self, sent_before: float, now: float, limit: int = _AT_ONCE) -> tuple[Moved, ...]:
        # Chosen outside the write transaction: nobody waits while we look, and whoever moved meanwhile stays moved.
        async with self._database.read() as connection:
            chosen = list(await connection.scalars(settling.overdue(sent_before, limit)))
        if not chosen:
            return ()
        return await self._database.transact(lambda connection: settling.time_out(connection, chosen, now))

    # -- reading ---------------------------------------------------------------------------------------------------

    async def find(self, search: Search, limit: int) -> list[Found]:
        hashes = self._codec.recipient_hashes(search.recipient) if search.recipient is not None else ()
        statement = finding.statement(search, hashes, limit)
        rows = await self._database.query(lambda connection: connection.execute(statement).all())
        return [Found(message, row.reason) for row in rows if (message := self._open(row)) is not None]

    async def history(self, message_id: UUID) -> History | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(messages).where(messages.c.id == message_id))).one_or_none()
            if row is None:
                return None
            statement = select(attempts).where(attempts.c.message_id == message_id).order_by(attempts.c.number)
            tries = tuple(_attempt(found) for found in await connection.execute(statement))
            waiting = await connection.scalar(select(queue.c.available_at).where(queue.c.message_id == message_id))
            in_order = (
                select(events).where(events.c.message_id == message_id).order_by(events.c.at, events.c.received_at)
            )
            told = tuple(self._codec.event(found) for found in await connection.execute(in_order))
            calls = select(callbacks).where(callbacks.c.message_id == message_id).order_by(callbacks.c.id)
            called = tuple(_callback(found) for found in await connection.execute(calls))
        return History(self._codec.message(row), row.reason, tries, waiting, told, called)

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
            return {Status(status): total for status, total in await connection.execute(statement) if total}

    async def sweep(self, content_before: float, now: float, limit: int = _AT_ONCE) -> int:
        # Chosen outside the write transaction: nobody waits while we look, and what is chosen can only stay useless.
        async with self._database.read() as connection:
            chosen = list(await connection.scalars(_useless(content_before, now).limit(limit)))
        if chosen:
            async with self._database.write() as connection:
                await connection.execute(delete(contents).where(contents.c.id.in_(chosen)))
        return len(chosen)

    async def forget(self, before: float, now: float, limit: int = _AT_ONCE) -> int:
        keys = select(*idempotency.primary_key).where(idempotency.c.created_at < before).limit(limit)
        ended = callbacks.c.available_at.is_(None) & (callbacks.c.id < _first_id(before))
        told = select(callbacks.c.id).where(ended).limit(limit)
        async with self._database.write() as connection:
            old_keys = delete(idempotency).where(tuple_(*idempotency.primary_key).in_(keys))
            gone = (await connection.execute(old_keys)).rowcount
            gone += (await connection.execute(delete(callbacks).where(callbacks.c.id.in_(told)))).rowcount
            await limits.forget(connection, now)
        return gone


def _apply_records(connection: Connection, records: Sequence[Record]) -> Sequence[Exception | None]:
    attempting.record(connection, records)
    return [None] * len(records)


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


def _insert_parts(rows: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(contents), rows)


def _attempt(row: Any) -> Attempt:
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Attempt(row.id, row.message_id, row.number, row.provider, row.started_at, row.ended_at, outcome, row.reason)


def _callback(row: Any) -> CallbackRecord:
    return CallbackRecord(Status(row.status), row.at, row.attempts, row.available_at, row.ended_at, row.outcome)
