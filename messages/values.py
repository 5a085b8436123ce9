"""Values that stand in a template for its placeholders, each made ready for the place where it stands.

A value is one value and nothing more: it makes no header field, and stays inside the link whose address or text it is.
Markdown in a value is active, as the API's contract has it, unless the sender names the value in
`sanitise_content_for`: then it comes out as the characters that were given, but for addresses, which nobody can follow.
Takes time in proportion to what it is given. Knows nothing of templates.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from messages import links
from messages.text import normalised

Personalisation = Mapping[str, object]  # of JSON: text, numbers, lists of these; null is "not given"

# Where a value stands: in the text, in the text of a link, in its address, in a line, in an address within the text.
TEXT, LABEL, TARGET, LINE, ADDRESS = "\0\1\2\3\4"

_FILLERS = re.compile(r"[\s_-]+")
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TRUE = frozenset(("yes", "y", "true", "t", "1", "include", "show", "oui", "vrai", "inclure", "afficher"))

_MARKDOWN = re.compile(r"[`*_()\\{}\[\]<>#+\-.!|^&~]")
_BRACKETS = re.compile(r"[\[\]\\]")
_URL = re.compile(r"(?<![A-Za-z])[A-Za-z]++://[^\s<>\"')\]]*+")
# The value beside it has the other half.
_HALF_URL = re.compile(r"\A:?//++(?=\S)|\A:/(?=\S)|(?<![A-Za-z])[A-Za-z]{2,}+:/++\Z")
_LABEL_CHARACTER = r"[\w\u0300-\u036f\u200c\u200d-]"
_DOT = r"[.\u3002\uff0e\uff61]"  # each is one in a domain name (Unicode UTS 46)
_DOMAIN = re.compile(
    r"(?P<mail>(?<![\w.+%'-])[\w.+%'-]++@\w[\w-]*+(?:\.[\w-]++)*+)"
    rf"|(?<!{_LABEL_CHARACTER})(?<!{_LABEL_CHARACTER}{_DOT}){_LABEL_CHARACTER}++(?:{_DOT}{_LABEL_CHARACTER}++)++"
    r"(?P<path>[/?#][^\s<>\"')\]]*+)?"
)
# What nobody sees in a name but may hide an address, or turn the letter around it (Unicode UAX 9).
_UNSEEN = re.compile("[\u00ad\u180e\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_NO_LETTERS = re.compile("[\u0300-\u036f\u200c\u200d]")
_ENDS_ADDRESS = re.compile(r"[\s\"`<>]|(?<=\[)\[")
_ENDS_TARGET = re.compile(r"[\s()<>\"'\\`]|(?<=\[)\[")
_MEANS_SOMETHING = re.compile(r"[\\()]|&(?=#?\w{1,32};)")


class Values:
    """The personalisation of one message, each value made ready for a place once. Asked by `key_of` a name."""

    def __init__(self, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> None:
        values = ((key_of(name), _value(raw)) for name, raw in personalisation.items())
        self._values = {key: value for key, value in values if value is not None}
        self._sanitised = {key_of(name) for name in sanitise_content_for}
        self._ready: dict[tuple[str, str], str] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def fill(self, key: str, place: str) -> str | None:
        """What stands there in its place; None where it has no value."""
        value = self._values.get(key)
        if value is None:
            return None
        if (key, place) not in self._ready:
            self._ready[key, place] = _placed(value, place, sanitised=key in self._sanitised)
        return self._ready[key, place]

    def keeps(self, key: str) -> bool | None:
        """Whether it says yes; None where it has no value."""
        value = self._values.get(key)
        return None if value is None else _in_line(value).strip().lower() in _TRUE


def sanitised_content(
    personalisation: Personalisation, sanitise_content_for: Iterable[str]
) -> dict[str, dict[str, str]]:
    """What sanitising does to the values it is asked for: `{key: {"unsanitised", "sanitised"}}`, those it changes."""
    asked = {key_of(name) for name in sanitise_content_for}
    changes = {}
    for key, raw in personalisation.items():
        value = _value(raw)
        if value is None or key_of(key) not in asked:
            continue
        before = _in_line(value)
        after = _sanitise(before)
        if after != before:
            changes[key] = {"unsanitised": before, "sanitised": after}
    return changes


def normalise(text: str) -> str:
    """Text with LF line ends and without control characters, as everything here expects it."""
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def key_of(name: str) -> str:
    """What two spellings of a name have in common: case, blanks, `_` and `-` do not count."""
    bare = _FILLERS.sub("", name)
    return normalised("NFC", bare).lower()


def _value(raw: object) -> str | tuple[str, ...] | None:
    """A value as text, or as the items of a list; None where there is none."""
    if isinstance(raw, str | int | float):
        return normalise(str(raw))
    if isinstance(raw, list | tuple):
        texts = (" ".join(normalise(str(item)).split()) for item in raw if isinstance(item, str | int | float))
        return tuple(text for text in texts if text) or None
    return None


def _in_line(value: str | Sequence[str]) -> str:
    """A value inside a sentence: of a list `a, b and c`."""
    if isinstance(value, str):
        return value
    *others, last = value
    return f"{', '.join(others)} and {last}" if others else last


def _placed(value: str | Sequence[str], place: str, *, sanitised: bool) -> str:
    if place == TEXT and not isinstance(value, str):
        return "\n\n" + "\n".join(f"* {_sanitise(item) if sanitised else _item(item)}" for item in value)
    text = _in_line(value)
    if place in (LINE, TARGET, ADDRESS) and sanitised:
        text = _defused(text)
    if place == LINE:
        return text
    if place in (TARGET, ADDRESS):
        return _in_address(text.strip(), in_markdown=place == TARGET)
    if place == LABEL:
        text = " ".join(text.split())
    if sanitised:
        return _sanitise(text)
    return _BRACKETS.sub(r"\\\g<0>", text) if place == LABEL else text


def _in_address(text: str, *, in_markdown: bool) -> str:
    """As a part of an address, which it does not end; a whole one stays what it is, to the last character."""
    if not in_markdown:
        return _ENDS_ADDRESS.sub(_percent, text)
    text = (_ENDS_ADDRESS if links.is_address(text) else _ENDS_TARGET).sub(_percent, text)
    return _MEANS_SOMETHING.sub(r"\\\g<0>", text)


def _item(text: str) -> str:
    ends = links.ends_itself(text) and text[-1] not in "*_~" and "\\" not in text
    return f"<{text}>" if links.is_address(text) and not ends else text


def _percent(found: re.Match[str]) -> str:
    return quote(found[0])


def _sanitise(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", _defused(text)).replace("\u2022", "&#8226;")


def _defused(text: str) -> str:
    """Without links: addresses of pages are taken out, and bare domains broken up so that no reader makes them live."""
    return _DOMAIN.sub(_break_up, _HALF_URL.sub("", _URL.sub("", _UNSEEN.sub("", text))))


def _break_up(found: re.Match[str]) -> str:
    if found["mail"]:
        return found[0]
    host = found[0].removesuffix(found["path"] or "")
    top = _NO_LETTERS.sub("", re.split(_DOT, host)[-1])
    if len(top) < 2 or not (top.isalpha() or top.lower().startswith("xn--")):
        return found[0]  # a number, an abbreviation
    return "" if found["path"] else re.sub(_DOT, r"\g<0> ", host)
