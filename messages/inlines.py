"""The text of one paragraph of Markdown, read for emphasis, links, escapes and entities (CommonMark 6).

With less than CommonMark, as markdown.py says, and live addresses as links.py finds them. Reads each character once,
and looks back only at marks that are still open: any text takes time in proportion. Knows nothing of HTML.
"""

import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple
from urllib.parse import quote

import idna

from messages import links

_PUNCTUATION = rf"[{re.escape(string.punctuation)}]"
_ENTITY = r"&(?:#(?:[xX][0-9A-Fa-f]{1,6}|[0-9]{1,7})|[A-Za-z][A-Za-z0-9]{1,31});"
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)[^\s/]", re.IGNORECASE)
_SPECIAL = re.compile(r"[*_\[\]\n\\&<]")
_RUN = re.compile(r"\*++|_++")
_ESCAPE = re.compile(rf"\\(?:{_PUNCTUATION}|\n)")
_ENCLOSED = re.compile(r"<((?:https?://|mailto:|tel:)[^\s<>/][^\s<>]*+)>", re.IGNORECASE)
_CHARACTER = re.compile(_ENTITY)
_ESCAPED_MARK = re.compile(rf"\\({_PUNCTUATION})")  # some editors put a backslash before each mark
_ESCAPED = re.compile(rf"\\({_PUNCTUATION})|({_ENTITY})")
_IN_DESTINATION = rf"[^\s()\\\x00-\x1f\x7f]++|\\{_PUNCTUATION}|\\"
_DESTINATION = rf"(?:{_IN_DESTINATION})*+"
for _ in range(4):  # brackets in brackets
    _DESTINATION = rf"(?:{_IN_DESTINATION}|\({_DESTINATION}\))*+"
_TARGET = re.compile(
    rf"\(\s*+(?:<(?P<enclosed>(?:[^<>\n\\]++|\\.)*+)>|(?!<)(?P<destination>{_DESTINATION}))"
    r"(?:\s++(?:\"(?P<double>(?:[^\"\\]++|\\.)*+)\"|'(?P<single>(?:[^'\\]++|\\.)*+)'|\((?P<round>(?:[^()\\]++|\\.)*+)\)))?+"
    r"\s*+\)",
    re.DOTALL,
)
_SAFE_IN_ADDRESS = "".join(c for c in string.punctuation if c not in '"<>\\`')
_ORDINARY = re.compile(r"[!#-;=?-\[\]^_a-z{-~]++")
_HOST = re.compile(r"((?:https?://(?:[\x21-\x7e]*@)?)?)((?<=[/@])[^/?#:@\s\"<>\\]*+|)(.*)", re.DOTALL | re.IGNORECASE)


_BLANK, _SIGN, _WORD = range(3)


class Piece(NamedTuple):
    """A run of text, or a tag: `kind` is text, address, br, or em, strong, a, and with a slash where they end.

    `content` is the text; of an `a` where it leads to, and `bare` says that its text is its address.
    """

    kind: str
    content: str = ""
    title: str = ""
    bare: bool = False


class _Mark:
    """A run of `*` or `_`: what is left of it once emphasis took its share, and the tags that stand around that."""

    __slots__ = ("after", "before", "closes", "kind", "left", "length", "opens")

    def __init__(self, kind: str, length: int, *, opens: bool, closes: bool) -> None:
        self.kind, self.length, self.left, self.opens, self.closes = kind, length, length, opens, closes
        self.before: list[str] = []
        self.after: list[str] = []

    def pieces(self) -> Iterator[Piece]:
        yield from map(Piece, self.before)
        if self.left:
            yield Piece("text", self.kind * self.left)
        yield from map(Piece, reversed(self.after))


def parse(text: str) -> list[Piece]:
    """Never fails. Lines of the text have no blanks around them."""
    if not _SPECIAL.search(text) and "://" not in text:
        return [Piece("text", text)]
    return _Scan(text).pieces()


def unescape(text: str) -> str:
    """Without backslashes before punctuation, and with entities as what they stand for."""
    return _ESCAPED.sub(lambda found: found[1] or _character(found[2]), text)


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._done: list[Piece | _Mark] = []
        self._marks: list[_Mark] = []
        self._brackets: list[tuple[int, int]] = []  # still open: where in _done, and how many marks stood before

    def pieces(self) -> list[Piece]:
        at, special = 0, _SPECIAL.search(self._text)
        for begin, end in (*links.find(self._text), (len(self._text), len(self._text))):
            while special and special.start() < begin:
                if special.start() >= at:
                    self._add(at, special.start())
                    at = self._take(special[0], special.start())
                special = _SPECIAL.search(self._text, max(at, special.end()))
            if begin >= at:
                self._add(at, begin)
                if end > begin:
                    self._address(_ESCAPED_MARK.sub(r"\1", self._text[begin:end]))
                at = end
        _emphasise(self._marks)
        return _joined(self._done)

    def _add(self, begin: int, end: int) -> None:
        if begin < end:
            self._done.append(Piece("text", self._text[begin:end]))

    def _take(self, character: str, at: int) -> int:
        """Adds what stands there; returns where it ends."""
        if character in "*_":
            return self._mark(at)
        if character == "[":
            self._brackets.append((len(self._done), len(self._marks)))
        elif character == "]" and self._brackets:
            opening = self._brackets.pop()
            target = _TARGET.match(self._text, at + 1)
            if target and self._link(opening, target):
                return target.end()
        elif character == "\n":
            self._done.append(Piece("br"))
            return at + 1
        elif character == "\\" and (escape := _ESCAPE.match(self._text, at)):
            self._done.append(Piece("br") if escape[0][1] == "\n" else Piece("text", escape[0][1]))
            return escape.end()
        elif character == "&" and (entity := _CHARACTER.match(self._text, at)):
            self._done.append(Piece("text", _character(entity[0])))
            return entity.end()
        elif character == "<" and (enclosed := _ENCLOSED.match(self._text, at)):
            self._address(enclosed[1])
            return enclosed.end()
        self._done.append(Piece("text", character))
        return at + 1

    def _link(self, opening: tuple[int, int], target: re.Match[str]) -> bool:
        enclosed = target["enclosed"]
        address = unescape(target["destination"] if enclosed is None else enclosed).strip()
        if address and not _SCHEME.match(address):
            return False
        title = unescape(target["double"] or target["single"] or target["round"] or "")
        place, marks = opening
        _emphasise(self._marks[marks:])
        del self._marks[marks:]
        # A link within a link is text (CommonMark 6.3), and none can begin before this one any more.
        label = [piece for piece in _joined(self._done[place + 1 :]) if piece.kind not in ("a", "/a")]
        self._brackets.clear()
        del self._done[place:]
        if not address:  # as an empty value leaves it
            self._done += label
            return True
        bare = not "".join(piece.content for piece in label).strip()
        if bare:  # named by its address: nobody could find it (WCAG 2.4.4)
            label = [Piece("address", address)]
        self._done += (Piece("a", normal(address), title, bare), *label, Piece("/a"))
        return True

    def _address(self, address: str) -> None:
        self._done += (Piece("a", normal(address), bare=True), Piece("address", address), Piece("/a"))

    def _mark(self, at: int) -> int:
        run = _RUN.match(self._text, at)
        assert run
        before = _kind(self._text[at - 1]) if at else _BLANK
        after = _kind(self._text[run.end()]) if run.end() < len(self._text) else _BLANK
        # Left-flanking and right-flanking (CommonMark 6.2).
        opens = after == _WORD or (after == _SIGN and before != _WORD)
        closes = before == _WORD or (before == _SIGN and after != _WORD)
        if opens and closes and run[0][0] == "_":
            opens, closes = before == _SIGN, after == _SIGN
        if opens or closes:
            mark = _Mark(run[0][0], len(run[0]), opens=opens, closes=closes)
            self._marks.append(mark)
            self._done.append(mark)
        else:
            self._done.append(Piece("text", run[0]))
        return run.end()


@lru_cache(4096)
def _kind(character: str) -> int:
    if character.isspace():
        return _BLANK
    return _SIGN if character in string.punctuation or unicodedata.category(character)[0] in "PS" else _WORD


def _emphasise(marks: Sequence[_Mark]) -> None:
    """CommonMark 6.2, rules 1 to 17: each closing run takes the nearest opening one that fits."""
    opened: list[_Mark] = []
    searched: dict[tuple[str, bool, int], int] = {}  # how many of those are known not to fit such a run
    for mark in marks:
        key = mark.kind, mark.opens, mark.length % 3
        while mark.closes and mark.left:
            bottom = searched.get(key, 0)
            at = next((at for at in range(len(opened) - 1, bottom - 1, -1) if _fits(opened[at], mark)), None)
            if at is None:
                searched[key] = len(opened)
                break
            opener = opened[at]
            _enclose(opener, mark)
            del opened[at + bool(opener.left) :]
            for each, known in searched.items():
                searched[each] = min(known, len(opened))
        if mark.opens and mark.left:
            opened.append(mark)


def _fits(opener: _Mark, closer: _Mark) -> bool:
    if opener.kind != closer.kind:
        return False
    both = opener.closes or closer.opens
    return not both or (opener.length + closer.length) % 3 != 0 or (opener.length % 3 == 0 and closer.length % 3 == 0)


def _enclose(opener: _Mark, closer: _Mark) -> None:
    number = 2 if opener.left > 1 and closer.left > 1 else 1
    name = "strong" if number == 2 else "em"
    opener.left -= number
    closer.left -= number
    opener.after.append(name)
    closer.before.append(f"/{name}")


def _joined(pieces: Sequence[Piece | _Mark]) -> list[Piece]:
    """Pieces of text that stand side by side are one: typography looks at words."""
    joined: list[Piece] = []
    text: list[str] = []
    for each in pieces:
        for piece in each.pieces() if isinstance(each, _Mark) else (each,):
            if piece.kind == "text":
                text.append(piece.content)
                continue
            if text:
                joined.append(Piece("text", "".join(text)))
                text = []
            joined.append(piece)
    return [*joined, Piece("text", "".join(text))] if text else joined


def _character(entity: str) -> str:
    if entity[1] != "#":
        return html5.get(entity[1:], entity)
    code = int(entity[3:-1], 16) if entity[2] in "xX" else int(entity[2:-1])
    allowed = code in (9, 10, 13) or (code >= 0x20 and not 0x7F <= code <= 0x9F and not 0xD800 <= code <= 0xDFFF)
    return chr(code) if allowed and code <= 0x10FFFF else "\ufffd"


def normal(address: str) -> str:
    """The address as an attribute can hold it: in ASCII (RFC 3986 2), and else character by character as it is."""
    if _ORDINARY.fullmatch(address):
        return address
    begin, host, rest = _HOST.fullmatch(address).groups()  # type: ignore[union-attr]  # it matches nothing, too
    return begin + _ascii(host) + quote(rest, safe=_SAFE_IN_ADDRESS)


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return quote(host)
