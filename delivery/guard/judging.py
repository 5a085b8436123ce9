"""From how many messages came back to what follows: a warning, a hold, its end. Pure.

SES reviews an account at 5 % bounces and 0.1 % complaints, and pauses it at 10 % and 0.5 %: one service must not do
that to all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from auth.services import OWN_ID
from delivery.store.reputations import Level, Measure

WINDOW_SECONDS = 86_400.0
ENOUGH = 1_000  # sends: of fewer, a share says nothing
_BACK = 0.8  # of the mark at which a warning was given: below, the next one is news again


class Marks(NamedTuple):
    """Shares of what was sent."""

    warn: float
    hold: float


MARKS: Mapping[Measure, Marks] = {
    Measure.BOUNCES: Marks(0.05, 0.10),
    Measure.COMPLAINTS: Marks(0.001, 0.005),
}


class Figures(NamedTuple):
    """Of one day."""

    bad: int = 0
    sent: int = 0  # of which the end is known

    @property
    def share(self) -> float:
        return self.bad / self.sent if self.sent else 0.0

    def less(self, other: "Figures") -> "Figures":
        return Figures(max(self.bad - other.bad, 0), max(self.sent - other.sent, 0))


NONE = Figures()


@dataclass(frozen=True, slots=True)
class Reputation:
    """How a service stands by one measure. Times are seconds since the epoch."""

    service_id: UUID
    measure: Measure
    level: Level = Level.FINE
    since: float = 0.0
    figures: Figures = NONE  # when that was judged
    acted_at: float | None = None  # since when the service says that the cause is mended
    forgiven: Figures = NONE  # by an operator's release, for a day

    def judged(self, figures: Figures, now: float, *, still_held: bool) -> "Reputation":
        """How it stands now; the same where nothing follows. `still_held`: nobody released it."""
        if self.level is Level.HELD:
            if not still_held:
                return self._moved(Level.FINE, figures, now, forgiven=figures)
            return self._moved(Level.FINE, figures, now) if self._is_mended(figures) else self
        forgiven = self.forgiven if now - self.since < WINDOW_SECONDS else NONE
        counted = figures.less(forgiven)
        level = self._level(counted)
        if level is Level.HELD or (level is Level.WARNED and self.level is Level.FINE):
            return self._moved(level, counted, now, forgiven=forgiven if level is Level.WARNED else NONE)
        has_fallen = counted.share < MARKS[self.measure].warn * _BACK or counted.sent < ENOUGH
        if self.level is Level.WARNED and has_fallen:
            return self._moved(Level.FINE, counted, now, forgiven=forgiven)
        return self

    def _level(self, figures: Figures) -> Level:
        marks = MARKS[self.measure]
        if figures.sent < ENOUGH or figures.share < marks.warn:
            return Level.FINE
        # The relay's own letters and notices are for all services, and come back for any one's sake.
        return Level.HELD if figures.share >= marks.hold and self.service_id != OWN_ID else Level.WARNED

    def _is_mended(self, figures: Figures) -> bool:
        """A hold ends the flow, so figures fall by themselves: somebody must have looked after the cause as well."""
        return self.acted_at is not None and (figures.share < MARKS[self.measure].warn or figures.sent < ENOUGH)

    def _moved(self, level: Level, figures: Figures, now: float, forgiven: Figures = NONE) -> "Reputation":
        return replace(self, level=level, since=now, figures=figures, acted_at=None, forgiven=forgiven)
