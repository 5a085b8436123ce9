"""The Markdown of templates, as HTML for mail readers and as plain text that says the same.

CommonMark with less: no HTML, tables, code or references, and of images the text only. `^` starts a quotation, `•` is a
bullet too, each line break stays one, addresses of pages are live, and `[[en]]...[[/en]]`, `[[fr]]`, `[[rtl]]` name the
language or direction of what they enclose. No source can bring in a tag, an attribute, or a link other than http,
https, mailto and tel. Nesting is bounded; depth beyond that is left out. Knows nothing of placeholders or MIME.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from messages import blocks, inlines, links
from messages.blocks import Block
from messages.inlines import Piece
from messages.typography import between

PREHEADER_CHARACTERS = 256
MAX_MARKS = 8_000  # in what the door takes: each costs about six microseconds
_RULE_CHARACTERS = 65
_MAX_EMPHASIS = 20  # in one another; the words of deeper ones stay
_MARKS = "*_[]\\&<"
_MARKS_OF_ADDRESS = 4  # what finding one costs, in marks

_BULLET = re.compile(r"^([ \t]*)\u2022[ \t]*(?=\S)", re.MULTILINE)
_ORNAMENT = re.compile(r"^([ \t]*)(?=(?:[*+-][ \t]++){3,}+[^\s*+-])", re.MULTILINE)  # `* * * Notice`: no lists in lists
_IMAGE = re.compile(r"!\[([^\[\]\n]*+)\]\([^()\n]*+\)")
_BEHIND = "\0"  # an address, in plain text, whose source holds none
_GOES_ON = re.compile(rf"{_BEHIND}(?=[^\s.,;:!?)\]}}\"'*_~\u00bb\u201d\u2019]|[*_]+\w)")
_ENCLOSED = re.compile(r"\[\[(/?)(en|fr|rtl)\]\]", re.IGNORECASE)
_ENCLOSURES = {"en": ' lang="en-CA"', "fr": ' lang="fr-CA"', "rtl": ' dir="rtl"'}

# Heights of lines go with their letters, which some readers make twice as large (WCAG 1.4.4).
_COLOUR = "color:#0b0c0c;"
_LIST = f"margin:0 0 20px;padding:0 0 0 20px;font-size:16px;line-height:1.5;{_COLOUR}"
_PARAGRAPH = f"margin:0 0 20px;font-size:16px;line-height:1.5;{_COLOUR}"
# By the name in blocks.py: the subject is the mail's first heading, so ours start at the second level.
_TAGS: Mapping[str, tuple[str, str]] = {
    "h1": ("h2", f"margin:0 0 20px;font-size:24px;line-height:1.3;font-weight:bold;{_COLOUR}"),
    "h2": ("h3", f"margin:0 0 15px;font-size:20px;line-height:1.25;font-weight:bold;{_COLOUR}"),
    **dict.fromkeys(("h3", "h4", "h5", "h6", "p"), ("p", _PARAGRAPH)),
    "ul": ("ul", f"{_LIST}list-style-type:disc;"),
    "ol": ("ol", f"{_LIST}list-style-type:decimal;"),
    "li": ("li", f"margin:5px 0;padding:0 0 0 5px;font-size:16px;line-height:1.5;{_COLOUR}"),
    "blockquote": ("blockquote", "margin:0 0 20px;padding:15px 15px 0.1px;border-left:10px solid #b1b4b6;"),
    "hr": ("hr", "margin:30px 0;border:0;border-top:1px solid #b1b4b6;"),
}


_OPENING = {name: f'<{tag} style="{style}">' for name, (tag, style) in _TAGS.items()}
_CLOSING = {name: f"</{tag}>" for name, (tag, _) in _TAGS.items()} | {"div": "</div>"}
_IN_TEXT = {"br": "\n", "strong": "**", "/strong": "**", "em": "_", "/em": "_"}


class _Part(NamedTuple):
    """A block with its text read; `enclosure` is the mark by which a division begins."""

    block: Block
    pieces: Sequence[Piece] = ()
    enclosure: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One source in all its forms, with LF line ends. `html` is a fragment, `preheader` one line of plain text."""

    html: str
    text: str
    preheader: str


def render(source: str) -> Rendered:
    """Never fails; takes time in proportion to the source."""
    parts = _parse(source)
    return Rendered(_html(parts), _text(parts), _preheader(parts))


def marks(source: str) -> int:
    """How many characters may mean something: besides its length and its lines they are what a source costs."""
    return sum(map(source.count, _MARKS)) + _MARKS_OF_ADDRESS * source.count("://")


# -- Parsing -------------------------------------------------------------------------------------------------------


def _parse(source: str) -> list[_Part]:
    source = _ORNAMENT.sub(r"\1\\", _BULLET.sub(r"\1* ", _IMAGE.sub(r"\1", source.replace("\0", "\ufffd"))))
    first, *others = _ENCLOSED.split(source)
    found = list(zip(others[::3], (name.lower() for name in others[1::3]), strict=True))
    if not _is_nested(found):
        return [*_parts(source)]
    parts = [*_parts(first)]
    for (slash, name), piece in zip(found, others[2::3], strict=True):
        parts.append(_Part(Block(f"{slash}div"), enclosure=name))
        parts += _parts(piece)
    return parts


def _parts(source: str) -> Iterator[_Part]:
    for block in blocks.parse(source):
        if not block.text:
            yield _Part(block)
        elif pieces := _typographic(inlines.parse(block.text)):  # nothing is left of a link without words
            yield _Part(block, pieces)


def _is_nested(marks: Iterable[tuple[str, str]]) -> bool:
    """Whether each opening mark has its closing one, and none stands inside its own kind."""
    opened: list[str] = []
    for slash, name in marks:
        if not slash and name not in opened:
            opened.append(name)
        elif not slash or not opened or opened.pop() != name:
            return False
    return not opened


def _typographic(pieces: list[Piece]) -> list[Piece]:
    after_word = behind = False
    for at, piece in enumerate(pieces):
        if piece.kind == "text":
            before = at + 1 < len(pieces) and pieces[at + 1].bare
            text = between(piece.content, after_word=after_word, behind=behind, before=before)
            pieces[at] = Piece("text", text)
            after_word = not (text[-1:].isspace() or text[-1:] in "([{") if text else after_word
        elif piece.kind == "address":
            after_word = True
        elif piece.kind == "br":
            after_word = False
        behind = piece.kind == "/a" and pieces[at - 1].kind == "address"
    return pieces


# -- HTML ----------------------------------------------------------------------------------------------------------


def _html(parts: Sequence[_Part]) -> str:
    done: list[str] = []
    for (name, _, start, tight), pieces, enclosure in parts:
        if pieces:
            inside = _html_pieces(pieces)
            done.append(inside if tight else f"{_OPENING[name]}{inside}{_CLOSING[name]}\n")
        elif name[0] == "/":
            done.append(f"{_CLOSING[name[1:]]}\n")
        elif name == "div":
            done.append(f"<div{_ENCLOSURES[enclosure]}>")
        elif name == "ol" and start != 1:
            done.append(_OPENING[name].replace(" ", f' start="{start}" ', 1))
        else:
            done.append(_OPENING[name] if name != "hr" else f"{_OPENING[name]}\n")
    return "".join(done).strip()


def _html_pieces(pieces: Sequence[Piece]) -> str:
    done: list[str] = []
    depth = 0
    for kind, content, title, _ in pieces:
        if kind in ("text", "address"):
            done.append(escape(content, quote=False))
        elif kind == "br":
            done.append("<br>\n")
        elif kind == "a":
            named = f' title="{escape(title)}"' if title else ""
            done.append(f'<a href="{escape(content)}"{named} style="word-wrap:break-word;">')
        elif kind == "/a":
            done.append("</a>")
        else:
            depth += kind[0] != "/"
            done.append(f"<{kind}>" if depth <= _MAX_EMPHASIS else "")
            depth -= kind[0] == "/"
    return "".join(done)


# -- Plain text ----------------------------------------------------------------------------------------------------


def _text(parts: Sequence[_Part]) -> str:
    done: list[str] = []
    counters: list[int | None] = []  # of the lists that are open: the next number, None for bullets
    marker, first = "", False
    for (name, _, start, tight), pieces, _ in parts:
        if pieces:
            close = tight and not first
            done.append(("\n" if close else "\n\n") + _text_block(name, marker, _text_pieces(pieces)))
            marker, first = " " * len(marker), False
        elif name in ("ul", "ol"):
            first = not counters
            counters.append(start if name == "ol" else None)
        elif name in ("/ul", "/ol"):
            counters.pop()
            marker = ""
        elif name == "li":
            number = counters[-1]
            marker = "  " * (len(counters) - 1) + ("\u2022 " if number is None else f"{number}. ")
            counters[-1] = None if number is None else number + 1
        elif name == "hr":
            done.append("\n\n" + "=" * _RULE_CHARACTERS)
    return "".join(done).strip() + "\n"


def _text_block(name: str, marker: str, text: str) -> str:
    text = marker + text.replace("\n", "\n" + " " * len(marker))
    if name not in ("h1", "h2"):
        return text
    return ("\n" if name == "h1" else "") + f"{text}\n{'-' * _RULE_CHARACTERS}"


def _text_pieces(pieces: Sequence[Piece]) -> str:
    done: list[str] = []
    link, begin = pieces[0], 0
    for piece in pieces:
        if piece.kind == "a":
            link, begin = piece, len(done)
        elif piece.kind == "/a":
            done[begin:] = [_text_link("".join(done[begin:]), link)]
        else:
            done.append(_IN_TEXT.get(piece.kind, piece.content))
    # Readers would take what stands directly behind an address for a part of it.
    return _GOES_ON.sub(" ", "".join(done)).replace(_BEHIND, "")


def _text_link(label: str, link: Piece) -> str:
    if link.bare:
        return _readable(label) + _BEHIND
    if link.title:
        label = f"{label} ({link.title})"
    return f"{label}: {_readable(link.content)}{_BEHIND}"


def _readable(address: str) -> str:
    """In angle brackets where readers would cut it (RFC 3986 appendix C)."""
    return f"<{address}>" if "://" in address and not links.ends_itself(address) else address


def _preheader(parts: Sequence[_Part]) -> str:
    words: list[str] = []
    length = 0
    for part in parts:
        if part.pieces:
            found = "".join(
                " " if kind == "br" else content for kind, content, *_ in part.pieces if kind != "a"
            ).split()
            words += found
            length += sum(map(len, found))
            if length > PREHEADER_CHARACTERS:
                break
    line = " ".join(words)
    return line if len(line) <= PREHEADER_CHARACTERS else line[:PREHEADER_CHARACTERS] + "\u2026"
