"""A service's counts over a window of days, by channel, door, template or key: for whoever asks by HTTP.

Each table of counts knows one of these alone. Days of the last two months can be told apart, before that months: a
window that reaches further back is widened to whole ones, and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Table, func, select, union_all

from config.database import Database
from delivery.figures.folding import DAYS_SECONDS
from delivery.figures.spans import Span
from delivery.figures.tables import count_changes, counts, key_counts, template_counts
from messages.message import KeyType
from messages.status import Status

MAX_DAYS = 366
MAX_ROWS = 1000  # of the most used templates or keys
_DAY_SECONDS = 86_400


class By(StrEnum):
    """What is told apart."""

    CHANNEL = "channel"
    DOOR = "door"
    TEMPLATE = "template"
    KEY = "key"


_TABLES: Mapping[By, tuple[Table, str]] = {
    By.CHANNEL: (counts, "channel"),
    By.DOOR: (counts, "door"),
    By.TEMPLATE: (template_counts, "template_id"),
    By.KEY: (key_counts, "key_id"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """From where the first day begins to where the one after the last does; seconds since the epoch."""

    start: int
    end: int
    zone: str

    @classmethod
    def of(cls, first: date, last: date, zone: str, now: float) -> "Window":
        """Both days are in it."""
        start, end = _begins(first, zone), _begins(last + timedelta(days=1), zone)
        days_since = _next_month(now - DAYS_SECONDS + _DAY_SECONDS, zone)
        if start < days_since:
            start = Span.MONTH.begins(start, zone)
        if end < days_since:
            end = _next_month(end - 1, zone)
        return cls(start, end, zone)

    @property
    def first(self) -> date:
        return datetime.fromtimestamp(self.start, UTC).astimezone(ZoneInfo(self.zone)).date()

    @property
    def last(self) -> date:
        return datetime.fromtimestamp(self.end - 1, UTC).astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True)
class Ends:
    """Messages of one of them, by what has become of each until now: `statuses` has ends alone."""

    accepted: int
    parts: int  # of texts, of all that were accepted
    statuses: Mapping[Status, int]

    @property
    def under_way(self) -> int:
        return self.accepted - sum(self.statuses.values())


class Windows:
    """Held by a door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, service_id: UUID, by: By, window: Window, *, tests: bool) -> dict[str, Ends]:
        """By what names each, the most used first; either of test keys alone, or of all others."""
        folded, name = _TABLES[by]
        asked = union_all(*(_sums(table, name, service_id, window, tests) for table in (folded, count_changes)))
        found: dict[str, dict[Status, list[int]]] = {}
        for named, status, number, units in await self._database.rows(asked):
            sums = found.setdefault(str(named), {}).setdefault(Status(status), [0, 0])
            sums[0] += int(number)
            sums[1] += int(units)
        ends = sorted(((named, _ends(sums)) for named, sums in found.items()), key=lambda e: (-e[1].accepted, e[0]))
        return dict(ends[:MAX_ROWS])


def _ends(sums: Mapping[Status, list[int]]) -> Ends:
    accepted, parts = sums.get(Status.CREATED, (0, 0))
    return Ends(accepted, parts, {status: each[0] for status, each in sums.items() if status is not Status.CREATED})


def _sums(table: Table, name: str, service_id: UUID, window: Window, tests: bool) -> Select[Any]:
    c = table.c
    of_tests: ColumnElement[bool] = c.key_type == KeyType.TEST.value
    asked = select(c[name], c.status, func.sum(c.messages), func.sum(c.units))
    mine = (c.service_id == service_id, c.start >= window.start, c.start < window.end)
    return asked.where(*mine, of_tests if tests else ~of_tests).group_by(c[name], c.status)


def _begins(day: date, zone: str) -> int:
    noon = datetime.combine(day, time(12), ZoneInfo(zone))
    return Span.DAY.begins(noon.timestamp(), zone)


def _next_month(at: float, zone: str) -> int:
    return Span.MONTH.begins(Span.MONTH.begins(at, zone) + 40 * _DAY_SECONDS, zone)
