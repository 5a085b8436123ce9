"""What was counted, for people: by time, channel and door, by template and by key; and of all services together.

Each is one statement over what is folded and what is appended, so of one moment. It costs by the rows of the time that
is asked for: an hour, a day or a month is one row for each way in and end, a template's or a key's day one for each
end, however many messages.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, case, func, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from config.database import Database
from delivery.figures.moments import Figures, Moment
from delivery.figures.spans import Span
from delivery.figures.tables import count_changes, counts, key_counts, template_counts
from messages.message import Channel, Door, KeyType
from messages.status import Status

Columns = ReadOnlyColumnCollection[str, Any]

_HALF_A_DAY = 43_200
_FIGURES: Mapping[str, tuple[str, ...]] = {
    "accepted": (Status.CREATED.value,),
    "delivered": (Status.DELIVERED.value,),
    "failed": (Status.TEMPORARY_FAILURE.value, Status.PERMANENT_FAILURE.value, Status.TECHNICAL_FAILURE.value),
    "cancelled": (Status.CANCELLED.value,),
    "parts": (Status.CREATED.value,),
}  # in the order of Figures, by which statuses they count


class CountReader:
    """Held by whoever shows figures. Messages of test keys, which reach nobody, are left out where it does not say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def moments(self, service_id: UUID, since: int) -> list[Moment]:
        """Since then, by channel and door: hours of the last three days, days of two months, months of before."""
        found = await self._sums(counts, service_id, since, lambda c: (c.start, c.channel, c.door))
        return [Moment(start, Channel(channel), Door(door), each) for (start, channel, door), each in found.items()]

    async def templates(self, service_id: UUID, since: int, limit: int) -> list[tuple[UUID, Figures]]:
        """The most used ones since the day that begins then, the most used first."""
        found = await self._sums(template_counts, service_id, since, lambda c: (c.template_id,))
        used = [(template_id, figures) for (template_id,), figures in found.items()]
        return sorted(used, key=lambda each: (-each[1].accepted, each[0]))[:limit]

    async def keys(self, service_id: UUID, since: int) -> dict[UUID, Figures]:
        """By each key that sent since the day that begins then, test keys too."""
        found = await self._sums(key_counts, service_id, since, lambda c: (c.key_id,), tests=True)
        return {key_id: figures for (key_id,), figures in found.items()}

    async def all_services(self, since: int) -> list[Moment]:
        """Of all services, in Ottawa's time: days and months of other zones lie where their first noon does."""

        def by(c: Columns) -> tuple[ColumnElement[Any], ...]:
            noon = case((c.span == Span.HOUR.value, 0), else_=_HALF_A_DAY) if "span" in c else literal_column("0")
            return (c.start + noon).label("start"), c.channel, c.door

        found = await self._sums(counts, None, since, by)
        return [Moment(start, Channel(channel), Door(door), each) for (start, channel, door), each in found.items()]

    async def appended(self, service_ids: Collection[UUID], limit: int) -> set[tuple[UUID, UUID]]:
        """At most `limit` of what changed in the last seconds, by service: what was not there before is news."""
        c = count_changes.c
        chosen = select(c.service_id, c.id).where(c.service_id.in_(service_ids)).limit(limit)
        return {(row.service_id, row.id) for row in await self._database.rows(chosen)}

    async def _sums(
        self,
        folded: Table,
        service_id: UUID | None,
        since: int,
        by: Callable[[Columns], tuple[Any, ...]],
        *,
        tests: bool = False,
    ) -> dict[tuple[Any, ...], Figures]:
        """Figures for each of these; each table adds its own up, in the order of its key."""
        of_each = [_sums(table, service_id, since, by, tests) for table in (folded, count_changes)]
        found: dict[tuple[Any, ...], Figures] = {}
        for row in await self._database.rows(union_all(*of_each)):
            key, figures = tuple(row[: -len(_FIGURES)]), Figures(*map(int, row[-len(_FIGURES) :]))
            found[key] = found[key] + figures if key in found else figures
        return found


def _sums(
    table: Table, service_id: UUID | None, since: int, by: Callable[[Columns], tuple[Any, ...]], tests: bool
) -> Select[Any]:
    c = table.c
    keys = by(c)
    chosen = select(*keys, *(_sum(c, name) for name in _FIGURES)).where(c.start >= since)
    if service_id is not None:
        chosen = chosen.where(c.service_id == service_id)
    if not tests:
        chosen = chosen.where(c.key_type != KeyType.TEST.value)
    return chosen.group_by(*keys)


def _sum(c: Columns, name: str) -> ColumnElement[int]:
    """One of the Figures: the database adds up, since its rows are several times as many."""
    numbers = c.units if name == "parts" else c.messages
    return func.coalesce(func.sum(case((c.status.in_(_FIGURES[name]), numbers), else_=0)), 0)


async def has_delivered(connection: AsyncConnection, service_id: UUID) -> bool:
    """Whether a message really left: not one of a test key."""
    delivered = (
        select(func.sum(c.messages)).where(
            c.service_id == service_id, c.status == Status.DELIVERED.value, c.key_type != KeyType.TEST.value
        )
        for c in (counts.c, count_changes.c)
    )
    return sum(number or 0 for number in await connection.scalars(union_all(*delivered))) > 0
