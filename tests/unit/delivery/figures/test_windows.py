"""Windows of days: whole days of the zone, and whole months where days are no longer told apart."""

from datetime import UTC, date, datetime

import pytest

from delivery.figures.windows import Window

ZONE = "America/Toronto"
NOW = datetime(2026, 11, 29, 17, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("first", "last", "is_from", "is_until"),
    [
        (date(2026, 11, 29), date(2026, 11, 29), date(2026, 11, 29), date(2026, 11, 29)),
        (date(2026, 10, 31), date(2026, 11, 2), date(2026, 10, 31), date(2026, 11, 2)),  # clocks go back
        (date(2026, 9, 29), date(2026, 11, 2), date(2026, 9, 1), date(2026, 11, 2)),  # 62 days ago: in September
        (date(2026, 9, 29), date(2026, 9, 29), date(2026, 9, 1), date(2026, 9, 30)),
        (date(2026, 2, 28), date(2026, 3, 31), date(2026, 2, 1), date(2026, 3, 31)),
        (date(2025, 12, 31), date(2026, 1, 1), date(2025, 12, 1), date(2026, 1, 31)),
        (date(2026, 12, 30), date(2026, 12, 31), date(2026, 12, 30), date(2026, 12, 31)),  # to come
    ],
)
def test_a_window_is_as_fine_as_what_is_kept(first: date, last: date, is_from: date, is_until: date) -> None:
    found = Window.of(first, last, ZONE, NOW)
    assert (found.first, found.last) == (is_from, is_until)


def test_a_window_begins_and_ends_with_the_days_of_its_zone() -> None:
    found = Window.of(date(2026, 11, 1), date(2026, 11, 1), ZONE, NOW)
    assert (found.start, found.end) == (
        int(datetime(2026, 11, 1, 4, tzinfo=UTC).timestamp()),
        int(datetime(2026, 11, 2, 5, tzinfo=UTC).timestamp()),
    )
