"""A bar chart as SVG: where its bars and lines stand. The words and the same numbers as a table are the page's."""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.site.dashboard.overview import Bar

WIDTH, HEIGHT, FOOT, EDGE = 720, 230, 38, 4
_BAR_SHARE = 0.72  # of the room that each has
_LABELS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """One bar: of its height the part that failed stands on top, with a pattern of its own."""

    at: int
    x: float
    width: float
    y: float
    height: float
    failed_height: float
    is_labelled: bool
    is_spare: bool  # of the labels one that goes where there is little room

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    columns: Sequence[Column]
    top: int  # the number at the upper line
    width: int = WIDTH
    height: int = HEIGHT
    base: int = HEIGHT - FOOT
    edge: int = EDGE


def chart(bars: Sequence[Bar]) -> Chart:
    top = round_up(max((bar.figures.accepted for bar in bars), default=0))
    base, room = HEIGHT - FOOT, (WIDTH - 2 * EDGE) / max(len(bars), 1)
    scale = (base - FOOT) / top
    every = max(1, round(len(bars) / _LABELS))
    columns = []
    for number, bar in enumerate(bars):
        height = round(bar.figures.accepted * scale, 1)
        failed = round(min(bar.figures.failed, bar.figures.accepted) * scale, 1)
        is_labelled = number % every == 0
        x, width = round(EDGE + number * room, 1), round(room * _BAR_SHARE, 1)
        columns.append(
            Column(bar.at, x, width, round(base - height, 1), height, failed, is_labelled, number // every % 2 == 1)
        )
    return Chart(columns, top)


def round_up(number: int) -> int:
    """To one digit and zeros, at least 10: an axis that people can read."""
    power: int = 10 ** max(len(str(max(number, 1))) - 1, 1)
    return -(-max(number, 1) // power) * power
