"""When a message is to leave: a day and a time of day as people type them, in the service's time zone."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from messages.message import MAX_AHEAD_SECONDS
from messages.text import TextError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)  # as browsers send what is chosen (HTML, 4.10.5.1.7)
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2})?", re.ASCII)
_HOUR_SECONDS = 3600


class TimeError(TextError):
    """No such time can be kept: `field` is day or time."""

    def __init__(self, source: str, field: str = "day", **values: object) -> None:
        super().__init__(source, **values)
        self.field = field


def scheduled(day: str, clock: str, zone: str, now: float) -> float | None:
    """Seconds since the epoch; None: now, since neither is given. Raises TimeError.

    Where clocks go back, a time that comes twice is the first.
    """
    day, clock = day.strip(), clock.strip()
    if not day and not clock:
        return None
    if not day:
        raise TimeError("Enter the day, or leave the time empty to send now")
    if not clock:
        raise TimeError("Enter the time of day, or leave the day empty to send now", "time")
    local, at = _at(day, clock, zone)
    if datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None) != local:
        raise TimeError("Clocks go forward on that day, and this time is skipped. Choose another one", "time")
    if at <= now:
        raise TimeError("This time has passed. Choose a later one")
    if at > now + MAX_AHEAD_SECONDS:
        raise TimeError("Choose a time within the next {hours} hours", hours=MAX_AHEAD_SECONDS // _HOUR_SECONDS)
    return at


def _at(day: str, clock: str, zone: str) -> tuple[datetime, float]:
    if not _DAY.fullmatch(day):
        raise TimeError("Enter the day as year-month-day, such as 2027-03-31")
    if not _TIME.fullmatch(clock):
        raise TimeError("Enter the time as hours and minutes, such as 14:30", "time")
    try:
        date = datetime.fromisoformat(day)
    except ValueError:
        raise TimeError("There is no such day") from None
    try:
        local = datetime.fromisoformat(f"{date.date()}T{clock}")
    except ValueError:
        raise TimeError("There is no such time of day", "time") from None
    return local, local.replace(tzinfo=ZoneInfo(zone)).timestamp()
