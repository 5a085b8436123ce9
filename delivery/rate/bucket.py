"""How many messages may leave by a provider, and when: the arithmetic of its rate and of its day's quota. Pure.

One account has one timeline, and whoever claims takes the next places on it: the rate is kept, whoever sends. What the
provider turns away lowers the rate by half of its share (as DCTCP does: a burst that came too near costs little, and a
provider that takes nothing brings us down to one message a second in seconds); what it takes raises it evenly, up to
what it grants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from delivery.queue.base import Slot
from delivery.queue.clock import interval_seconds, tolerance_seconds
from messages.message import Lane

AHEAD_SECONDS = 0.5  # who finds less than that given out takes the next places,
SPAN_SECONDS = 0.2  # and as far as that beyond it
LEAD_SECONDS = 0.15  # from the claim to the call: loaded, sealed, its attempt written down
SPENT_SECONDS = 60.0  # after the provider said that the day's quota is spent
# Of the day's quota: what is left for the lanes before. The last tenth is not for bulk, the last fiftieth for codes.
RESERVED: Mapping[Lane, float] = {Lane.PRIORITY: 0.0, Lane.NORMAL: 0.02, Lane.BULK: 0.10}

_COUNTED_SECONDS = 1.0  # as SES counts
_FRESH_SECONDS = 10.0
_RECOVERY = 0.02  # of what is granted, a second: from nothing to all in 50 s
_LEAST = 1.0  # a second: one that asks whether the provider takes mail again
_SET_BACK_SECONDS = 120.0  # further ahead than this nothing is ever given out: the clock was set back


@dataclass(frozen=True, slots=True)
class Answers:
    """What the provider said to messages since somebody looked last."""

    taken: int = 0  # or refused for another reason
    turned_away: int = 0  # too fast
    spent: bool = False  # the day's quota is

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(self.taken + other.taken, self.turned_away + other.turned_away, self.spent or other.spent)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One account's. Times are seconds since the epoch, by the database's clock."""

    granted: float  # messages a second
    allowed: float  # of them, after what was turned away
    next_at: float = 0.0  # when the next one leaves
    held_until: float = 0.0
    quota: float | None = None  # in 24 hours
    sent: float = 0.0  # of it: as the provider said last, and what was given out since
    counted_at: float = 0.0  # since then:
    taken: int = 0
    turned_away: int = 0
    used: float = 0.0  # a second, when that was counted last

    @property
    def interval(self) -> float:
        return interval_seconds(self.allowed)

    @property
    def left(self) -> float | None:
        """Of the day's quota; None: there is no limit."""
        return None if self.quota is None else max(self.quota - self.sent, 0.0)

    def used_at(self, now: float) -> float:
        """A second: as counted last, unless nobody has counted for a while."""
        return self.used if now - self.counted_at < _FRESH_SECONDS else 0.0

    @property
    def lanes(self) -> frozenset[Lane]:
        """Of which messages leave now."""
        if self.quota is None:
            return frozenset(Lane)
        return frozenset(lane for lane in Lane if self.quota - self.sent >= max(RESERVED[lane] * self.quota, 1.0))

    def room(self, now: float) -> int:
        """How many may be claimed."""
        begins = max(self._free_at(now), now)
        if self._held(now) or begins > now + AHEAD_SECONDS:
            return 0
        room = max(int((now + AHEAD_SECONDS + SPAN_SECONDS - begins) / self.interval), 1)
        return room if self.left is None else min(room, int(self.left))

    def take(self, count: int, now: float, offset: float, lead: float = LEAD_SECONDS) -> tuple["Bucket", list[Slot]]:
        """The next places for so many; `offset` is that of `now` from time.monotonic().

        They cannot leave before `lead` is over: nearer places may be used as late as that, and who comes next stands
        behind that much.
        """
        if not count:
            return self, []
        begins = max(self._free_at(now), now)
        late = max(now + lead - begins, 0.0)
        tolerance = tolerance_seconds(self.interval) + late
        slots = [Slot(begins + at * self.interval - offset, tolerance) for at in range(count)]
        ends = begins + late + count * self.interval
        return replace(self, next_at=ends, sent=self.sent + count), slots

    def told(self, answers: Answers, now: float) -> "Bucket":
        """After what the provider answered: counted second by second."""
        found = replace(self, taken=self.taken + answers.taken, turned_away=self.turned_away + answers.turned_away)
        if answers.spent:
            found = replace(found, held_until=now + SPENT_SECONDS, sent=max(self.sent, self.quota or 0.0))
        seconds = now - self.counted_at
        return found if 0 <= seconds < _COUNTED_SECONDS else found._counted(now, max(seconds, 0.0))

    def _counted(self, now: float, seconds: float) -> "Bucket":
        number = self.taken + self.turned_away
        if self.turned_away:
            allowed = self.allowed * (1 - self.turned_away / number / 2)
        else:
            allowed = self.allowed + _RECOVERY * self.granted * seconds
        allowed = max(min(allowed, self.granted), min(_LEAST, self.granted))
        used = number / seconds if seconds else 0.0
        return replace(self, allowed=allowed, counted_at=now, taken=0, turned_away=0, used=used)

    def granting(self, granted: float, quota: float | None, sent: float) -> "Bucket":
        """As the provider says now. Who had all that was granted has it still."""
        allowed = granted if self.allowed >= self.granted else min(self.allowed, granted)
        return replace(self, granted=granted, allowed=allowed, quota=quota, sent=sent)

    def _free_at(self, now: float) -> float:
        return self.next_at if self.next_at < now + _SET_BACK_SECONDS else now

    def _held(self, now: float) -> bool:
        return now < self.held_until < now + _SET_BACK_SECONDS
