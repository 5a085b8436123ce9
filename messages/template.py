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

from messages import links
from messages.message import Channel
from messages.typography import typographic
from messages.words import MAX_SUBJECT_CHARACTERS, clean

MAX_FILLED_OCTETS = 256 * 1024  # one value may stand in a template ten thousand times
MAX_FILLED_LINES = 5_000  # each may become a paragraph of 200 octets of HTML: bounds what is built at the exit

Personalisation = Mapping[str, object]  # of JSON: text, numbers, lists of these; null is "not given"

# Where a value stands, and where optional text begins and ends: as marks in the text, which holds no control characters
# of its own.
_TEXT, _LABEL, _TARGET, _LINE, _ADDRESS = "\0\1\2\3\4"
_IF, _END, _ADDRESS_BEGINS, _ADDRESS_ENDS = "\5\6\7\b"
_MARK = re.compile("([\0-\b])")
_OPEN = re.compile(r"\(\((?!\()")
_BRACKET = re.compile(r"\\[()]|\(\((?!\()|[()]")
_LINK = re.compile(
    r"\[(?P<label>[^\[\]]*+)\]\((?P<target>[ \t]*+(?:<[^<>\n]*+|(?:[^\s()]++|\([^\s()]*+\))*+))"  # CommonMark 6.3
)
_FILLERS = re.compile(r"[\s_-]+")
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TRUE = frozenset(("yes", "y", "true", "t", "1", "include", "show", "oui", "vrai", "inclure", "afficher"))

_MARKDOWN = re.compile(r"[`*_()\\{}\[\]<>#+\-.!|^&~]")
_BRACKETS = re.compile(r"[\[\]\\]")
_GOES_ON = re.compile(r"[A-Za-z0-9/&=%#-]|[.?]\w")
_URL = re.compile(r"(?<![A-Za-z])[A-Za-z]++://[^\s<>\"')\]]*+")
_LABEL_CHARACTER = r"[\w\u0300-\u036f\u200c\u200d-]"
_DOT = r"[.\u3002\uff0e\uff61]"  # each is one in a domain name (RFC 3490 3.1)
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
_SEEN_BEHIND = 100  # of what follows an address: enough to say where that ends


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
    begin: int
    conditional: bool = False  # ((name??text)): `written` ends where the text begins


def placeholders(text: str) -> tuple[str, ...]:
    """The names in the order in which they appear; of two spellings of a name the first."""
    found: dict[str, str] = {}
    for placeholder in _split(normalise(text), _TEXT)[1]:
        found.setdefault(_key(placeholder.name), placeholder.name)
    return tuple(found.values())


def unmatched(text: str) -> str | None:
    """Optional text whose brackets do not match, the first one's name; None where all do."""
    text = normalise(text)
    matching = _matching(text)
    return next((each.name for each in _split(text, _TEXT)[1] if each.conditional and each.begin not in matching), None)


def missing(template: Template, personalisation: Personalisation) -> tuple[str, ...]:
    """The names that have no value: absent, null, or a list without anything in it."""
    given = _Values(personalisation)
    return tuple(name for name in template.placeholders if _key(name) not in given)


def own_values(template: Template, personalisation: Personalisation) -> dict[str, object]:
    """What of the personalisation the template has a place for."""
    own = set(map(_key, template.placeholders))
    return {name: value for name, value in personalisation.items() if _key(name) in own}


def own_names(template: Template, names: Iterable[str]) -> tuple[str, ...]:
    """The template's placeholders, as it spells them, that are among the names."""
    asked = set(map(_key, names))
    return tuple(name for name in template.placeholders if _key(name) in asked)


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
        if (key, place) not in self._ready:
            self._ready[key, place] = _placed(value, place, sanitised=key in self._sanitised)
        return self._ready[key, place]

    def keeps(self, placeholder: _Placeholder) -> bool | None:
        """Whether its optional text is shown; None where nothing says so."""
        value = self._values.get(_key(placeholder.name))
        return None if value is None else _in_line(value).strip().lower() in _TRUE


def _split(text: str, place: str) -> tuple[str, list[_Placeholder]]:
    """The text with marks where placeholders and optional texts stand, and these. Optional text may hold both."""
    matching = _matching(text)
    pieces: list[str] = []
    found: list[_Placeholder] = []
    ends: list[int] = []  # of the optional texts that are open, the innermost last
    begin, end = 0, -1
    opening = _OPEN.search(text)
    while opening or ends:
        if ends and (not opening or ends[-1] <= opening.start()):
            pieces += (text[begin : ends[-1]], _END)
            begin = ends.pop() + 2
            continue
        assert opening
        start, name_at = opening.span()
        if end < name_at:
            end = text.find("))", name_at)
        if end < 0:
            break
        condition = text.find("??", name_at, end)
        name_ends, behind = (end, end + 2) if condition < 0 else (condition, condition + 2)
        name = text[name_at:name_ends].strip()
        if ends and end >= ends[-1]:
            behind = name_at
        elif not _key(name):
            behind = end + 2
        else:
            pieces += (text[begin:start], place if condition < 0 else _IF)
            found.append(_Placeholder(name, text[start:behind], start, condition >= 0))
            ends += [] if condition < 0 else [matching.get(start, end)]
            begin = behind
        opening = _OPEN.search(text, behind)
    return "".join((*pieces, text[begin:])), found


def _matching(text: str) -> dict[int, int]:
    """Where `((` is closed by `))` with all brackets between in pairs. One behind a backslash is none."""
    ends: dict[int, int] = {}
    opened: list[int] = []  # where, of `((`; -1 of a single one
    at = 0
    for bracket in _BRACKET.finditer(text) if "??" in text else ():
        if bracket.start() < at or bracket[0][0] == "\\":
            continue
        if bracket[0] != ")":
            opened.append(bracket.start() if len(bracket[0]) == 2 else -1)
        elif opened and opened[-1] < 0:
            opened.pop()
        elif opened and text.startswith(")", bracket.end()):
            ends[opened.pop()] = bracket.start()
            at = bracket.end() + 1
    return ends


def _fill(text: str, place: str, values: _Values) -> str:
    marked, found = _split(normalise(text), place)
    if place == _TEXT and found:
        marked = _mark_addresses(_LINK.sub(_mark_link, marked))
    pieces, addresses = _put_in(_MARK.split(marked), found, values)
    # Counted before they are put together: one value in ten thousand places would fill the memory.
    sizes = {piece: (len(piece.encode()), piece.count("\n")) for piece in set(pieces)}
    octets, lines = (sum(sizes[piece][part] for piece in pieces) for part in (0, 1))
    if octets > MAX_FILLED_OCTETS or lines > MAX_FILLED_LINES:
        raise TooLong(octets, lines)
    for begin, end in addresses:
        _enclose(pieces, begin, end)
    return "".join(pieces)


def _put_in(
    pieces: list[str], found: Iterable[_Placeholder], values: _Values
) -> tuple[list[str], list[tuple[int, int]]]:
    """The pieces with all values in them, and which of them are whole addresses with something of a value."""
    done: list[str] = []
    addresses: list[tuple[int, int]] = []
    tails: list[str | None] = []  # what ends each optional text that is open; None: it is not shown
    hidden = begin = 0
    rest = iter(found)
    for at, piece in enumerate(pieces):
        if piece == _END and at % 2:
            tail = tails.pop()
            hidden -= tail is None
            done += [tail] if tail and not hidden else []
        elif piece == _IF and at % 2:
            placeholder = next(rest)
            keeps = values.keeps(placeholder)
            done += [placeholder.written] if keeps is None and not hidden else []
            tails.append("))" if keeps is None else "" if keeps else None)
            hidden += tails[-1] is None
        elif at % 2 and piece not in (_ADDRESS_BEGINS, _ADDRESS_ENDS):
            placeholder = next(rest)
            if not hidden:
                begin, filled = (len(done) if piece != _ADDRESS else begin), values.fill(placeholder, piece)
                done.append(filled)
                if piece == _TEXT and links.is_address(filled):
                    addresses.append((begin, len(done)))
        elif hidden:
            continue
        elif piece == _ADDRESS_BEGINS:
            begin = len(done)
        elif piece == _ADDRESS_ENDS:
            addresses.append((begin, len(done)))
        else:
            done.append(piece)
    return done, addresses


def _enclose(pieces: list[str], begin: int, end: int) -> None:
    """Puts `<...>` around an address whose last characters would else be taken for the sentence's."""
    address = "".join(pieces[begin:end])
    behind = next((piece for piece in pieces[end:] if piece), "")[:_SEEN_BEHIND]
    before = next((piece[-1] for piece in pieces[begin - 1 :: -1] if piece), " ") if begin else " "
    if not links.is_address(address) or _GOES_ON.match(behind) or (before == "<" and behind[:1] == ">"):
        return
    found = next(links.find(before + address + behind), None)
    if found != (1, 1 + len(address)) or address[-1] in "*_~" or "\\" in address:
        pieces[begin] = f"<{pieces[begin]}"
        pieces[end - 1] += ">"


def _mark_link(link: re.Match[str]) -> str:
    label, target = link["label"].replace(_TEXT, _LABEL), link["target"].replace(_TEXT, _TARGET)
    return f"[{label}]({target}"


def _mark_addresses(marked: str) -> str:
    """What stands inside an address, outside of links, is a part of it."""
    done: list[str] = []
    at = 0
    for begin, end in links.find(marked.replace(_TEXT, "x")):
        if _TEXT in (address := marked[begin:end]):
            done += (marked[at:begin], _ADDRESS_BEGINS, address.replace(_TEXT, _ADDRESS), _ADDRESS_ENDS)
            at = end
    return "".join((*done, marked[at:]))


def _placed(value: str | Sequence[str], place: str, *, sanitised: bool) -> str:
    if place == _TEXT and not isinstance(value, str):
        return "\n\n" + "\n".join(f"* {_sanitise(item) if sanitised else _item(item)}" for item in value)
    text = _in_line(value)
    if place in (_LINE, _TARGET, _ADDRESS) and sanitised:
        text = _defused(text)
    if place == _LINE:
        return text
    if place in (_TARGET, _ADDRESS):
        return _in_address(text.strip(), in_markdown=place == _TARGET)
    if place == _LABEL:
        text = " ".join(text.split())
    if sanitised:
        return _sanitise(text)
    return _BRACKETS.sub(r"\\\g<0>", text) if place == _LABEL else text


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
    return _DOMAIN.sub(_break_up, _URL.sub("", _UNSEEN.sub("", text)))


def _break_up(found: re.Match[str]) -> str:
    if found["mail"]:
        return found[0]
    host = found[0].removesuffix(found["path"] or "")
    top = _NO_LETTERS.sub("", re.split(_DOT, host)[-1])
    if len(top) < 2 or not (top.isalpha() or top.lower().startswith("xn--")):
        return found[0]  # a number, an abbreviation
    return "" if found["path"] else re.sub(_DOT, r"\g<0> ", host)


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
