"""What is counted, and what a count of the messages themselves finds: they are equal at every moment."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery.figures.tables import count_changes, counts
from delivery.store.tables import messages
from messages.status import FINAL, Status


class Place(NamedTuple):
    """Of whatever time."""

    service_id: UUID
    channel: str
    door: str
    key_type: str
    key_id: UUID
    template_id: UUID
    status: str


Numbers = dict[Place, tuple[int, int]]  # messages, parts


async def kept(connection: AsyncConnection) -> Numbers:
    """What the tables say; what came to nothing is left out."""
    found: Numbers = {}
    for table in (counts, count_changes):
        for row in await connection.execute(select(table)):
            _add(found, row, row.status, row.messages, row.units)
    return {place: numbers for place, numbers in found.items() if numbers != (0, 0)}


async def recounted(connection: AsyncConnection) -> Numbers:
    """What the messages' own rows say."""
    found: Numbers = {}
    for row in await connection.execute(select(messages)):
        _add(found, row, Status.CREATED.value, 1, row.billable_units)
        if Status(row.status) in FINAL:
            _add(found, row, row.status, 1, row.billable_units)
    return found


def _add(found: Numbers, row: Row[Any], status: str, number: int, units: int) -> None:
    kinds = (row.channel, row.door, row.key_type, row.key_id, row.template_id)
    place = Place(row.service_id, *kinds, status)
    before = found.get(place, (0, 0))
    found[place] = before[0] + number, before[1] + units
