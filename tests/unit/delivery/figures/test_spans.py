"""Hours, days and months of a time zone, as its people have them."""

from datetime import datetime

import pytest

from delivery.figures.spans import Span

TORONTO, ST_JOHNS = "America/Toronto", "America/St_Johns"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("span", "moment", "zone", "begins"),
    [
        (Span.HOUR, "2026-07-01T12:44:59+00:00", TORONTO, "2026-07-01T12:00:00+00:00"),
        (Span.HOUR, "2026-07-01T12:15:00+00:00", ST_JOHNS, "2026-07-01T11:30:00+00:00"),
        (Span.HOUR, "2026-07-01T12:30:00+00:00", ST_JOHNS, "2026-07-01T12:30:00+00:00"),
        (Span.DAY, "2026-07-01T02:29:59+00:00", ST_JOHNS, "2026-06-30T00:00:00-02:30"),
        (Span.DAY, "2026-07-01T02:30:00+00:00", ST_JOHNS, "2026-07-01T00:00:00-02:30"),
        (Span.MONTH, "2026-07-01T02:29:59+00:00", ST_JOHNS, "2026-06-01T00:00:00-02:30"),
        (Span.MONTH, "2026-12-31T23:59:59-05:00", TORONTO, "2026-12-01T00:00:00-05:00"),
        # Clocks go forward on 8 March 2026, and back on 1 November: a day of 23 hours, and one of 25.
        (Span.DAY, "2026-03-08T23:59:59-04:00", TORONTO, "2026-03-08T00:00:00-05:00"),
        (Span.DAY, "2026-11-01T23:59:59-05:00", TORONTO, "2026-11-01T00:00:00-04:00"),
        # Of the two hours from one o'clock each is its own.
        (Span.HOUR, "2026-11-01T01:30:00-04:00", TORONTO, "2026-11-01T01:00:00-04:00"),
        (Span.HOUR, "2026-11-01T01:30:00-05:00", TORONTO, "2026-11-01T01:00:00-05:00"),
        # A midnight that is skipped: the day begins with what follows it.
        (Span.DAY, "2018-11-04T12:00:00-02:00", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00"),
    ],
)
def test_what_holds_a_moment_begins(span: Span, moment: str, zone: str, begins: str) -> None:
    assert span.begins(at(moment), zone) == at(begins)
