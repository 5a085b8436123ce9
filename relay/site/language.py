"""The language of a page, which is the first segment of its path; and numbers, dates and times as each writes them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel import dates, numbers
from babel.core import Locale
from babel.localedata import locale_identifiers
from starlette.requests import Request

from auth.fiscal_year import TIME_ZONE
from config.words import negotiate
from messages.message import Language

LANGUAGES = (Language.EN, Language.FR)
LOCALES: Mapping[Language, Locale] = {
    Language.EN: Locale.parse("en_CA"),
    Language.FR: Locale.parse("fr_CA"),
}
assert {"en_CA", "fr_CA"} <= {*locale_identifiers()}


def other(language: Language) -> Language:
    return Language.FR if language is Language.EN else Language.EN


def split(path: str) -> tuple[Language | None, str]:
    """A path's language, and what stands behind it without slashes at its ends."""
    first, _, rest = path.strip("/").partition("/")
    return (Language(first), rest) if first in LANGUAGES else (None, path.strip("/"))


def preferred(request: Request) -> Language | None:
    """The reader's own, as far as the browser tells; None: neither of ours."""
    header = request.headers.get("accept-language", "")
    wanted = {part.partition(";")[0].strip().lower().partition("-")[0] for part in header[:1000].split(",")}
    return negotiate(header) if wanted & {*LANGUAGES} else None


def number(value: float, language: Language) -> str:
    return numbers.format_decimal(value, locale=LOCALES[language])


def percent(share: float, language: Language) -> str:
    """With one digit behind the point, as 12.5% and 12,5 %."""
    pattern = {Language.EN: "#,##0.0%", Language.FR: "#,##0.0\N{NO-BREAK SPACE}%"}[language]
    return numbers.format_percent(share, pattern, locale=LOCALES[language])


def day(at: float | date, language: Language, zone: str = TIME_ZONE) -> str:
    """As in November 29, 2026, 29 novembre 2026 and 1er novembre 2026."""
    found = at if isinstance(at, date) else _local(at, zone)
    return _first(dates.format_date(found, "long", locale=LOCALES[language]), language)


def moment(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """A day and a time of day, to the minute, with its zone."""
    local = _local(at, zone)
    clock = dates.format_time(local, "short", locale=LOCALES[language])
    name = dates.get_timezone_name(local, "short", locale=LOCALES[language])
    return f"{day(at, language, zone)}, {clock} {name}"


def zone_name(zone: str, language: Language) -> str:
    """As in Eastern Time and heure de l'Est."""
    return dates.get_timezone_name(ZoneInfo(zone), "long", locale=LOCALES[language])


def clock(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """As in 2:00 p.m. and 14 h 00."""
    return dates.format_time(_local(at, zone), "short", locale=LOCALES[language])


def short_day(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """As in Nov 29, 29 nov. and 1er nov."""
    return _first(dates.format_skeleton("MMMd", _local(at, zone), locale=LOCALES[language]), language)


def month(at: float, language: Language, zone: str = TIME_ZONE) -> str:
    """As in November 2026 and novembre 2026."""
    return dates.format_date(_local(at, zone), "LLLL y", locale=LOCALES[language])


def iso(at: float) -> str:
    """For `datetime` of a time element."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _first(text: str, language: Language) -> str:
    """The first of a month is no cardinal in French; CLDR writes it as one."""
    return f"1er {text.removeprefix('1 ')}" if language is Language.FR and text.startswith("1 ") else text


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
