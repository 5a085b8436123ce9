"""How long what is accepted now would wait, by what waits and what the provider takes, and who is pushed back. Pure.

Services of a lane are served in turn: before one's last message leaves as many of each other service's, or all that it
has. How fast one's own leave is measured while they wait, since the others' may go on to come; it is never less than
the rate divided by how many wait. What another one has waiting beyond that makes nobody else's mail wait longer, and
pushes nobody else back. Lanes before a lane need not be looked at: none of them grows beyond its own mark, which is a
small part of the next one's lifetime.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from messages.message import Channel, Lane

# Of the lifetime of a lane's messages: beyond it they are pushed back, and taken again below the other.
_FULL: Mapping[Lane, float] = {Lane.PRIORITY: 0.75, Lane.NORMAL: 0.5, Lane.BULK: 0.5}
_ROOM = 0.8  # of that mark
_NOTHING: Mapping["Place", float] = MappingProxyType({})


class Place(NamedTuple):
    service_id: UUID
    lane: Lane
    channel: Channel


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due of a service in one lane and channel."""

    place: Place
    waiting: int
    oldest_seconds: float  # how long the first has waited
    held: bool = False


@dataclass(frozen=True, slots=True)
class Foreseen:
    backlog: Backlog
    wait_seconds: float
    pushed_back: bool


def foresee(
    backlogs: Iterable[Backlog],
    per_second: Mapping[Channel, float],
    before: Collection[Place],
    taken: Mapping[Place, float] = _NOTHING,
) -> list[Foreseen]:
    """`before` are the places that were pushed back until now, `taken` is what left in a second where many waited.

    A channel whose rate nobody knows is judged by age.
    """
    backlogs = list(backlogs)
    queues = {(lane, channel): _Queue.of(backlogs, lane, channel) for lane in Lane for channel in Channel}
    waits = {each.place: (each, _seconds(each, queues[each.place[1:]], per_second, taken)) for each in backlogs}
    full = {place for place, (_, seconds) in waits.items() if seconds > _mark(place, place in before)}
    pushed_back = {place for first in full for place in _from(first)}
    for place in pushed_back - waits.keys():
        waits[place] = Backlog(place, 0, 0.0), max(waits[each][1] for each in full if place in _from(each))
    return [Foreseen(each, seconds, place in pushed_back) for place, (each, seconds) in waits.items()]


def retry_seconds(lane: Lane, wait_seconds: float) -> int:
    """When to try again what was pushed back: about when there is room; in the range that clients heed."""
    return int(min(max(wait_seconds - mark_seconds(lane) * _ROOM, 60.0), 3600.0))


def mark_seconds(lane: Lane, lifetime_seconds: float | None = None) -> float:
    """A longer wait than that leaves too little time before expiry."""
    return _FULL[lane] * min(lifetime_seconds or lane.lifetime_seconds, lane.lifetime_seconds)


@dataclass(frozen=True, slots=True)
class _Queue:
    """How many wait of each service whose turn comes in one lane and channel: the fewest first; and of so many first
    services all together."""

    numbers: list[int]
    sums: list[int]

    @classmethod
    def of(cls, backlogs: Iterable[Backlog], lane: Lane, channel: Channel) -> "_Queue":
        mine = (each for each in backlogs if each.place[1:] == (lane, channel) and not each.held)
        numbers = sorted(each.waiting for each in mine)
        return cls(numbers, [0, *accumulate(numbers)])

    def until_last(self, number: int) -> int:
        """How many leave until so many of one service did."""
        fewer = bisect_right(self.numbers, number)
        return self.sums[fewer] + number * (len(self.numbers) - fewer)


def _seconds(
    backlog: Backlog, queue: _Queue, per_second: Mapping[Channel, float], taken: Mapping[Place, float]
) -> float:
    rate = per_second.get(backlog.place.channel)
    if not rate:
        return backlog.oldest_seconds
    behind = max(queue.until_last(backlog.waiting), backlog.waiting) / rate  # who is held is in no queue
    if not backlog.held and backlog.place in taken:
        behind = max(behind, backlog.waiting / max(rate / len(queue.numbers), taken[backlog.place]))
    return max(backlog.oldest_seconds, behind)


def _mark(place: Place, was_pushed_back: bool) -> float:
    return mark_seconds(place.lane) * (_ROOM if was_pushed_back else 1)


def _from(full: Place) -> list[Place]:
    """With a lane that is full, those behind it: what is urgent is refused last."""
    return [full._replace(lane=lane) for lane in Lane if lane.rank >= full.lane.rank]
