"""Counts what is counted again, from the messages' own rows, and mends the counts where they differ.

A step is a month of one service, read at one moment: whoever changes a status appends to the counts in the same
transaction, so both agree at every moment, whatever goes on. What differs is appended, as every change is: nothing is
locked. Months whose first rows may have been retired are left as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    insert,
    literal,
    select,
    union_all,
)

from auth.services import services
from config.database import Database
from delivery.figures.folding import DAYS_SECONDS, HOURS_SECONDS
from delivery.figures.spans import Span
from delivery.figures.tables import QUARTER_SECONDS, count_changes, counts
from delivery.store.base import ROW_SECONDS
from delivery.store.tables import messages
from messages.message import first_id, new_id
from messages.status import FINAL, Status

_DAY_SECONDS = 86_400
_PLACE = ("channel", "door", "key_type", "key_id", "template_id", "status")
Place = tuple[Any, ...]  # where it begins, then _PLACE
Numbers = dict[Place, tuple[int, int]]  # messages, parts


@dataclass(frozen=True, slots=True)
class Difference:
    """What the rows say less what was counted."""

    service_id: UUID
    start: int
    place: Mapping[str, Any]
    messages: int
    units: int


class Recount:
    """Of all services, one month after the other. One at a time: two would mend twice."""

    def __init__(self, database: Database, now: float) -> None:
        self._database = database
        self._now = now

    async def services(self) -> dict[UUID, str]:
        """With their zones."""
        asked = select(services.c.id, services.c.time_zone).order_by(services.c.id)
        rows = await self._database.query(lambda connection: connection.execute(asked).all())
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
            kept = _counted(connection, service_id, start, end)
            made: Numbers = {}
            for since in range(start, end, _DAY_SECONDS):
                _sum(made, _recounted(connection, service_id, since, min(since + _DAY_SECONDS, end)), lambda at: at)
            return _differences(service_id, self._located(kept, zone), self._located(made, zone))

        return await self._database.query(work)

    async def mend(self, found: list[Difference]) -> None:
        """Appends what differs."""
        rows = [
            {**each.place, "service_id": each.service_id, "start": each.start}
            | {"id": new_id(self._now, at.to_bytes(10, "big")), "messages": each.messages, "units": each.units}
            for at, each in enumerate(found)
        ]
        if rows:
            await self._database.transact(lambda connection: connection.execute(insert(count_changes), rows))

    def _located(self, found: Numbers, zone: str) -> Numbers:
        """As finely as counts of that age are told apart; a day's margin, since others fold meanwhile."""
        days = _next(Span.MONTH, self._now - DAYS_SECONDS + _DAY_SECONDS, zone)
        hours = _next(Span.DAY, self._now - HOURS_SECONDS + _DAY_SECONDS, zone)

        def begins(at: int) -> int:
            span = Span.HOUR if at >= hours else Span.DAY if at >= days else Span.MONTH
            return span.begins(at, zone)

        located: Numbers = {}
        _sum(located, found, begins)
        return located


def _next(span: Span, at: float, zone: str) -> int:
    """Where the first one begins that lies behind that time as a whole."""
    return span.begins(span.begins(at, zone) + (40 if span is Span.MONTH else 1.5) * _DAY_SECONDS, zone)


def _counted(connection: Connection, service_id: UUID, start: int, end: int) -> Numbers:
    def of(table: Table) -> Any:
        c = table.c
        keys = (c.start, *(c[name] for name in _PLACE))
        mine = (c.service_id == service_id, c.start >= start, c.start < end)
        return select(*keys, func.sum(c.messages), func.sum(c.units)).where(*mine).group_by(*keys)

    return _numbers(connection, union_all(of(counts), of(count_changes)))


def _recounted(connection: Connection, service_id: UUID, start: int, end: int) -> Numbers:
    """Each stands under created and, if it has one, under its present end."""
    m = messages.c
    quarter = cast(_floor(connection, m.created_at / float(QUARTER_SECONDS)), BigInteger) * QUARTER_SECONDS
    ends = [status.value for status in sorted(FINAL)]

    def of(status: ColumnElement[str], *which: ColumnElement[bool]) -> Any:
        keys = (quarter.label("start"), *(m[name] for name in _PLACE[:-1]), status.label("counted"))
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
    for row in connection.execute(statement):
        *place, number, units = row
        before = found.get(tuple(place), (0, 0))
        found[tuple(place)] = before[0] + int(number), before[1] + int(units)
    return found


def _sum(into: Numbers, found: Numbers, begins: Any) -> None:
    for (start, *place), (number, units) in found.items():
        at = (begins(int(start)), *place)
        before = into.get(at, (0, 0))
        into[at] = before[0] + number, before[1] + units


def _differences(service_id: UUID, kept: Numbers, made: Numbers) -> list[Difference]:
    found = []
    for place in sorted(kept.keys() | made.keys(), key=str):
        was, has = kept.get(place, (0, 0)), made.get(place, (0, 0))
        if was != has:
            named = dict(zip(_PLACE, place[1:], strict=True))
            found.append(Difference(service_id, place[0], named, has[0] - was[0], has[1] - was[1]))
    return found
