"""The hours, days and months of a time zone: where what was counted in it begins."""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo


class Span(StrEnum):
    """How long a time a count is of."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def begins(self, at: float, zone: str) -> int:
        """Where the one that holds this moment begins in the zone; both in seconds since the epoch."""
        return _begins(self, int(at), zone)


@lru_cache(maxsize=4096)  # rows of one time are many
def _begins(span: Span, at: int, zone: str) -> int:
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    if span is Span.HOUR:  # by the offset: when clocks go back there are two of one name
        offset = int((local.utcoffset() or local - local).total_seconds())
        return at - (at + offset) % 3600
    first = local.day if span is Span.DAY else 1
    # Where midnight is skipped, what follows it.
    return int(datetime(local.year, local.month, first, tzinfo=ZoneInfo(zone)).timestamp())
