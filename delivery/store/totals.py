"""What left by month and channel, over all services: for pages that everybody may read. Tests do not count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.services import services
from config.database import Database
from delivery.store.tables import counters
from messages.message import Channel, KeyType
from messages.status import Status

_EPOCH = date(1970, 1, 1)
_c = counters.c
_LEFT = (Status.SENDING, Status.DELIVERED, Status.TEMPORARY_FAILURE, Status.PERMANENT_FAILURE)
_BY_DAY = (
    select(_c.day, _c.channel, func.sum(_c.messages).label("messages"))
    .where(_c.day >= bindparam("first"), _c.key_type != KeyType.TEST, _c.status.in_(_LEFT))
    .group_by(_c.day, _c.channel)
)
_LIVE = select(func.count()).select_from(services).where(services.c.live)


@dataclass(frozen=True, slots=True)
class Month:
    """`first` is its first day, in UTC as the counters are."""

    first: date
    emails: int = 0
    texts: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    live_services: int
    months: Sequence[Month]  # newest first, the current one not over yet


class Totals:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, months: int, now: float) -> Activity:
        """Of so many months up to now, empty ones too. Reads all counters of that time: ask seldom."""
        starts = _starts((_EPOCH + timedelta(days=int(now // 86_400))), months)
        async with self._database.read() as connection:
            counted = await _counted(connection, starts[-1])
            live = await connection.scalar(_LIVE)
        found = [
            Month(first, counted.get((first, Channel.EMAIL), 0), counted.get((first, Channel.SMS), 0))
            for first in starts
        ]
        return Activity(live or 0, found)


async def _counted(connection: AsyncConnection, since: date) -> dict[tuple[date, str], int]:
    found: dict[tuple[date, str], int] = {}
    for row in await connection.execute(_BY_DAY, {"first": (since - _EPOCH).days}):
        month = (_EPOCH + timedelta(days=row.day)).replace(day=1)
        found[month, row.channel] = found.get((month, row.channel), 0) + int(row.messages)
    return found


def _starts(today: date, months: int) -> list[date]:
    found = [today.replace(day=1)]
    while len(found) < months:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found
