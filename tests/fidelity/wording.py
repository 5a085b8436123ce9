"""The words of text and HTML compared: what a branding may add to them, and that it takes nothing away."""

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import AnyStr

from tests.fidelity.reading import Part

_CID = re.compile(r"(?i)\bcid:([^\s\"'<>)&]+)")
_SILENT = ("script", "style", "title", "template")
_BREAKING = ("br", "p", "div", "table", "tr", "td", "th", "li", "ul", "ol", "hr", "h1", "h2", "h3", "blockquote", "pre")
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)  # as browsers read: to the end where it never ends
_BREAK = b"\r\n"

_MARKED = re.compile(r"<!\[[^>]*>?")  # a comment to browsers, up to the next >; the library fails over some
_CUT_OFF = re.compile(r"<[a-zA-Z/][^>]*\Z")  # a tag that never ends is not displayed


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.silent = 0
        self.text: list[str] = []
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in _SILENT
        self._break(tag)
        self.values += [value for _, value in attrs if value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in _SILENT and self.silent > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.text.append(re.sub(r"[\r\n]", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _BREAKING:
            self.text.append("\n")


def cids(part: Part) -> set[str]:
    """The Content-IDs that an HTML leaf asks for."""
    if part.type != "text/html" or part.disposition == "attachment":
        return set()
    return {found for value in _parsed(_decoded(part)).values for found in _CID.findall(value)}


def same(old: Part, new: Part) -> bool:
    """Whether a leaf has the same content: the line break at the very end is no part of a text."""
    if old.type.startswith("text/"):
        return old.content.rstrip(_BREAK) == new.content.rstrip(_BREAK)
    return old.content == new.content


def shows(part: Part, mark: str) -> bool:
    return plain(mark) in plain(_shown(part))


def branded(old: Part, new: Part, mark: str, places: int = 2) -> Iterator[str]:
    """A leaf that was branded: the sender's content is all there, in order, and the branding is seen around it.

    `places` is where in HTML: above and below, or fewer where other HTML goes on behind it.
    """
    yield from _html(old, new, mark, places) if old.type == "text/html" else _text(old, new, mark)


def twin(text: Part, html: Part, mark: str, places: int = 2) -> Iterator[str]:
    """The HTML made of a text reads as the text does, with the branding at so many places around it."""
    flowed = text.parameters.get("format", "").lower() == "flowed"
    said, read = (plain(words, flowed=flowed) for words in (_decoded(text), _shown(html)))
    yield from _read(said, read, plain(mark, flowed=flowed), "the HTML made of the text", places)


def _text(old: Part, new: Part, mark: str) -> Iterator[str]:
    before, after = old.content.rstrip(_BREAK), new.content
    if after.startswith(before) and old.charset == new.charset and not old.charset.startswith(("utf-16", "utf-32")):
        added = after[len(before) :].decode(_known(new.charset), "replace")
    else:
        said, read = _decoded(old).rstrip("\r\n"), _decoded(new)
        if not read.startswith(said):
            yield "the text differs before the footer"
            return
        added = read[len(said) :]
    if not re.match(r"(?:\x1b\(B)?\r?\n", added):
        yield "the footer does not start on a line of its own"
    if plain(mark) not in plain(added):
        yield "what was added to the text is not the branding"


def _html(old: Part, new: Part, mark: str, places: int) -> Iterator[str]:
    if old.charset == new.charset and b"\x1b$" not in old.content:
        found = only_inserted(old.content.rstrip(_BREAK), new.content.rstrip(_BREAK))
    else:
        found = only_inserted(_decoded(old).rstrip("\r\n"), _decoded(new).rstrip("\r\n"))
    if not found:
        yield "the HTML differs outside of two insertions"
        return
    yield from _read(plain(_shown(old)), plain(_shown(new)), plain(mark), "the HTML", places)


def _read(said: str, read: str, mark: str, what: str, places: int) -> Iterator[str]:
    """What people read is what was said, with the mark at so many places."""
    if not only_inserted(said, read):
        yield f"{what} reads differently"
    elif read.count(mark) < said.count(mark) + places:
        yield f"the branding is not seen around {what}"


def only_inserted(before: AnyStr, after: AnyStr) -> bool:
    """Whether something was put into `before`, at two places at most, to make `after`, and nothing else changed."""
    start = _common(before, after)
    end = min(_common(before[::-1], after[::-1]), len(before) - start)
    middle = before[start : len(before) - end]
    inner = after[start : len(after) - end]
    return len(after) >= len(before) and middle in inner


def _common(one: AnyStr, other: AnyStr) -> int:
    """The length of what both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if one[low:half] == other[low:half] else (low, half - 1)
    return low


def visible(document: str) -> str:
    """What people read of an HTML document."""
    return "".join(_parsed(document).text)


def _shown(part: Part) -> str:
    return visible(_decoded(part)) if part.type == "text/html" else _decoded(part)


def _parsed(document: str) -> _Visible:
    parser = _Visible()
    parser.feed(_CUT_OFF.sub("", _MARKED.sub("", _COMMENT.sub("", document))))
    parser.close()
    return parser


def _decoded(part: Part) -> str:
    try:
        return part.content.decode(_known(part.charset))
    except ValueError:
        return part.content.decode("latin-1")


def _known(charset: str) -> str:
    """A charset that Python decodes; one octet for one character where it does not know the name."""
    try:
        b"a".decode(charset)
    except LookupError:
        return "latin-1"
    except ValueError:
        pass
    return charset


def plain(text: str, *, flowed: bool = False) -> str:
    """Lines of letters without accents or white space; of flowed text one line, without the marks of quotes."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(each for each in decomposed if not unicodedata.combining(each))
    return (
        re.sub(r"[\s>]+", "", bare) if flowed else re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", "", bare)).strip("\n")
    )
