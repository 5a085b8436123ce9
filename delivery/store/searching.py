"""What messages are looked for: every search is led by an index."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Row, Select, false, func, select

from config.database import Database
from config.keyring import KeyringError
from delivery.store.base import Attempt, CallbackKind, CallbackRecord, Found, History, Outcome, Search
from delivery.store.rows import Codec
from delivery.store.tables import (
    INDEXED_CHARACTERS,
    attempts,
    callbacks,
    events,
    messages,
    original_message_id_start,
    queue,
    reference_start,
)
from messages.message import Message, first_id, new_id
from messages.status import Status

_EARLIER = 500  # products that give all their mail one Message-ID are not to cost a recipient's whole history
_LAST = b"\xff" * 10


class Searching:
    """Held by whoever reads messages; all of it are reads."""

    def __init__(self, database: Database, codec: Codec) -> None:
        self._database = database
        self._codec = codec
        self._log = structlog.get_logger("store")

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        """Messages by id; one that does not open (damaged) is missing."""
        statement = select(messages).where(messages.c.id.in_(message_ids))
        rows = await self._database.rows(statement)
        opened = [message for row in rows if (message := self._open(row)) is not None]
        return {message.id: message for message in opened}

    def _open(self, row: Row[Any]) -> Message | None:
        try:
            return self._codec.message(row)
        except (KeyringError, ValueError):  # damaged, or of a newer version: it waits, and keeps nobody else waiting
            self._log.error("store.unreadable", message_id=str(row.id))
            return None

    async def find(self, search: Search, limit: int) -> list[Found]:
        """At most `limit` messages, newest first."""
        hashes = self._codec.recipient_hashes(search.recipient) if search.recipient is not None else ()
        asked = statement(search, hashes, limit)
        return self.opened(await self._database.rows(asked))

    def opened(self, rows: Sequence[Row[Any]]) -> list[Found]:
        """Those of the rows of `statement` that open."""
        return [Found(message, row.reason) for row in rows if (message := self._open(row)) is not None]

    async def group(self, group_id: UUID) -> list[UUID]:
        """The messages of a group, oldest first."""
        statement = select(messages.c.id).where(messages.c.group_id == group_id).order_by(messages.c.id)
        async with self._database.read() as connection:
            return list(await connection.scalars(statement))

    async def sent_as(self, message: Message, originals: Sequence[str]) -> dict[str, str]:
        """Of these Message-IDs, those that the service sent to the message's recipient before: their provider ids."""
        statement = _sent_as(message.service_id, self._codec.recipient_hashes(message.recipient.key), originals)
        rows = await self._database.rows(statement)
        return {
            row.original_message_id: row.provider_id for row in reversed(rows) if row.original_message_id in originals
        }

    async def history(self, message_id: UUID) -> History | None:
        """All that is known of a message; None when there is no such."""
        # Of a service without a URL there are rows for its feed alone.
        called = callbacks.c.available_at.is_not(None) | callbacks.c.outcome.is_not(None)
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
            calls = select(callbacks).where(callbacks.c.message_id == message_id, called).order_by(callbacks.c.id)
            made = tuple(_callback(found) for found in await connection.execute(calls))
        return History(self._codec.message(row), row.reason, tries, waiting, told, made)


def statement(search: Search, recipient_hashes: Sequence[bytes], limit: int) -> Select[Any]:
    """What `find` asks, newest first: UUIDv7 ids sort by time of creation."""
    return select(messages).where(*_conditions(search, recipient_hashes)).order_by(messages.c.id.desc()).limit(limit)


def _sent_as(service_id: UUID, recipient_hashes: Sequence[bytes], originals: Sequence[str]) -> Select[tuple[str, str]]:
    """(Message-ID as it was sent, provider id) of messages to one recipient, newest first; a bounded number."""
    c = messages.c
    return (
        select(c.original_message_id, c.provider_id)
        .where(
            original_message_id_start.in_([original[:INDEXED_CHARACTERS] for original in originals]),
            c.recipient_hash.in_(recipient_hashes),
            c.service_id == service_id,
            c.provider_id.is_not(None),
        )
        .order_by(c.id.desc())
        .limit(_EARLIER)
    )


_EXACTLY = ("group_id", "provider_id", "service_id", "key_id", "template_id", "key_type", "door")
_ONE_OF = {"services": "service_id", "channels": "channel", "statuses": "status"}
# What leads to a few messages by an index of its own.
_LEADING = ("message_id", "recipient", "original_message_id", "reference", "group_id", "provider_id")


def _conditions(search: Search, recipient_hashes: Sequence[bytes]) -> list[ColumnElement[bool]]:
    c = messages.c
    found: list[ColumnElement[bool]] = []
    if search.message_id is not None:
        found.append(c.id == search.message_id)
    if search.recipient is not None:
        found.append(c.recipient_hash.in_(recipient_hashes))
    if search.original_message_id is not None:
        found += _equals(c.original_message_id, original_message_id_start, search.original_message_id)
    if search.reference is not None:
        found += _equals(c.reference, reference_start, search.reference)
    given = {name: getattr(search, name) for name in (*_EXACTLY, *_ONE_OF)}
    columns = _columns(search)
    found += [columns[name] == given[name] for name in _EXACTLY if given[name] is not None]
    found += [columns[of].in_(sorted(given[name])) for name, of in _ONE_OF.items() if given[name] is not None]
    if not search.jobs:
        found.append(c.job_id.is_(None))
    return found + _times(search)


def _columns(search: Search) -> Mapping[str, ColumnElement[Any]]:
    """An index of all that a service sent leads only where nothing leads to less.

    As an expression it leads nowhere: SQLite takes that index for the order that it is in, and would read all of it.
    """
    c, columns = messages.c, {column.name: column for column in messages.c}
    if all(getattr(search, name) is None for name in _LEADING):
        return columns
    return columns | {"service_id": func.coalesce(c.service_id, c.service_id)}


def _times(search: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.since is not None:
        found.append(messages.c.id >= first_id(search.since))
    if search.until is not None:
        found.append(messages.c.id <= new_id(search.until, _LAST))
    if search.older_than is not None:
        # Null, and so nothing, when there is no such message of that service.
        older = select(messages.c.id).where(messages.c.id == search.older_than)
        if search.service_id is not None:
            older = older.where(messages.c.service_id == search.service_id)
        found.append(messages.c.id < older.scalar_subquery())
    return found


def _equals(
    column: ColumnElement[str | None], start: ColumnElement[str], value: str
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    if "\0" in value:  # PostgreSQL has no such text, and says so by an error
        return false(), false()
    # Not `column == value`: SQLite would put the value into the indexed expression, and miss the index.
    rest = func.substr(column, INDEXED_CHARACTERS + 1)
    return start == value[:INDEXED_CHARACTERS], rest == value[INDEXED_CHARACTERS:]


def _attempt(row: Any) -> Attempt:
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Attempt(row.id, row.message_id, row.number, row.provider, row.started_at, row.ended_at, outcome, row.reason)


def _callback(row: Any) -> CallbackRecord:
    status = None if row.status is None else Status(row.status)
    return CallbackRecord(
        CallbackKind(row.kind), status, row.at, row.attempts, row.available_at, row.ended_at, row.outcome
    )
