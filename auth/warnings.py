"""Warnings: a service has used most, or all, of what it may send in a fiscal year, and its contact is told once.

What was reached is written in the transaction that counts: a crash loses none. Who tells it: relay/warnings.py.
Knows nothing of how it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, Double, Index, Integer, Row, Table, Text, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata
from messages.message import Channel

PERCENTS = (80, 100)
_AT_ONCE = 100  # that one round tells

warnings = Table(
    "warnings",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),  # that the fiscal year begins in
    Column("percent", Integer, primary_key=True, autoincrement=False),
    Column("per_year", BigInteger, primary_key=True, autoincrement=False),  # of another limit it is another warning
    Column("used", BigInteger, nullable=False),
    Column("reached_at", Double, nullable=False),
    Column("ended_at", Double),  # told, or there was nobody to tell; null: still to be told
    Column("message_id", Id),  # that told it
)
_OPEN = warnings.c.ended_at.is_(None)
Index("warnings_open", warnings.c.reached_at, sqlite_where=_OPEN, postgresql_where=_OPEN)

_NOTED = {
    "postgresql": postgresql.insert(warnings).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(warnings).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Reached:
    """So much of a year's limit is used."""

    service_id: UUID
    channel: Channel
    year: int
    percent: int
    per_year: int  # emails, or parts of text messages
    used: int
    reached_at: float

    @property
    def name(self) -> str:
        """The same for the same warning."""
        return f"{self.service_id} {self.channel} {self.year} {self.percent} {self.per_year}"


@dataclass(frozen=True, slots=True)
class Warned:
    """What became of one."""

    reached: Reached
    ended_at: float | None
    message_id: UUID | None


def percent_reached(used: int, limit: int) -> int | None:
    """The last of PERCENTS that was reached; None before the first."""
    return max((percent for percent in PERCENTS if used * 100 >= percent * limit), default=None)


def note(connection: Connection, reached: Sequence[Reached]) -> None:
    """Inside the transaction that counted. What was noted before stays as it was."""
    if reached:
        connection.execute(_NOTED[connection.dialect.name], [_row(each) for each in reached])


async def untold(connection: AsyncConnection) -> list[Reached]:
    """The oldest of those that nobody was told yet."""
    rows = await connection.execute(select(warnings).where(_OPEN).order_by(warnings.c.reached_at).limit(_AT_ONCE))
    return [_reached(row) for row in rows]


async def end(connection: AsyncConnection, reached: Reached, now: float, message_id: UUID | None) -> None:
    """It was told by this message, or there is nobody to tell."""
    mine = [warnings.c[column.name] == _row(reached)[column.name] for column in warnings.primary_key]
    await connection.execute(warnings.update().where(*mine, _OPEN).values(ended_at=now, message_id=message_id))


async def of_year(connection: AsyncConnection, service_id: UUID, year: int) -> list[Warned]:
    """A service's, oldest first."""
    mine = select(warnings).where(warnings.c.service_id == service_id, warnings.c.year == year)
    rows = await connection.execute(mine.order_by(warnings.c.reached_at, warnings.c.percent))
    return [Warned(_reached(row), row.ended_at, row.message_id) for row in rows]


def _row(reached: Reached) -> dict[str, object]:
    return {
        "service_id": reached.service_id,
        "channel": reached.channel.value,
        "year": reached.year,
        "percent": reached.percent,
        "per_year": reached.per_year,
        "used": reached.used,
        "reached_at": reached.reached_at,
    }


def _reached(row: Row[Any]) -> Reached:
    return Reached(row.service_id, Channel(row.channel), row.year, row.percent, row.per_year, row.used, row.reached_at)
