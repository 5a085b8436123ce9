"""What went through by month and channel, over all services: for pages that everybody may read. Tests do not count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from auth.fiscal_year import TIME_ZONE
from auth.services import services
from config.database import Database
from delivery.figures.moments import NOTHING, grouped
from delivery.figures.reading import CountReader
from messages.message import Channel

_ZONE = ZoneInfo(TIME_ZONE)
_LIVE = select(func.count()).select_from(services).where(services.c.live)


@dataclass(frozen=True, slots=True)
class Month:
    """`first` is its first day, in each service's own time zone."""

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
        self._counts = CountReader(database)

    async def read(self, months: int, now: float) -> Activity:
        """Of so many months up to now, empty ones too. Reads all counts of that time: ask seldom."""
        starts = _starts(_day(now), months)
        since = datetime(starts[-1].year, starts[-1].month, 1, tzinfo=_ZONE).timestamp()
        counted = grouped(
            await self._counts.all_services(int(since)), lambda each: (_day(each.start).replace(day=1), each.channel)
        )
        async with self._database.read() as connection:
            live = await connection.scalar(_LIVE)

        def accepted(first: date, channel: Channel) -> int:
            return counted.get((first, channel), NOTHING).accepted

        found = [Month(first, accepted(first, Channel.EMAIL), accepted(first, Channel.SMS)) for first in starts]
        return Activity(live or 0, found)


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, _ZONE).date()


def _starts(today: date, months: int) -> list[date]:
    found = [today.replace(day=1)]
    while len(found) < months:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found
