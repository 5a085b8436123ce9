"""What a mail reader shows of a message: its HTML with the pictures that it carries, its text, the names of its files.

The HTML is as its sender wrote it: whoever shows it shows it where nothing in it can run or load. Knows no page.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from messages.email import charset, mime
from messages.email.mime import Part
from messages.reply import Refused
from messages.text import clean

_MAX_OCTETS = 2 * 1024 * 1024  # of each part, as sent
_MAX_PICTURES_OCTETS = 4 * 1024 * 1024  # of all that stand in the HTML, which may name one a thousand times
_MAX_FILES = 100
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_PIECE = 1 << 16
# No policy refuses a preconnect, and Chromium connects for a frame before it refuses to load it: both tell a sender.
_REACHES_OUT = re.compile(
    r"<(/?)(link|meta|base|iframe|frame|frameset|object|embed|portal|fencedframe)\b", re.IGNORECASE
)
_NAMED = re.compile(r"cid:([^\s\"'<>()]{1,250})", re.IGNORECASE)  # RFC 2392


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """`html` and `text` are None where there is none; `files` are the names of what is attached."""

    html: str | None
    text: str | None
    files: tuple[str, ...] = ()


def shown(content: bytes) -> Shown:
    """Of a whole message. Takes time in proportion to it."""
    try:
        root = mime.parse(content)
    except Refused:  # it was accepted by a version that knew less of it
        return Shown(None, content[:_MAX_OCTETS].decode("utf-8", "replace"))
    leaves = list(_leaves(root))
    html, text = (_first(leaves, kind) for kind in ("text/html", "text/plain"))
    files = tuple(_name(leaf) for leaf in leaves if leaf.attachment and leaf not in (html, text))[:_MAX_FILES]
    return Shown(_with_pictures(_inert(_text(html)), leaves) if html else None, _text(text) if text else None, files)


def _inert(html: str) -> str:
    """What a browser opens a connection for, whatever a policy says, is an element that it does not know."""
    return "".join(_REACHES_OUT.sub(r"<\1x-\2", each) for each in _pieces(html))


def _pieces(html: str) -> Iterator[str]:
    """No tag's begin is cut; each takes a moment, in which no other thread runs."""
    at = 0
    while at < len(html):
        end = html.rfind("<", at + 1, at + _PIECE) if at + _PIECE < len(html) else len(html)
        end = end if end > 0 else at + _PIECE
        yield html[at:end]
        at = end


def _leaves(part: Part) -> Iterator[Part]:
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)


def _first(leaves: list[Part], kind: str) -> Part | None:
    return next((leaf for leaf in leaves if str(leaf.type) == kind and not leaf.detached), None)


def _text(part: Part) -> str:
    content = part.decode(_MAX_OCTETS) or b""
    name = part.type.parameters.get("charset")
    text = charset.labelled(content, name) if name else None
    return charset.guessed(content, None) if text is None else text


def _name(part: Part) -> str:
    parameters = mime.parse_parameters((part.value("content-disposition") or b"").decode("latin-1"))
    return clean(parameters.get("filename") or part.type.parameters.get("name") or str(part.type))[:200]


def _with_pictures(html: str, leaves: list[Part]) -> str:
    carried = {
        cid.strip(b" <>").decode("latin-1"): leaf
        for leaf in leaves
        if str(leaf.type) in _PICTURES and (cid := leaf.value("content-id"))
    }
    room = _MAX_PICTURES_OCTETS
    made: dict[str, str] = {}

    def put(named: re.Match[str]) -> str:
        nonlocal room
        url = made.get(named[1]) or _data_url(carried, named[1])
        made[named[1]] = url
        room -= len(url)
        return url if room >= 0 else named[0]

    return _NAMED.sub(put, html) if carried else html


def _data_url(carried: Mapping[str, Part], cid: str) -> str:
    leaf = carried.get(cid)
    content = leaf.decode(_MAX_OCTETS) if leaf else None
    if leaf is None or content is None:
        return f"cid:{cid}"
    return f"data:{leaf.type};base64,{base64.b64encode(content).decode()}"
