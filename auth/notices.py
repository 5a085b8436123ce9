"""Notices: what the relay itself has to send to somebody, once each: to a contact, a sender, or to who wrote to us.

A notice is a row, written in the transaction of what it is about: a crash loses none. Who tells it, and in which words:
relay/notices.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Double, Index, Row, Table, Text, Update, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata

_AT_ONCE = 100  # of each kind and service, that one round tells

notices = Table(
    "notices",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("about", Text, primary_key=True),  # the same for the same thing: it is told once
    Column("service_id", Id),  # null: nobody's
    Column("said", Text, nullable=False),  # JSON
    Column("noted_at", Double, nullable=False),
    Column("due_at", Double),  # not told before; null: it has ended
    Column("ended_at", Double),  # told, or there was nobody to tell
    Column("message_id", Id),  # that told it
    Index("notices_service", "service_id", "kind"),
)
_c = notices.c
_OPEN = _c.due_at.is_not(None)
# By kind: thousands of one keep no other waiting.
Index("notices_due", _c.kind, _c.due_at, sqlite_where=_OPEN, postgresql_where=_OPEN)

_NOTED = {
    "postgresql": postgresql.insert(notices).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(notices).on_conflict_do_nothing(),
}


class Kind(StrEnum):
    """What they are about, and so who hears of it in which words."""

    LIMIT = "limit"
    CALLBACK = "callback"
    KEYWORD = "keyword"
    REPUTATION = "reputation"
    SENDER = "sender"  # of a message, what became of it
    MAIL = "mail"  # that nobody reads


@dataclass(frozen=True, slots=True)
class Notice:
    """`said` holds what its words name: text and numbers, of nobody's person."""

    kind: Kind
    about: str
    service_id: UUID | None
    said: Mapping[str, Any]
    noted_at: float

    @property
    def name(self) -> str:
        """The same for the same notice."""
        return f"{self.kind} {self.about}"


@dataclass(frozen=True, slots=True)
class NoticeFate:
    """What became of one."""

    notice: Notice
    ended_at: float | None
    message_id: UUID | None


def note(connection: Connection, noted: Sequence[Notice]) -> None:
    """Inside the transaction of what they are about. What was noted before stays as it was."""
    if noted:
        connection.execute(_NOTED[connection.dialect.name], [_row(each) for each in noted])


async def due(connection: AsyncConnection, now: float, kind: Kind) -> list[Notice]:
    """Those that wait longest for being told: of each service so many, since others wait behind those of none."""
    asked = select(notices).where(_c.kind == kind.value, _c.due_at <= now).order_by(_c.due_at, _c.about).limit(_AT_ONCE)
    found: list[Notice] = []
    while True:
        oldest = [_notice(row) for row in await connection.execute(asked)]
        found += oldest
        if len(oldest) < _AT_ONCE:
            return found
        whose = {each.service_id for each in oldest}
        of_others: ColumnElement[bool] = _c.service_id.not_in(whose - {None})
        if None not in whose:
            of_others |= _c.service_id.is_(None)
        asked = asked.where(of_others)


async def defer(connection: AsyncConnection, notice: Notice, until: float) -> None:
    """It could not be told now; those behind it are not kept waiting."""
    await connection.execute(_mine(notice).values(due_at=until))


async def end(connection: AsyncConnection, notice: Notice, now: float, message_id: UUID | None) -> None:
    """It was told by this message, or there is nobody to tell."""
    await connection.execute(_mine(notice).values(due_at=None, ended_at=now, message_id=message_id))


async def end_all(connection: AsyncConnection, notice: Notice, now: float) -> int:
    """It, and all others of its service and kind that are due: they are told nobody. How many."""
    mine = (_c.service_id == notice.service_id) & (_c.kind == notice.kind.value) & (_c.due_at <= now)
    ended = await connection.execute(notices.update().where(mine).values(due_at=None, ended_at=now))
    return ended.rowcount


async def of_service(connection: AsyncConnection, service_id: UUID, kind: Kind) -> list[NoticeFate]:
    """A service's, oldest first."""
    mine = select(notices).where(_c.service_id == service_id, _c.kind == kind.value)
    rows = await connection.execute(mine.order_by(_c.noted_at, _c.about))
    return [NoticeFate(_notice(row), row.ended_at, row.message_id) for row in rows]


def _mine(notice: Notice) -> Update:
    return notices.update().where(_c.kind == notice.kind.value, _c.about == notice.about, _OPEN)


def _row(notice: Notice) -> dict[str, object]:
    return {
        "kind": notice.kind.value,
        "about": notice.about,
        "service_id": notice.service_id,
        "said": json.dumps(notice.said, ensure_ascii=False, sort_keys=True),
        "noted_at": notice.noted_at,
        "due_at": notice.noted_at,
    }


def _notice(row: Row[Any]) -> Notice:
    return Notice(Kind(row.kind), row.about, row.service_id, json.loads(row.said), row.noted_at)
