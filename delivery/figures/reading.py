"""What was counted, for people: by time, channel and door, by template and by key; and of all services together.

Each is one statement over both tables, so of one moment. It costs by the rows of the time that is asked for: a quarter
of an hour at most is one row for each kind of message, a day of before yesterday likewise, however many messages.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Subquery,
    Table,
    Text,
    case,
    cast,
    desc,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from config.database import Database
from delivery.figures.moments import Figures, Moment
from delivery.figures.spans import Span
from delivery.figures.tables import count_changes, counts
from messages.message import Channel, Door, KeyType
from messages.status import Status

Columns = ReadOnlyColumnCollection[str, Any]

_FAILED = (Status.PERMANENT_FAILURE, Status.TEMPORARY_FAILURE, Status.TECHNICAL_FAILURE)
_HALF_A_DAY = 43_200


class CountReader:
    """Held by whoever shows figures. Messages of test keys, which reach nobody, are left out where it does not say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def moments(self, service_id: UUID, since: int) -> list[Moment]:
        """Since then, by channel and door: hours of the last three days, days of two months, months of before."""
        c = _both(service_id, since).c
        rows = await self._read(_sums(c.start, c.channel, c.door, of=c))
        return [Moment(row.start, Channel(row.channel), Door(row.door), _figures(row)) for row in rows]

    async def templates(self, service_id: UUID, since: int, limit: int) -> list[tuple[UUID, Figures]]:
        """The most used ones since then, the most used first."""
        c = _both(service_id, since).c
        chosen = _sums(c.template_id, of=c).order_by(desc("accepted"), c.template_id).limit(limit)
        return [(row.template_id, _figures(row)) for row in await self._read(chosen)]

    async def keys(self, service_id: UUID, since: int) -> dict[UUID, Figures]:
        """By each key that sent since then, test keys too."""
        c = _both(service_id, since, tests=True).c
        return {row.key_id: _figures(row) for row in await self._read(_sums(c.key_id, of=c))}

    async def all_services(self, since: int) -> list[Moment]:
        """Of all services, in Ottawa's time: days and months of other zones lie where their first noon does."""
        c = _both(None, since).c
        noon = case((c.span == Span.HOUR.value, 0), else_=_HALF_A_DAY)
        rows = await self._read(_sums((c.start + noon).label("start"), c.channel, c.door, of=c))
        return [Moment(row.start, Channel(row.channel), Door(row.door), _figures(row)) for row in rows]

    async def appended(self, service_ids: Collection[UUID], limit: int) -> set[tuple[UUID, UUID]]:
        """At most `limit` of what changed in the last seconds, by service: what was not there before is news."""
        c = count_changes.c
        chosen = select(c.service_id, c.id).where(c.service_id.in_(service_ids)).limit(limit)
        return {(row.service_id, row.id) for row in await self._read(chosen)}

    async def _read(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return await self._database.query(lambda connection: connection.execute(statement).all())


async def has_delivered(connection: AsyncConnection, service_id: UUID) -> bool:
    """Whether a message really left: not one of a test key."""
    c = _both(service_id, 0).c
    delivered = select(func.sum(c.messages)).where(c.status == Status.DELIVERED.value)
    return bool(await connection.scalar(delivered))


def _both(service_id: UUID | None, since: int, *, tests: bool = False) -> Subquery:
    """What both tables hold of the time, as one."""

    def of(table: Table, span: ColumnElement[str]) -> Select[Any]:
        c = table.c
        columns = (c.start, c.channel, c.door, c.key_id, c.template_id, c.status, c.messages, c.units)
        chosen = select(span.label("span"), *columns).where(c.start >= since)
        if service_id is not None:
            chosen = chosen.where(c.service_id == service_id)
        return chosen if tests else chosen.where(c.key_type != KeyType.TEST.value)

    appended = of(count_changes, literal_column(f"'{Span.HOUR.value}'", Text))
    return union_all(of(counts, counts.c.span), appended).subquery()


def _sums(*by: ColumnElement[Any], of: Columns) -> Select[Any]:
    """Figures for each of these."""

    def total(number: ColumnElement[int], *statuses: Status) -> ColumnElement[int]:
        chosen = of.status.in_([literal_column(f"'{each.value}'", Text) for each in statuses])
        # As a whole number: PostgreSQL's sum of bigint is none.
        return cast(func.coalesce(func.sum(case((chosen, number), else_=0)), 0), BigInteger)

    return select(
        *by,
        total(of.messages, Status.CREATED).label("accepted"),
        total(of.messages, Status.DELIVERED).label("delivered"),
        total(of.messages, *_FAILED).label("failed"),
        total(of.messages, Status.CANCELLED).label("cancelled"),
        total(of.units, Status.CREATED).label("parts"),
    ).group_by(*by)


def _figures(row: Row[Any]) -> Figures:
    return Figures(row.accepted, row.delivered, row.failed, row.cancelled, row.parts)
