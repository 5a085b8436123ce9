"""What messages are looked for, as SQL: every search is led by an index."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from delivery.store.base import Search
from delivery.store.tables import INDEXED_CHARACTERS, messages, original_message_id_start, reference_start
from messages.message import new_id

_EARLIER = 500  # products that give all their mail one Message-ID are not to cost a recipient's whole history
_LAST = b"\xff" * 10


def statement(search: Search, recipient_hashes: Sequence[bytes], limit: int) -> Select[Any]:
    """Newest first: UUIDv7 ids sort by time of creation."""
    return select(messages).where(*_conditions(search, recipient_hashes)).order_by(messages.c.id.desc()).limit(limit)


def sent_as(service_id: UUID, recipient_hashes: Sequence[bytes], originals: Sequence[str]) -> Select[tuple[str, str]]:
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
    if search.group_id is not None:
        found.append(c.group_id == search.group_id)
    if search.service_id is not None:
        found.append(c.service_id == search.service_id)
    if search.key_type is not None:
        found.append(c.key_type == search.key_type.value)
    if search.channels:
        found.append(c.channel.in_(sorted(search.channels)))
    if search.statuses:
        found.append(c.status.in_(sorted(search.statuses)))
    if not search.jobs:
        found.append(c.job_id.is_(None))
    return found + _times(search)


def _times(search: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.since is not None:
        found.append(messages.c.id >= new_id(search.since, bytes(10)))
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
    # Not `column == value`: SQLite would put the value into the indexed expression, and miss the index.
    rest = func.substr(column, INDEXED_CHARACTERS + 1)
    return start == value[:INDEXED_CHARACTERS], rest == value[INDEXED_CHARACTERS:]
