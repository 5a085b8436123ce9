"""When a message is to leave, as people type it: in the service's time zone, at a time that there is."""

from datetime import UTC, datetime

import pytest

from relay.site.send.times import TimeError, scheduled

ZONE = "America/Toronto"
NOON = datetime(2026, 11, 29, 17, tzinfo=UTC).timestamp()  # 12:00 there


def at(day: str, clock: str, now: float = NOON, zone: str = ZONE) -> str | None:
    found = scheduled(day, clock, zone, now)
    return None if found is None else datetime.fromtimestamp(found, UTC).isoformat(timespec="minutes")


def test_nothing_typed_is_now() -> None:
    assert at("", " ") is None


def test_a_time_is_one_of_the_services_zone() -> None:
    assert at("2026-11-30", "09:05") == "2026-11-30T14:05+00:00"
    assert at("2026-11-30", "09:05:00", zone="America/Vancouver") == "2026-11-30T17:05+00:00"


def test_an_hour_that_comes_twice_is_the_first() -> None:
    before = datetime(2026, 10, 31, 12, tzinfo=UTC).timestamp()
    assert at("2026-11-01", "01:30", before) == "2026-11-01T05:30+00:00"


@pytest.mark.parametrize(
    ("day", "clock", "field", "words"),
    [
        ("", "09:00", "day", "Enter the day"),
        ("2026-11-30", "", "time", "Enter the time"),
        ("30/11/2026", "09:00", "day", "year-month-day"),
        ("2026-11-30", "9 h", "time", "hours and minutes"),
        ("2026-11-31", "09:00", "day", "no such day"),
        ("2026-11-30", "24:30", "time", "no such time"),
        ("2026-11-29", "12:00", "day", "has passed"),
        ("2026-12-03", "12:01", "day", "96 hours"),
    ],
)
def test_what_is_no_time_to_send_at_is_told_beside_its_field(day: str, clock: str, field: str, words: str) -> None:
    with pytest.raises(TimeError, match=words) as refused:
        at(day, clock)
    assert refused.value.field == field


def test_an_hour_that_is_skipped_is_none() -> None:
    before = datetime(2027, 3, 13, 12, tzinfo=UTC).timestamp()
    with pytest.raises(TimeError, match="skipped"):
        at("2027-03-14", "02:30", before)
    assert at("2027-03-14", "03:30", before) == "2027-03-14T07:30+00:00"
