"""When a fiscal year begins: at local midnight of 1 April, wherever that is."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from auth.errors import AuthError
from auth.fiscal_year import FiscalYear, parse_zone


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("America/Toronto", "2026-04-01T04:00:00Z"),  # summer time since March
        ("America/Regina", "2026-04-01T06:00:00Z"),  # none
        ("America/St_Johns", "2026-04-01T02:30:00Z"),
        ("UTC", "2026-04-01T00:00:00Z"),
        ("Asia/Tokyo", "2026-03-31T15:00:00Z"),  # east of UTC: still March there
        ("Pacific/Kiritimati", "2026-03-31T10:00:00Z"),  # UTC+14
        ("Pacific/Pago_Pago", "2026-04-01T11:00:00Z"),  # UTC-11
        ("Australia/Lord_Howe", "2026-03-31T13:00:00Z"),  # summer time until the first Sunday of April
    ],
)
def test_a_year_begins_at_local_midnight_of_1_april(zone: str, begins: str) -> None:
    moment = at(begins)

    assert FiscalYear.at(moment - 0.001, zone) == FiscalYear(2025)
    assert FiscalYear.at(moment, zone) == FiscalYear(2026)
    assert FiscalYear(2026).starts_at(zone) == FiscalYear(2025).ends_at(zone) == moment


@pytest.mark.parametrize(("zone", "year"), [("Asia/Amman", 2022), ("Asia/Damascus", 2011), ("Africa/Cairo", 1983)])
def test_every_moment_is_in_one_year_and_no_year_has_a_gap(zone: str, year: int) -> None:
    """Also where clocks changed on a day close by."""
    start, end = FiscalYear(year).starts_at(zone), FiscalYear(year).ends_at(zone)

    assert FiscalYear.at(start, zone) == FiscalYear.at(end - 1, zone) == FiscalYear(year)
    assert FiscalYear.at(start - 1, zone) == FiscalYear(year - 1)
    assert datetime.fromtimestamp(start, ZoneInfo(zone)).strftime("%m-%d") == "04-01"


def test_what_a_year_is_kept_by_is_the_same_in_every_zone() -> None:
    keys = {FiscalYear.at(at("2026-07-01T00:00:00Z"), zone).key for zone in ("Asia/Tokyo", "America/Toronto", "UTC")}

    assert keys == {at("2026-04-01T00:00:00Z")}


@pytest.mark.parametrize("name", ["America/Toronto", "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", " UTC "])
def test_zones_of_the_database_are_taken(name: str) -> None:
    assert parse_zone(name) == name.strip()


@pytest.mark.parametrize(
    "name",
    ["", "Toronto", "EST/EDT", "America", "America/", "localtime", "/etc/localtime", "../UTC", "+05:00", "a" * 999],
)
def test_all_else_is_refused(name: str) -> None:
    with pytest.raises(AuthError, match="a time zone has a name such as America/Toronto"):
        parse_zone(name)
