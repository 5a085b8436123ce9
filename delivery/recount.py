"""Counts what is counted again, from the messages' own rows, and mends the counts where they differ.

A step is a month of one service, read at one moment: whoever changes a status appends to the counts in the same
transaction, so both agree at every moment, whatever goes on. What differs is added to the counts that differ, as a fold
adds. Months whose first rows may have been retired are left as they are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from auth.services import services
from config.database import Database
from delivery.figures.folding import DAYS_SECONDS, HOURS_SECONDS, add
from delivery.figures.spans import Span
from delivery.figures.tables import FOLDED, QUARTER_SECONDS, count_changes
from delivery.store.base import ROW_SECONDS
from delivery.store.tables import messages
from messages.message import first_id
from messages.status import FINAL, Status

_DAY_SECONDS = 86_400
_KINDS = ("channel", "door", "key_type", "key_id", "template_id", "status")
Place = tuple[Any, ...]  # when it begins, then what it is counted by
Numbers = dict[Place, tuple[int, int]]  # messages, parts


@dataclass(frozen=True, slots=True)
class Difference:
    """What the rows say less what was counted, in one of the tables of counts."""

    table: Table
    service_id: UUID
    start: int
    span: Span
    place: Mapping[str, Any]
    messages: int
    units: int


class Recount:
    """Of all services, one month after the other."""

    def __init__(self, database: Database, now: float) -> None:
        self._database = database
        self._now = now

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether nobody else recounts, until the block ends: two that compare before either mends would mend twice."""
        return self._database.alone("recount")

    async def services(self) -> dict[UUID, str]:
        """With their zones."""
        asked = select(services.c.id, services.c.time_zone).order_by(services.c.id)
        rows = await self._database.rows(asked)
        return {row.id: row.time_zone for row in rows}

    def months(self, zone: str) -> Iterator[tuple[int, int]]:
        """The months of the zone whose rows are all there, with where each ends."""
        start = Span.MONTH.begins(self._now - ROW_SECONDS + 2 * 31 * _DAY_SECONDS, zone)
        while start < self._now:
            end = Span.MONTH.begins(start + 40 * _DAY_SECONDS, zone)
            yield start, end
            start = end

    async def compare(self, service_id: UUID, zone: str, start: int, end: int) -> list[Difference]:
        """What differs in that month; nothing, as a rule."""

        def work(connection: Connection) -> list[Difference]:
            made: Numbers = {}
            for since in range(start, end, _DAY_SECONDS):
                _sum(made, _recounted(connection, service_id, since, min(since + _DAY_SECONDS, end)).items())
            found: list[Difference] = []
            for table in FOLDED:
                kept = _counted(connection, table, service_id, start, end)
                was, has = self._located(table, _kinds(table), kept, zone), self._located(table, _KINDS, made, zone)
                found += _differences(table, service_id, was, has)
            return found

        return await self._database.query(work)

    def _located(self, table: Table, kinds: Sequence[str], found: Numbers, zone: str) -> Numbers:
        """By what the table counts, as finely as its counts of that age are told apart.

        A day's margin, since others fold meanwhile.
        """
        days = _next(Span.MONTH, self._now - DAYS_SECONDS + _DAY_SECONDS, zone)
        hours = _next(Span.DAY, self._now - HOURS_SECONDS + _DAY_SECONDS, zone)
        wanted = [kinds.index(name) for name in _kinds(table)]

        def place(start: int, of: Sequence[Any]) -> Place:
            span = Span.MONTH if start < days else Span.HOUR if start >= hours else Span.DAY
            span = Span.DAY if span is Span.HOUR and FOLDED[table] is Span.DAY else span
            return (span, span.begins(start, zone), *(of[at] for at in wanted))

        located: Numbers = {}
        _sum(located, ((place(int(start), of), numbers) for (start, *of), numbers in found.items()))
        return located


def mend(connection: Connection, found: Sequence[Difference]) -> None:
    """Adds what differs; for who is alone."""
    for (table, span), mine in groupby(found, lambda each: (each.table, each.span)):
        add(connection, table, [_row(each) for each in mine], span)


def _kinds(table: Table) -> list[str]:
    """What the table counts by, beside the service and the time."""
    return [name for name in _KINDS if name in table.c]


def _next(span: Span, at: float, zone: str) -> int:
    """Where the first one begins that lies behind that time as a whole."""
    return span.begins(span.begins(at, zone) + (40 if span is Span.MONTH else 1.5) * _DAY_SECONDS, zone)


def _counted(connection: Connection, folded: Table, service_id: UUID, start: int, end: int) -> Numbers:
    def of(table: Table) -> Any:
        c = table.c
        keys = (c.start, *(c[name] for name in _kinds(folded)))
        mine = (c.service_id == service_id, c.start >= start, c.start < end)
        return select(*keys, func.sum(c.messages), func.sum(c.units)).where(*mine).group_by(*keys)

    return _numbers(connection, union_all(of(folded), of(count_changes)))


def _recounted(connection: Connection, service_id: UUID, start: int, end: int) -> Numbers:
    """Each stands under created and, if it has one, under its present end."""
    m = messages.c
    quarter = cast(_floor(connection, m.created_at / float(QUARTER_SECONDS)), BigInteger) * QUARTER_SECONDS
    ends = [status.value for status in sorted(FINAL)]

    def of(status: ColumnElement[str], *which: ColumnElement[bool]) -> Any:
        keys = (quarter.label("start"), *(m[name] for name in _KINDS[:-1]), status.label("counted"))
        mine = (m.service_id == service_id, m.id >= first_id(start), m.id < first_id(end))
        counted = (func.count().label("messages"), func.sum(m.billable_units).label("units"))
        return select(*keys, *counted).where(*mine, *which).group_by(*keys)

    created = of(literal(Status.CREATED.value))
    return _numbers(connection, union_all(created, of(case((m.status.in_(ends), m.status)), m.status.in_(ends))))


def _floor(connection: Connection, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """SQLite's cast cuts, PostgreSQL's rounds."""
    return value if connection.dialect.name == "sqlite" else func.floor(value)


def _numbers(connection: Connection, statement: Any) -> Numbers:
    found: Numbers = {}
    _sum(found, ((tuple(place), (int(number), int(units))) for *place, number, units in connection.execute(statement)))
    return found


def _sum(into: Numbers, found: Iterable[tuple[Place, tuple[int, int]]]) -> None:
    for place, (number, units) in found:
        before = into.get(place, (0, 0))
        into[place] = before[0] + number, before[1] + units


def _differences(table: Table, service_id: UUID, kept: Numbers, made: Numbers) -> list[Difference]:
    found = []
    for place in sorted(kept.keys() | made.keys(), key=str):
        was, has = kept.get(place, (0, 0)), made.get(place, (0, 0))
        if was != has:
            span, start, *kinds = place
            named = dict(zip(_kinds(table), kinds, strict=True))
            found.append(Difference(table, service_id, start, span, named, has[0] - was[0], has[1] - was[1]))
    return found


def _row(each: Difference) -> dict[str, Any]:
    numbers = {"messages": each.messages, "units": each.units}
    return {**each.place, "service_id": each.service_id, "start": each.start, **numbers}
