"""The fiscal year, from 1 April to 31 March (Financial Administration Act, section 2), in a service's time zone.

Knows nothing of services or limits.
"""

import math
import re
from calendar import timegm
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from auth.errors import BAD_TIME_ZONE, AuthError

TIME_ZONE = "America/Toronto"  # of a service that names none
FIRST_MONTH = 4

_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")  # not `localtime`, nor a path


@dataclass(frozen=True, slots=True)
class FiscalYear:
    """A year by the calendar year that it begins in. The same one in every zone: they differ in when it is."""

    begins_in: int

    @classmethod
    def at(cls, now: float, zone: str) -> "FiscalYear":
        """The one in which a zone is now, in seconds since the epoch."""
        return _at(math.floor(now), zone)

    def starts_at(self, zone: str) -> int:
        """Seconds since the epoch of its first moment there: where midnight is skipped, what follows it."""
        return int(datetime(self.begins_in, FIRST_MONTH, 1, tzinfo=ZoneInfo(zone)).timestamp())

    def ends_at(self, zone: str) -> int:
        return FiscalYear(self.begins_in + 1).starts_at(zone)

    @property
    def key(self) -> int:
        """What its counts are kept by: its start in UTC, whatever the zone, so that who moves loses no count."""
        return _key(self.begins_in)

    def __str__(self) -> str:
        return f"{self.begins_in}-{self.begins_in + 1}"


@lru_cache(maxsize=256)  # every message of a second asks for the same one
def _at(second: int, zone: str) -> FiscalYear:
    local = datetime.fromtimestamp(second, ZoneInfo(zone))
    return FiscalYear(local.year if local.month >= FIRST_MONTH else local.year - 1)


@lru_cache(maxsize=16)
def _key(begins_in: int) -> int:
    return timegm((begins_in, FIRST_MONTH, 1, 0, 0, 0))


def parse_zone(text: str) -> str:
    """A name of the IANA time zone database. Raises AuthError."""
    name = text.strip()
    try:
        if _NAME.fullmatch(name):
            ZoneInfo(name)
            return name
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone
        pass
    raise AuthError(BAD_TIME_ZONE)
