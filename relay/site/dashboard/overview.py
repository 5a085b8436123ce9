"""What a dashboard says of the last days, made of what was counted: the same for all who look at it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from delivery.figures.moments import NOTHING, Figures, Moment, grouped, series, since, total
from delivery.figures.spans import Span
from messages.message import Channel, Door
from messages.text import Text

TOO_MANY_FAILED = 0.03  # of all: the share from which GC Notify warns, too
HOURS = 24
_HOUR_SECONDS = 3600

Way = tuple[Channel, Door]
WAYS: Mapping[Way, Text] = {
    (Channel.EMAIL, Door.SMTP): Text("Emails by SMTP"),
    (Channel.EMAIL, Door.HTTP): Text("Emails by the API"),
    (Channel.EMAIL, Door.SITE): Text("Emails from this site"),
    (Channel.EMAIL, Door.RELAY): Text("Emails of the relay itself"),
    (Channel.SMS, Door.SMTP): Text("Text messages by SMTP"),
    (Channel.SMS, Door.HTTP): Text("Text messages by the API"),
    (Channel.SMS, Door.SITE): Text("Text messages from this site"),
    (Channel.SMS, Door.RELAY): Text("Answers to keywords"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Figures of some time, together and by each way that something went."""

    figures: Figures
    ways: Sequence[tuple[Text, Figures]]

    @property
    def problems(self) -> list[tuple[Text, Figures]]:
        """The ways by which too many failed."""
        return [(way, figures) for way, figures in self.ways if figures.failure_share > TOO_MANY_FAILED]


@dataclass(frozen=True, slots=True)
class Bar:
    """Of a chart: an hour or a day."""

    at: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Overview:
    """What is live. Equal ones say the same."""

    today: Period
    week: Period
    hours: tuple[Bar, ...]


def overview(moments: Collection[Moment], zone: str, now: float) -> Overview:
    """`moments` from the start of the week at least."""
    hour = Span.HOUR.begins(now, zone)
    counted = series(since(moments, hour - HOURS * _HOUR_SECONDS), Span.HOUR, zone)
    starts = range(hour - (HOURS - 1) * _HOUR_SECONDS, hour + 1, _HOUR_SECONDS)
    hours = tuple(Bar(at, counted.get(at, NOTHING)) for at in starts)
    today, week = days_back(now, zone, 0), days_back(now, zone, 6)
    return Overview(period(since(moments, today)), period(since(moments, week)), hours)


def days(moments: Collection[Moment], zone: str, now: float, number: int) -> tuple[Bar, ...]:
    """The last ones, today the last of them."""
    counted = series(since(moments, days_back(now, zone, number - 1)), Span.DAY, zone)
    starts = [days_back(now, zone, back) for back in reversed(range(number))]
    return tuple(Bar(at, counted.get(at, NOTHING)) for at in starts)


def period(moments: Collection[Moment]) -> Period:
    found = grouped(moments, lambda each: (each.channel, each.door))
    return Period(total(moments), tuple((WAYS[way], found[way]) for way in WAYS if way in found))


def days_back(now: float, zone: str, number: int) -> int:
    """Where the day so many days before today begins."""
    noon = datetime.fromtimestamp(now, ZoneInfo(zone)).replace(hour=12)  # no clock is changed at noon
    return Span.DAY.begins((noon - timedelta(days=number)).timestamp(), zone)
