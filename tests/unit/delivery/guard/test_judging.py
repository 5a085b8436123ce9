"""When a service is warned of, held and let go again, for what comes back of its mail."""

from uuid import UUID

import pytest

from delivery.guard.judging import NONE, Figures, Reputation
from delivery.store.reputations import Level, Measure

DAY, NOW = 86_400.0, 1_000_000.0
FINE = Reputation(UUID(int=1), Measure.BOUNCES)


def after(figures: Figures, before: Reputation = FINE, *, now: float = NOW, still_held: bool = True) -> Reputation:
    return before.judged(figures, now, still_held=still_held)


@pytest.mark.parametrize(
    ("measure", "bad", "sent", "level"),
    [
        (Measure.BOUNCES, 49, 1_000, Level.FINE),
        (Measure.BOUNCES, 50, 1_000, Level.WARNED),
        (Measure.BOUNCES, 99, 1_000, Level.WARNED),
        (Measure.BOUNCES, 100, 1_000, Level.HELD),
        (Measure.BOUNCES, 999, 999, Level.FINE),
        (Measure.COMPLAINTS, 9, 10_000, Level.FINE),
        (Measure.COMPLAINTS, 10, 10_000, Level.WARNED),
        (Measure.COMPLAINTS, 49, 10_000, Level.WARNED),
        (Measure.COMPLAINTS, 50, 10_000, Level.HELD),
        (Measure.COMPLAINTS, 999, 999, Level.FINE),
    ],
)
def test_each_mark_holds_from_a_thousand_sends(measure: Measure, bad: int, sent: int, level: Level) -> None:
    assert after(Figures(bad, sent), Reputation(UUID(int=1), measure)).level is level


def test_a_share_that_wavers_about_the_mark_warns_once() -> None:
    warned = after(Figures(50, 1_000))
    for bad in (49, 51, 45, 55, 41):
        assert after(Figures(bad, 1_000), warned, now=NOW + 60) == warned
    assert after(Figures(39, 1_000), warned, now=NOW + 60).level is Level.FINE


def test_a_hold_ends_when_the_share_has_fallen_and_somebody_acted_and_not_by_one_of_both() -> None:
    held = after(Figures(200, 1_000))
    acted = Reputation(held.service_id, held.measure, held.level, held.since, held.figures, acted_at=NOW + 60)

    assert after(NONE, held, now=NOW + 2 * DAY) == held
    assert after(Figures(60, 1_000), acted, now=NOW + 120) == acted
    assert after(Figures(40, 1_000), acted, now=NOW + 120).level is Level.FINE
    assert after(NONE, acted, now=NOW + 120).level is Level.FINE


def test_what_an_operator_released_is_held_again_for_what_comes_back_since_only() -> None:
    released = after(Figures(1_200, 10_000), after(Figures(1_200, 10_000)), now=NOW + 60, still_held=False)
    assert (released.level, released.forgiven) == (Level.FINE, Figures(1_200, 10_000))

    assert after(Figures(1_230, 11_000), released, now=NOW + 120) == released
    assert after(Figures(1_290, 11_000), released, now=NOW + 120).level is Level.WARNED
    again = after(Figures(1_320, 11_000), after(Figures(1_290, 11_000), released, now=NOW + 120), now=NOW + 180)
    assert (again.level, again.figures) == (Level.HELD, Figures(120, 1_000))
    assert after(Figures(1_000, 10_000), released, now=NOW + 60 + DAY).level is Level.HELD


def test_who_was_warned_anew_and_is_fine_again_is_not_held_for_what_was_forgiven() -> None:
    released = after(Figures(1_200, 10_000), after(Figures(1_200, 10_000)), now=NOW + 60, still_held=False)
    warned = after(Figures(1_260, 11_000), released, now=NOW + 120)
    fine = after(Figures(1_270, 13_000), warned, now=NOW + 180)
    assert (warned.level, fine.level) == (Level.WARNED, Level.FINE)
    assert after(Figures(1_300, 12_900), fine, now=NOW + 240) == fine
