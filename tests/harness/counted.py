"""What is counted, and what a count of the messages themselves finds: they are equal at every moment."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery.figures.tables import FOLDED, count_changes
from delivery.store.tables import messages
from messages.status import FINAL, Status

_TIMES = ("start", "span")  # of whatever time
_KINDS = {
    table.name: [column.name for column in table.primary_key.columns if column.name not in (*_TIMES, "status")]
    for table in FOLDED
}

Place = tuple[str, tuple[UUID | str, ...], str]  # the table, what it counts by, the status
Numbers = dict[Place, tuple[int, int]]  # messages, parts


async def kept(connection: AsyncConnection) -> Numbers:
    """What the tables say; what came to nothing is left out."""
    found: Numbers = {}
    for table in FOLDED:
        for row in (*await connection.execute(select(table)), *await connection.execute(select(count_changes))):
            _add(found, row, row.status, row.messages, row.units, tables=[table.name])
    return {place: numbers for place, numbers in found.items() if numbers != (0, 0)}


async def recounted(connection: AsyncConnection) -> Numbers:
    """What the messages' own rows say."""
    found: Numbers = {}
    for row in await connection.execute(select(messages)):
        _add(found, row, Status.CREATED.value, 1, row.billable_units)
        if Status(row.status) in FINAL:
            _add(found, row, row.status, 1, row.billable_units)
    return found


def _add(found: Numbers, row: Row[Any], status: str, number: int, units: int, tables: Iterable[str] = _KINDS) -> None:
    for name in tables:
        place = name, tuple(getattr(row, kind) for kind in _KINDS[name]), status
        before = found.get(place, (0, 0))
        found[place] = before[0] + number, before[1] + units
