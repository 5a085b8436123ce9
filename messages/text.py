"""Texts for people: an English source, which is the catalogue's key, and the values that it names; and one made clean.

Whoever prints it chooses the language. Knows no catalogue.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Literal

Translate = Callable[[str], str]  # the English source -> the text in the reader's language

_SPELT = str.maketrans({"œ": "oe", "Œ": "OE", "«": '"', "»": '"', "\u2019": "'"})  # what has no accent to lose

# Directional overrides make a name read other than it is; the rest of the format characters is needed for writing.
_DIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# What can be a mark, or becomes one; no language has so many on one letter (UAX #15, 13: stream-safe text).
_MARKS = re.compile(r"(?:[^\w\x00-\x7f]|[\uff9e\uff9f]){30}")


@dataclass(frozen=True, slots=True)
class Text:
    """`source` with `{named}` values; a value may be a Text itself, and is then translated with it."""

    source: str
    values: Mapping[str, object] = field(default_factory=dict)

    def render(self, translate: Translate = str) -> str:
        values = {name: v.render(translate) if isinstance(v, Text) else v for name, v in self.values.items()}
        return translate(self.source).format(**values) if values else translate(self.source)

    def __str__(self) -> str:
        return self.render()


class TextError(Exception):
    """An error whose text was written for people; as a string it is the English sentence, for logs."""

    def __init__(self, source: str, **values: object) -> None:
        self.text = Text(source, values)
        super().__init__(str(self.text))


def without_values(source: str) -> str:
    """A source, in whichever language, with \u2026 where a value stands."""
    return "".join(text + ("" if name is None else "\u2026") for text, name, _, _ in Formatter().parse(source))


def clean(text: str) -> str:
    """One line of visible text: control and directional characters away, white space to single blanks."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (c if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") else " " for c in _DIRECTIONAL.sub("", text))
    return " ".join("".join(kept).split())


def normalised(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """The text in Unicode's normal form, in time in proportion to it: marks are put in order within 30 of a row.

    In a longer row Unicode has each of them look at all others.
    """
    if text.isascii():
        return text
    pieces, at = [], 0
    for run in _MARKS.finditer(text):
        if all(unicodedata.category(c)[0] == "M" or c.isalnum() for c in run[0]):
            pieces.append(unicodedata.normalize(form, text[at : run.end()]))
            at = run.end()
    return "".join((*pieces, unicodedata.normalize(form, text[at:])))


def to_ascii(text: str) -> str:
    """The text without accents; `?` stands for what has no ASCII form."""
    if text.isascii():
        return text
    parts = normalised("NFKD", text.translate(_SPELT))
    return "".join(c for c in parts if not unicodedata.combining(c)).encode("ascii", "replace").decode()
