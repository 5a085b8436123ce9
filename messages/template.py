"""Templates with `((placeholders))`, and filling them with a message's personalisation.

A value is one value and nothing more: it is never read for placeholders, makes no header field, and stays inside the
link whose address or text it is. Markdown in a value is active, as the API's contract has it, unless the sender names
the value in `sanitise_content_for`; HTML never is (markdown.py). Takes time in proportion to what it is given.
Knows nothing of services, stores or MIME.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from messages.message import Channel
from messages.typography import typographic
from messages.words import MAX_SUBJECT_CHARACTERS, clean

MAX_FILLED_OCTETS = 256 * 1024  # one value may stand in a template ten thousand times
MAX_FILLED_LINES = 5_000  # each may become a paragraph of 200 octets of HTML: bounds what is built at the exit

Personalisation = Mapping[str, object]  # of JSON: text, numbers, lists of these; null is "not given"

# Where a value stands: as marks in the text, which holds no control characters of its own.
_TEXT, _LABEL, _TARGET, _LINE = "\0", "\1", "\2", "\3"
_MARK = re.compile("([\0-\3])")
_OPEN = re.compile(r"\(\((?!\()")
_LINK = re.compile(
    r"\[(?P<label>[^\[\]]*+)\]\((?P<target>[ \t]*+(?:<[^<>\n]*+|(?:[^\s()]++|\([^\s()]*+\))*+))"  # CommonMark 6.3
)
_FILLERS = re.compile(r"[\s_-]+")
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TRUE = frozenset(("yes", "y", "true", "t", "1", "include", "show", "oui", "vrai", "inclure", "afficher"))

_MARKDOWN = re.compile(r"[`*_()\\{}\[\]<>#+\-.!|^]")
_BRACKETS = re.compile(r"[\[\]\\]")
_URL = re.compile(r"(?<![A-Za-z])[A-Za-z]++://[^\s<>\"')\]]*+")
_DOMAIN = re.compile(r"(?<![\w@-])(?<![\w-]\.)[\w-]++(?:\.[\w-]++)++(?!@)([/?#][^\s<>\"')\]]*+)?")
_ENDS_TARGET = re.compile(r"[\s()<>\"'\\`]")


class TooLong(Exception):  # noqa: N818 - says what is wrong, as Refused does
    """The filled template has more than MAX_FILLED_OCTETS or MAX_FILLED_LINES; these are how many it has."""

    def __init__(self, octets: int, lines: int) -> None:
        super().__init__(f"{octets} octets, {lines} lines")
        self.octets = octets
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template. `created_at` is when its first version was made, `updated_at` when this one was.

    `subject` is None where the channel has none; `updated_at` is None in the first version. Seconds since the epoch.
    """

    id: UUID
    version: int
    service_id: UUID
    channel: Channel
    name: str
    subject: str | None
    body: str
    hidden: bool
    archived: bool
    created_at: float
    updated_at: float | None

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names that its personalisation must hold, subject first."""
        return placeholders(f"{self.subject or ''}\n{self.body}")


@dataclass(frozen=True, slots=True)
class _Placeholder:
    name: str
    written: str
    text: str | None  # of a conditional: ((name??text))


def placeholders(text: str) -> tuple[str, ...]:
    """The names in the order in which they appear; of two spellings of a name the first."""
    found: dict[str, str] = {}
    for placeholder in _split(text)[1]:
        found.setdefault(_key(placeholder.name), placeholder.name)
    return tuple(found.values())


def missing(template: Template, personalisation: Personalisation) -> tuple[str, ...]:
    """The names that have no value: absent, null, or a list without anything in it."""
    given = _Values(personalisation)
    return tuple(name for name in template.placeholders if _key(name) not in given)


def fill_subject(template: Template, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> str:
    """The subject as people read it: one line of at most 998 characters. Raises TooLong."""
    filled = _fill(template.subject or "", _LINE, _Values(personalisation, sanitise_content_for))
    return typographic(clean(filled))[:MAX_SUBJECT_CHARACTERS]


def fill_body(template: Template, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> str:
    """The body's Markdown source with all values in it. Raises TooLong."""
    return _fill(template.body, _TEXT, _Values(personalisation, sanitise_content_for))


def sanitised_content(
    personalisation: Personalisation, sanitise_content_for: Iterable[str]
) -> dict[str, dict[str, str]]:
    """What sanitising does to the values it is asked for: `{key: {"unsanitised", "sanitised"}}`, those it changes."""
    asked = {_key(name) for name in sanitise_content_for}
    changes = {}
    for key, raw in personalisation.items():
        value = _value(raw)
        if value is None or _key(key) not in asked:
            continue
        before = _in_line(value)
        after = _sanitise(before)
        if after != before:
            changes[key] = {"unsanitised": before, "sanitised": after}
    return changes


def normalise(text: str) -> str:
    """Text with LF line ends and without control characters, as everything here expects it."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class _Values:
    """The personalisation of one message, each value made ready for a place once."""

    def __init__(self, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> None:
        values = ((_key(name), _value(raw)) for name, raw in personalisation.items())
        self._values = {key: value for key, value in values if value is not None}
        self._sanitised = {_key(name) for name in sanitise_content_for}
        self._ready: dict[tuple[str, str], str] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def fill(self, placeholder: _Placeholder, place: str) -> str:
        """What stands there instead; a placeholder without a value stays as it is written."""
        key = _key(placeholder.name)
        value = self._values.get(key)
        if value is None:
            return placeholder.written
        if placeholder.text is not None:
            return placeholder.text if _in_line(value).strip().lower() in _TRUE else ""
        if (key, place) not in self._ready:
            self._ready[key, place] = _placed(value, place, sanitised=key in self._sanitised)
        return self._ready[key, place]


def _split(text: str) -> tuple[list[str], list[_Placeholder]]:
    """The text around the placeholders, one piece more than there are placeholders, and these."""
    text = normalise(text)
    around: list[str] = []
    found: list[_Placeholder] = []
    begin = at = 0
    while opening := _OPEN.search(text, at):
        end = text.find("))", opening.end())
        if end < 0:
            break
        at = end + 2
        name, conditional, kept = text[opening.end() : end].partition("??")
        if _key(name):
            around.append(text[begin : opening.start()])
            found.append(_Placeholder(name.strip(), text[opening.start() : at], kept if conditional else None))
            begin = at
    return [*around, text[begin:]], found


def _fill(text: str, place: str, values: _Values) -> str:
    around, found = _split(text)
    marked = place.join(around)
    if place == _TEXT:
        marked = _LINK.sub(_mark_link, marked)
    pieces = _MARK.split(marked)
    pieces[1::2] = [values.fill(*each) for each in zip(found, pieces[1::2], strict=True)]
    # Counted before they are put together: one value in ten thousand places would fill the memory.
    sizes = {piece: (len(piece.encode()), piece.count("\n")) for piece in set(pieces)}
    octets, lines = (sum(sizes[piece][part] for piece in pieces) for part in (0, 1))
    if octets > MAX_FILLED_OCTETS or lines > MAX_FILLED_LINES:
        raise TooLong(octets, lines)
    return "".join(pieces)


def _mark_link(link: re.Match[str]) -> str:
    label, target = link["label"].replace(_TEXT, _LABEL), link["target"].replace(_TEXT, _TARGET)
    return f"[{label}]({target}"


def _placed(value: str | Sequence[str], place: str, *, sanitised: bool) -> str:
    if place == _TEXT and not isinstance(value, str):
        return "\n\n" + "\n".join(f"* {_sanitise(item) if sanitised else item}" for item in value)
    text = _in_line(value)
    if place in (_LINE, _TARGET):
        text = _defused(text) if sanitised else text
        return _ENDS_TARGET.sub(lambda found: quote(found[0]), text.strip()) if place == _TARGET else text
    if place == _LABEL:
        text = " ".join(text.split())
    if sanitised:
        return _sanitise(text)
    return _BRACKETS.sub(r"\\\g<0>", text) if place == _LABEL else text


def _sanitise(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", _defused(text))


def _defused(text: str) -> str:
    """Without links: addresses of pages are taken out, and bare domains broken up so that no reader makes them live."""
    return _DOMAIN.sub(_break_up, _URL.sub("", text))


def _break_up(host: re.Match[str]) -> str:
    top = host[0].removesuffix(host[1] or "").rpartition(".")[2]
    if len(top) < 2 or not (top.isalpha() or top.lower().startswith("xn--")):
        return host[0]  # a number, an abbreviation
    return "" if host[1] else host[0].replace(".", ". ")


def _key(name: str) -> str:
    """What two spellings of a name have in common: case, blanks, `_` and `-` do not count."""
    return unicodedata.normalize("NFC", _FILLERS.sub("", name)).lower()


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
