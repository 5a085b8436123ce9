"""Where what was appended becomes counts, and old counts become fewer: hours for three days, days for two months.

All of it moves numbers from rows to rows in one transaction: what they add up to stays. Any process may do it, one at
a time does.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Table, delete, select, text, tuple_

from auth.fiscal_year import TIME_ZONE
from auth.services import services
from config.database import INSERT, Database, hold
from delivery.figures.spans import Span
from delivery.figures.tables import FOLDED, count_changes, counters
from messages.message import Door, first_id

YOUNG_SECONDS = 10.0  # whoever watches has seen by then that something is new
HOURS_SECONDS = 3 * 86_400
DAYS_SECONDS = 62 * 86_400
_AT_ONCE = 500  # rows that one write transaction folds: some ten milliseconds
_LOCK = 0x636F756E7473  # any number of our own, for PostgreSQL's advisory lock
_NOBODY = UUID(int=0)  # whose key and template are not known


class Folding:
    """Held by the worker that keeps the time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fold(self, now: float, limit: int = _AT_ONCE) -> int:
        """Folds at most `limit` rows that were appended a while ago; how many it took."""
        old = count_changes.c.id < first_id(now - YOUNG_SECONDS)
        # Looked at outside the write transaction: nobody waits for it where there is nothing.
        async with self._database.read() as connection:
            if (await connection.execute(select(count_changes.c.id).where(old).limit(1))).first() is None:
                return 0
        chosen = select(*count_changes.primary_key).where(old).limit(limit)
        return await self._database.transact(lambda connection: _alone(connection) and _fold(connection, chosen))

    async def age(self, now: float, limit: int = _AT_ONCE) -> int:
        """Makes days of at most `limit` old hours, and months of as many old days; how many it took."""

        def work(connection: Connection) -> int:
            if not _alone(connection):
                return 0
            _take_over(connection)
            days = sum(_age(connection, table, Span.DAY, Span.MONTH, now - DAYS_SECONDS, limit) for table in FOLDED)
            return days + sum(
                _age(connection, table, Span.HOUR, Span.DAY, now - HOURS_SECONDS, limit)
                for table, shortest in FOLDED.items()
                if shortest is Span.HOUR
            )

        return await self._database.transact(work)


def add(connection: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], span: Span) -> None:
    """To the counts of that span; behind who folds just now, since two that add to the same rows could deadlock."""
    hold(connection, _LOCK)
    _add(connection, table, rows, span)


def _alone(connection: Connection) -> bool:
    """Whether nobody else folds; until the transaction ends. On SQLite the write turn is the lock."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:id)"), {"id": _LOCK}))


def _fold(connection: Connection, chosen: Any) -> int:
    rows = _taken(connection, count_changes, chosen)
    _add_to_all(connection, rows)
    return len(rows)


def _age(connection: Connection, table: Table, old: Span, new: Span, before: float, limit: int) -> int:
    chosen = select(*table.primary_key).where(table.c.span == old.value, table.c.start < int(before))
    rows = _taken(connection, table, chosen.order_by(table.c.start).limit(limit))
    _add(connection, table, rows, new)
    return len(rows)


def _taken(connection: Connection, table: Table, chosen: Any) -> Sequence[RowMapping]:
    taking = delete(table).where(tuple_(*table.primary_key).in_(chosen)).returning(*table.c)
    return connection.execute(taking).mappings().all()


def _add_to_all(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> None:
    for table, shortest in FOLDED.items():
        _add(connection, table, rows, shortest)


def _add(connection: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], span: Span) -> None:
    """To the counts of that span which hold their time in their service's zone."""
    zones = _zones(connection, {row["service_id"] for row in rows})
    names = [column.name for column in table.primary_key.columns]
    totals: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        start = span.begins(row["start"], zones.get(row["service_id"], TIME_ZONE))
        place = {**row, "start": start, "span": span.value}
        total = totals.setdefault(tuple(place[name] for name in names), [0, 0])
        total[0] += row["messages"]
        total[1] += row["units"]
    if added := [
        dict(zip(names, place, strict=True)) | {"messages": number, "units": units}
        for place, (number, units) in totals.items()
    ]:
        connection.execute(_added(table, connection.dialect.name), added)


@cache
def _added(table: Table, dialect: str) -> Any:
    """Adds to the counts' rows, or makes them."""
    statement = INSERT[dialect](table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={"messages": table.c.messages + new.messages, "units": table.c.units + new.units},
    )


def _zones(connection: Connection, service_ids: Iterable[UUID]) -> dict[UUID, str]:
    chosen = select(services.c.id, services.c.time_zone).where(services.c.id.in_(list(service_ids)))
    return {row.id: row.time_zone for row in connection.execute(chosen)}


def _take_over(connection: Connection) -> None:
    """What the version before counted since the upgrade: its days are UTC's, and it knew no key, template or door."""
    unknown = {"door": Door.SMTP.value, "key_id": _NOBODY, "template_id": _NOBODY, "units": 0}
    rows = connection.execute(delete(counters).returning(*counters.c)).mappings()
    _add_to_all(connection, [{**row, "start": row["day"] * 86_400 + 43_200, **unknown} for row in rows])
