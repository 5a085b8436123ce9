"""Which of the two official languages a text speaks: what it says itself with [[en]] and [[fr]], else by its words.

For hints to whoever writes, so that nobody gets half of a message; nothing is refused by it. Knows nothing of
templates.
"""

import re
from collections import Counter

from messages.message import Language

_ENCLOSED = re.compile(r"\[\[(en|fr)\]\]", re.IGNORECASE)
_NOT_WORDS = re.compile(r"\(\([^()]*\)\)|https?://\S+")  # names of values and addresses are of no language
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019](?=\w))?")
_MOST_CHARACTERS = 50_000
_LEAST_SHARE = 0.2  # of what can be told: a name or a title in the other language is no half

# Words that the other language does not have, as frequent as any.
_ENGLISH = (
    "the and of to your you is are was be been for with please has have will not this that from at by our we it if or "
    "can may must do does no yes it's don't here dear hello thank thanks"
)
_FRENCH = (
    "le la les des du de et vous votre vos est sont pour avec une un ne pas ce cette ces aux au dans par nous notre "
    "nos sur qui que ou où si doit peut veuillez bonjour merci oui non être été sera seront l' d' qu' n' s' j' c'"
)
_WORDS = {Language.EN: frozenset(_ENGLISH.split()), Language.FR: frozenset(_FRENCH.split())}


def spoken(text: str) -> frozenset[Language]:
    """The languages of a text; empty where it does not say enough to tell."""
    marked = {Language(name.lower()) for name in _ENCLOSED.findall(text)}
    words = Counter(map(_plain, _WORD.findall(_NOT_WORDS.sub(" ", text[:_MOST_CHARACTERS]))))
    counts = {language: sum(words[word] for word in known) for language, known in _WORDS.items()}
    least = _LEAST_SHARE * sum(counts.values())
    return frozenset(marked | {language for language, count in counts.items() if count and count >= least})


def lacking(text: str, wanted: Language) -> tuple[Language, ...]:
    """Of the languages that its readers are to get, those that a text does not speak; none where nobody can tell."""
    found = spoken(text)
    languages = (Language.EN, Language.FR) if wanted is Language.BOTH else (wanted,)
    return tuple(each for each in languages if found and each not in found)


def _plain(word: str) -> str:
    return word.lower().replace("\u2019", "'")
