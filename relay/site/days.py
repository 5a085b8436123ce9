"""A last day, as people type it: what ends with it ends where the next one begins, in the service's time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from messages.text import Text

BAD = Text("Enter the last day as year, month and day, like 2027-03-31")
OVER = Text("The last day must be today or later")


def end(text: str, zone: str) -> float:
    """Seconds since the epoch. Raises ValueError where it is no day."""
    try:
        following = date.fromisoformat(text) + timedelta(days=1)
    except OverflowError:
        raise ValueError(text) from None
    return datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone)).timestamp()


def last(ends: float, zone: str) -> str:
    """The day that ends then, as a form holds it."""
    return datetime.fromtimestamp(ends - 1, UTC).astimezone(ZoneInfo(zone)).date().isoformat()
