"""Templates with `((placeholders))`, and filling them with a message's personalisation.

Optional text may hold placeholders and optional text of its own; a value is never read for any. What a value may mean
where it stands is in values.py. Takes time in proportion to what it is given. Knows nothing of services or MIME.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from messages import links
from messages.message import MAX_SUBJECT_CHARACTERS, Channel
from messages.text import clean
from messages.typography import typographic
from messages.values import ADDRESS, LABEL, LINE, TARGET, TEXT, Personalisation, Values, key_of, normalise

MAX_FILLED_OCTETS = 256 * 1024  # one value may stand in a template ten thousand times
MAX_FILLED_LINES = 5_000  # each may become a paragraph of 200 octets of HTML: bounds what is built at the exit

# Where values stand (values.py), and where optional texts and addresses that hold values begin and end: as marks in the
# text, which has no control characters of its own.
_IF, _END, _ADDRESS_BEGINS, _ADDRESS_ENDS = "\5\6\7\b"
_MARK = re.compile("([\0-\b])")
_OPEN = re.compile(r"\(\((?!\()")
_OPTIONAL = re.compile(r"\(\((?!\()([^()]+?)\?\?")
_BRACKET = re.compile(r"\\[()]|\(\((?!\()|[()]")
_LINK = re.compile(
    r"\[(?P<label>[^\[\]]*+)\]\((?P<target>[ \t]*+(?:<[^<>\n]*+|(?:[^\s()]++|\([^\s()]*+\))*+))"  # CommonMark 6.3
)
_GOES_ON = re.compile(r"[A-Za-z0-9/&=%#-]|[.?]\w")
_SEEN_BEHIND = 100  # of what follows an address: enough to say where that ends
_KEPT_TEXTS = 256
_MAX_KEPT_CHARACTERS = 4096  # of a text: most have fewer, and all that are kept take 40 MB at most


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
        return tuple(_names(self).values())

    @property
    def conditions(self) -> tuple[str, ...]:
        """Those of them that only say whether an optional text is shown."""
        shown = {each.key for each in _placeholders(self) if not each.optional}
        return tuple(name for key, name in _names(self).items() if key not in shown)


class _Placeholder(NamedTuple):
    """`written` is what stands in the text; of optional text, ((name??text)), up to where that begins."""

    key: str
    name: str
    written: str

    @property
    def optional(self) -> bool:
        return self.written.endswith("??")


class _Marked(NamedTuple):
    """A text taken apart: every second of the pieces is a mark, and `placeholders` are those that marks stand for."""

    pieces: tuple[str, ...]
    placeholders: tuple[_Placeholder, ...]


def _names(template: Template) -> dict[str, str]:
    """The placeholders by their keys, in the order in which they appear; of two spellings of a name the first."""
    found: dict[str, str] = {}
    for placeholder in _placeholders(template):
        found.setdefault(placeholder.key, placeholder.name)
    return found


def _placeholders(template: Template) -> Iterator[_Placeholder]:
    for text, place in ((template.subject or "", LINE), (template.body, TEXT)):
        yield from _marked(text, place).placeholders


def unmatched(text: str) -> str | None:
    """Optional text whose brackets do not match, the first one's name; None where all do."""
    text = normalise(text)
    matching = _matching(text)
    return next((found[1].strip() for found in _OPTIONAL.finditer(text) if found.start() not in matching), None)


def fixed_text(text: str) -> str:
    """What stands there whatever the values are: without placeholders and optional texts."""
    shown: list[str] = []
    depth = 0
    for piece in _marked(text, LINE).pieces:
        depth += {_IF: 1, _END: -1}.get(piece, 0)
        if not depth and not _MARK.fullmatch(piece):
            shown.append(piece)
    return "".join(shown)


def missing(template: Template, personalisation: Personalisation) -> tuple[str, ...]:
    """The names that have no value: absent, null, or a list without anything in it."""
    given = Values(personalisation)
    return tuple(name for key, name in _names(template).items() if key not in given)


def own_values(template: Template, personalisation: Personalisation) -> dict[str, object]:
    """What of the personalisation the template has a place for."""
    own = _names(template)
    return {name: value for name, value in personalisation.items() if key_of(name) in own}


def own_names(template: Template, names: Iterable[str]) -> tuple[str, ...]:
    """The template's placeholders, as it spells them, that are among the names."""
    asked = set(map(key_of, names))
    return tuple(name for key, name in _names(template).items() if key in asked) if asked else ()


def fill_subject(template: Template, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> str:
    """The subject as people read it: one line of at most 998 characters. Raises TooLong."""
    filled = _fill(template.subject or "", LINE, Values(personalisation, sanitise_content_for))
    return typographic(clean(filled))[:MAX_SUBJECT_CHARACTERS]


def fill_body(template: Template, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> str:
    """The body's Markdown source with all values in it. Raises TooLong."""
    return _fill(template.body, TEXT, Values(personalisation, sanitise_content_for))


def fill_text(template: Template, personalisation: Personalisation, sanitise_content_for: Iterable[str] = ()) -> str:
    """The body as words without Markdown, as a text message says them. Raises TooLong."""
    return _fill(template.body, LINE, Values(personalisation, sanitise_content_for))


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
        elif not (key := key_of(name)):
            behind = end + 2
        else:
            pieces += (text[begin:start], place if condition < 0 else _IF)
            found.append(_Placeholder(key, name, text[start:behind]))
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


def _marked(text: str, place: str) -> _Marked:
    return (_kept if len(text) <= _MAX_KEPT_CHARACTERS else _take_apart)(text, place)


def _take_apart(text: str, place: str) -> _Marked:
    marked, found = _split(normalise(text), place)
    if place == TEXT and found:
        marked = _mark_addresses(_LINK.sub(_mark_link, marked))
    return _Marked(tuple(_MARK.split(marked)), tuple(found))


_kept = lru_cache(_KEPT_TEXTS)(_take_apart)  # thousands of messages are made of one text


def _fill(text: str, place: str, values: Values) -> str:
    pieces, addresses = _put_in(*_marked(text, place), values)
    # Counted before they are put together: one value in ten thousand places would fill the memory.
    sizes = {piece: (len(piece.encode()), piece.count("\n")) for piece in set(pieces)}
    octets, lines = (sum(sizes[piece][part] for piece in pieces) for part in (0, 1))
    if octets > MAX_FILLED_OCTETS or lines > MAX_FILLED_LINES:
        raise TooLong(octets, lines)
    for begin, end in addresses:
        _enclose(pieces, begin, end)
    return "".join(pieces)


def _put_in(
    pieces: Iterable[str], found: Iterable[_Placeholder], values: Values
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
            keeps = values.keeps(placeholder.key)
            done += [placeholder.written] if keeps is None and not hidden else []
            tails.append("))" if keeps is None else "" if keeps else None)
            hidden += tails[-1] is None
        elif at % 2 and piece not in (_ADDRESS_BEGINS, _ADDRESS_ENDS):
            placeholder = next(rest)
            if not hidden:
                filled = values.fill(placeholder.key, piece)
                if piece == TEXT and filled and filled[:4].lower() == "http":
                    addresses.append((len(done), len(done) + 1))
                done.append(placeholder.written if filled is None else filled)
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
    behind, before = _first(pieces, end, 1)[:_SEEN_BEHIND], _first(pieces, begin - 1, -1)[-1:] or " "
    if not links.is_address(address) or _GOES_ON.match(behind) or (before == "<" and behind[:1] == ">"):
        return
    found = next(links.find(before + address + behind), None)
    if found != (1, 1 + len(address)) or address[-1] in "*_~" or "\\" in address:
        pieces[begin] = f"<{pieces[begin]}"
        pieces[end - 1] += ">"


def _first(pieces: list[str], at: int, step: int) -> str:
    """The first that is not empty."""
    while 0 <= at < len(pieces):
        if pieces[at]:
            return pieces[at]
        at += step
    return ""


def _mark_link(link: re.Match[str]) -> str:
    label, target = link["label"].replace(TEXT, LABEL), link["target"].replace(TEXT, TARGET)
    return f"[{label}]({target}"


def _mark_addresses(marked: str) -> str:
    """What stands inside an address, outside of links, is a part of it."""
    done: list[str] = []
    at = 0
    for begin, end in links.find(marked.replace(TEXT, "x")):
        if TEXT in (address := marked[begin:end]):
            done += (marked[at:begin], _ADDRESS_BEGINS, address.replace(TEXT, ADDRESS), _ADDRESS_ENDS)
            at = end
    return "".join((*done, marked[at:]))
