"""What was counted, for people: totals, series, templates, keys and months of a service, and months of all together.

Each is one statement over both tables, so of one moment. It costs by the rows of the time that is asked for: a quarter
of an hour at most is one row for each kind of message, a day of before yesterday likewise, however many messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from auth.fiscal_year import TIME_ZONE
from config.database import Database
from delivery.figures.spans import Span
from delivery.figures.tables import count_changes, counts
from messages.message import Channel, Door, KeyType
from messages.status import Status

Columns = ReadOnlyColumnCollection[str, Any]

_FAILED = (Status.PERMANENT_FAILURE, Status.TEMPORARY_FAILURE, Status.TECHNICAL_FAILURE)
_HALF_A_DAY = 43_200


@dataclass(frozen=True, slots=True)
class Figures:
    """Messages by what has become of them until now. All that were accepted and have no end yet are under way."""

    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    cancelled: int = 0
    parts: int = 0  # of texts, of all that were accepted

    @property
    def under_way(self) -> int:
        return self.accepted - self.delivered - self.failed - self.cancelled

    @property
    def failure_share(self) -> float:
        """Of all that were accepted, from 0 to 1."""
        return self.failed / self.accepted if self.accepted else 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.accepted + other.accepted,
            self.delivered + other.delivered,
            self.failed + other.failed,
            self.cancelled + other.cancelled,
            self.parts + other.parts,
        )


@dataclass(frozen=True, slots=True)
class Total:
    """Of one channel and door, since one of the times that were asked for."""

    since: int
    channel: Channel
    door: Door
    figures: Figures


@dataclass(frozen=True, slots=True)
class Point:
    """Of one channel, in the hour, day or month that begins then, in the service's zone."""

    start: int
    channel: Channel
    figures: Figures


class CountReader:
    """Held by whoever shows figures. Messages of test keys, which reach nobody, are left out where it does not say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def totals(self, service_id: UUID, since: Sequence[int]) -> list[Total]:
        """By channel and door, since each of these times; one in which nothing was accepted has none."""
        times = sorted(since, reverse=True)
        c = _both(service_id, times[-1]).c
        latest = case(*((c.start >= literal(at), at) for at in times), else_=times[-1])
        found: dict[tuple[int, Channel, Door], Figures] = {}
        for row in await self._read(_sums(latest.label("since"), c.channel, c.door, of=c)):
            for at in times:
                if at <= row.since:
                    place = at, Channel(row.channel), Door(row.door)
                    found[place] = found.get(place, Figures()) + _figures(row)
        return [Total(*place, found[place]) for place in sorted(found)]

    async def series(self, service_id: UUID, since: int, until: int, span: Span, zone: str) -> list[Point]:
        """By channel, in order; a span in which nothing was accepted has none. Hours: of the last three days."""
        c = _both(service_id, since, until).c
        rows = await self._read(_sums(c.start, c.channel, of=c))
        return _points(rows, span, zone)

    async def templates(self, service_id: UUID, since: int, limit: int) -> list[tuple[UUID, Figures]]:
        """The most used ones since then, the most used first."""
        c = _both(service_id, since).c
        chosen = _sums(c.template_id, of=c).order_by(desc("accepted"), c.template_id).limit(limit)
        return [(row.template_id, _figures(row)) for row in await self._read(chosen)]

    async def keys(self, service_id: UUID, since: int) -> dict[UUID, Figures]:
        """By each key that sent since then, test keys too."""
        c = _both(service_id, since, tests=True).c
        return {row.key_id: _figures(row) for row in await self._read(_sums(c.key_id, of=c))}

    async def all_services(self, since: int) -> list[Point]:
        """By month and channel, in Ottawa's time; days and months of other zones lie where their first noon does."""
        c = _both(None, since).c
        noon = case((c.span == Span.HOUR.value, 0), else_=_HALF_A_DAY)
        rows = await self._read(_sums((c.start + noon).label("start"), c.channel, of=c))
        return _points(rows, Span.MONTH, TIME_ZONE)

    async def _read(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return await self._database.query(lambda connection: connection.execute(statement).all())


def _both(service_id: UUID | None, since: int, until: int | None = None, *, tests: bool = False) -> Subquery:
    """What both tables hold of the time, as one."""

    def of(table: Table, span: ColumnElement[str]) -> Select[Any]:
        c = table.c
        columns = (c.start, c.channel, c.door, c.key_id, c.template_id, c.status, c.messages, c.units)
        chosen = select(span.label("span"), *columns).where(c.start >= since)
        if service_id is not None:
            chosen = chosen.where(c.service_id == service_id)
        if until is not None:
            chosen = chosen.where(c.start < until)
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


def _points(rows: Sequence[Row[Any]], span: Span, zone: str) -> list[Point]:
    found: dict[tuple[int, Channel], Figures] = {}
    for row in rows:
        place = span.begins(row.start, zone), Channel(row.channel)
        found[place] = found.get(place, Figures()) + _figures(row)
    return [Point(start, channel, found[start, channel]) for start, channel in sorted(found)]
