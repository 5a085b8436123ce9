"""The language of a page, which is the first segment of its path; and numbers as each writes them."""

from babel import numbers
from starlette.requests import Request

from config.words import negotiate
from messages.message import Language
from relay.dates import LOCALES

LANGUAGES = (Language.EN, Language.FR)


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
