"""The catalogue of all that people read: English stands in the code, French in locale/, under the English text.

Knows neither who reads nor where it is printed.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from babel.messages.pofile import read_po

from messages.message import Language
from messages.reply import Voice
from messages.text import Translate, to_ascii

_CATALOGUE = "locale/fr/LC_MESSAGES/notify-relay.po"
_HEADER_CHARACTERS = 1000  # of Accept-Language: what stands behind them is not looked at


class Words:
    """One per process. A text that the catalogue does not have stays English.

    `page` is the URL where SMTP replies are explained: refusals link to it.
    """

    def __init__(self, french: Mapping[str, str], page: str = "") -> None:
        folded = cache(to_ascii)  # when it is first said: to fold them all takes as long as to read them
        english: tuple[Translate, ...] = (str,)
        folding: tuple[Translate, ...] = (lambda source: folded(french[source]) if source in french else source,)
        self._translators: dict[Language, Translate] = {
            Language.EN: str,
            Language.FR: lambda source: french.get(source, source),
        }
        spoken = {Language.EN: english, Language.FR: folding, Language.BOTH: english + folding}
        self._voices = {language: Voice(languages, page) for language, languages in spoken.items()}

    @classmethod
    def load(cls, page: str = "") -> "Words":
        return cls(catalogue(), page)

    def translator(self, language: Language) -> Translate:
        """For EN and FR: a page or an answer is in one language."""
        return self._translators[language]

    def voice(self, language: Language) -> Voice:
        """For SMTP replies, which are ASCII: without accents, and BOTH says all twice."""
        return self._voices[language]


@cache
def catalogue() -> Mapping[str, str]:
    """French by English: read once, by a supervisor for all its children."""
    with (resources.files("config") / _CATALOGUE).open("rb") as file:
        return MappingProxyType({str(each.id): str(each.string) for each in read_po(file) if each.id and each.string})


def negotiate(header: str | None) -> Language:
    """The language that an Accept-Language header asks for (RFC 9110 12.5.4); English when it asks for neither."""
    wanted: dict[str, float] = {}
    for part in (header or "")[:_HEADER_CHARACTERS].lower().split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().partition("-")[0]
        wanted[language] = max(wanted.get(language, 0.0), _quality(weight))
    english, french = (wanted.get(language, wanted.get("*", 0.0)) for language in ("en", "fr"))
    if english != french:
        return Language.FR if french > english else Language.EN
    first = next((language for language in wanted if language in ("en", "fr")), "en")
    return Language(first) if french else Language.EN


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
