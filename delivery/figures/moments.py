"""Figures, and what they come to: since a time, by spans of a zone, by channel or door. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from delivery.figures.spans import Span
from messages.message import Channel, Door

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Figures:
    """Messages by what has become of them until now. All that were accepted and have no end yet are under way."""

    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    cancelled: int = 0
    parts: int = 0  # of texts, of all that were accepted

    @property
    def under_way(self) -> int:
        return self.accepted - self.delivered - self.failed - self.cancelled

    @property
    def failure_share(self) -> float:
        """Of all that were accepted, from 0 to 1."""
        return self.failed / self.accepted if self.accepted else 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.accepted + other.accepted,
            self.delivered + other.delivered,
            self.failed + other.failed,
            self.cancelled + other.cancelled,
            self.parts + other.parts,
        )


NOTHING = Figures()


@dataclass(frozen=True, slots=True)
class Moment:
    """Of one channel and door, in what begins then: an hour, a day or a month, by how long ago it is."""

    start: int  # seconds since the epoch
    channel: Channel
    door: Door
    figures: Figures


def since(moments: Iterable[Moment], at: int) -> list[Moment]:
    return [each for each in moments if each.start >= at]


def total(moments: Iterable[Moment]) -> Figures:
    return sum((each.figures for each in moments), NOTHING)


def grouped(moments: Iterable[Moment], by: Callable[[Moment], K]) -> dict[K, Figures]:
    found: dict[K, Figures] = {}
    for each in moments:
        key = by(each)
        found[key] = found.get(key, NOTHING) + each.figures
    return found


def series(moments: Iterable[Moment], span: Span, zone: str) -> dict[int, Figures]:
    """By where each hour, day or month of the zone begins; one in which nothing was accepted has none."""
    return grouped(moments, lambda each: span.begins(each.start, zone))
