"""Dates and times as each language writes them, by Babel: for pages and for letters."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel import dates
from babel.core import Locale
from babel.localedata import locale_identifiers

from auth.fiscal_year import TIME_ZONE
from messages.message import Language

LOCALES: Mapping[Language, Locale] = {
    Language.EN: Locale.parse("en_CA"),
    Language.FR: Locale.parse("fr_CA"),
}
assert {"en_CA", "fr_CA"} <= {*locale_identifiers()}


def day(at: float | date, language: Language, zone: str = TIME_ZONE) -> str:
    """As in November 29, 2026, 29 novembre 2026 and 1er novembre 2026."""
    found = at if isinstance(at, date) else _local(at, zone)
    return _first(dates.format_date(found, "long", locale=LOCALES[language]), language)


def moment(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """A day and a time of day, to the minute, with its zone."""
    name = dates.get_timezone_name(_local(at, zone), "short", locale=LOCALES[language])
    return f"{day(at, language, zone)}, {clock(at, language, zone)} {name}"


def zone_name(zone: str, language: Language) -> str:
    """As in Eastern Time and heure de l'Est."""
    return dates.get_timezone_name(ZoneInfo(zone), "long", locale=LOCALES[language])


def clock(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """As in 2:00 p.m. and 14 h 00, which no line is broken within."""
    return dates.format_time(_local(at, zone), "short", locale=LOCALES[language]).replace(" ", "\N{NO-BREAK SPACE}")


def short_day(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """As in Nov 29, 29 nov. and 1er nov."""
    return _first(dates.format_skeleton("MMMd", _local(at, zone), locale=LOCALES[language]), language)


def month(at: float | date, language: Language, zone: str = TIME_ZONE) -> str:
    """As in November 2026 and novembre 2026."""
    found = at if isinstance(at, date) else _local(at, zone)
    return dates.format_date(found, "LLLL y", locale=LOCALES[language])


def iso(at: float) -> str:
    """For `datetime` of a time element."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _first(text: str, language: Language) -> str:
    """The first of a month is no cardinal in French; CLDR writes it as one."""
    return f"1er {text.removeprefix('1 ')}" if language is Language.FR and text.startswith("1 ") else text


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
