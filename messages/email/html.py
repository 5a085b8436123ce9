"""Where a branding goes in an HTML document, found on its bytes, and HTML made from plain text.

Works on any charset that contains ASCII: all marks looked for are ASCII, and no such charset uses the octets of
`<`, `>` or the quotes inside a character. Knows nothing of MIME.
"""

import html
import re

from messages.links import find

# All that is none of ours: text, and whole other tags, whose quoted values may hold anything. For a document in lower
# case: patterns that pass over case take twice as long.
_OURS = rb"(?:[!?]|/?(?:html|head|body|script|style|title|textarea|xmp|iframe|noembed|noframes|plaintext)\b)"
_TO_END = rb"[^<>\"']*+(?:(?:\"[^\"]{0,32768}+\"|'[^']{0,32768}+')[^<>\"']*+)*+>"
# Most tags are of these, and need not be held against the names of ours.
_COMMON = rb"/?+(?:[abiup]|t[dr]|br|div|font|img|span|strong|h[1-6])(?=[>\s])" + _TO_END
_SKIP = re.compile(rb"(?:[^<]*+<(?:" + _COMMON + rb"|(?!" + _OURS + rb")(?:[a-z/]" + _TO_END + rb")?+))*+[^<]*+")
_TAG = re.compile(rb"<(/?[a-z]+)(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_DOCTYPE = re.compile(rb"<!doctype[^<>]*+>")
_MARK = b"\xef\xbb\xbf"  # of UTF-8: it has to stay in front
_COMMENT_END = re.compile(rb"--!?>")
_RAW = {
    name: re.compile(rb"</" + name + rb"\b")
    for name in (b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes")
}
_ISO_2022_JP = re.compile(rb"\x1b(?:\$[@B]|\(I)[^\x1b]*+")

_INDENT = re.compile("^ ", re.MULTILINE)
_OPEN_LINK = re.compile(r"<https?://[^\s<>]++ ", re.IGNORECASE)
_COLUMNS = re.compile(r"\S {3,}\S|[^\s.!?:] {2}\S")  # two blanks behind a sentence are no column
_TAB = 8
_FIXED = "font-family:Consolas,Menlo,'Courier New',monospace;font-size:12px;"  # 80 letters of 0.6 em fit in 580 pixels


def places(document: bytes) -> tuple[int, int]:
    """Where a header and a footer go: behind `<body>` and before `</body>`, else as near to that as tags allow.

    Comments, scripts, styles and quoted values are passed over. Takes time in proportion to the document.
    """
    found: dict[bytes, int] = {}
    if b"\x1b" in document:
        document = _ISO_2022_JP.sub(lambda shifted: b" " * len(shifted[0]), document)
    document = document.lower()
    at, size = 0, len(document)
    while (at := _SKIP.match(document, at).end()) < size:  # type: ignore[union-attr]  # it matches nothing, too
        behind = _construct(document, at, found)
        if behind is None:
            size = at  # never closed: what follows is not displayed, or is text
            break
        at = behind
    start = len(_MARK) if document.startswith(_MARK) else 0
    top = next((found[name] for name in (b"body", b"/head", b"html", b"!doctype") if name in found), start)
    bottom = next((found[name] for name in (b"/body", b"/html") if found.get(name, -1) >= top), size)
    return top, max(top, bottom)


def from_text(text: str, *, flowed: bool, joined: bool, links: bool) -> str:
    """Plain text as HTML that reads the same: paragraphs, line breaks, blanks and columns kept, links live.

    Each paragraph has the direction of its own letters.

    `flowed` and `joined` are format=flowed and delsp=yes of RFC 3676.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if "\t" in text:
        lines = [line.expandtabs(_TAB) for line in lines]
    if flowed:
        lines = unflowed(lines, joined=joined)
    paragraphs = re.split(r"\n(?:[ \t]*\n)+", "\n".join(lines).strip("\n"))
    return "\r\n".join(_paragraph(paragraph, links=links) for paragraph in paragraphs if paragraph)


def _paragraph(paragraph: str, *, links: bool) -> str:
    style = f' style="{_FIXED}"' if _has_columns(paragraph) else ""
    return f'<p dir="auto"{style}>{_lines(paragraph, links=links)}</p>'


def _has_columns(paragraph: str) -> bool:
    """Whether most of its lines are set in columns by blanks, which align in a fixed-width face only."""
    if "  " not in paragraph:  # most have none: looking at each line takes as long as all else
        return False
    lines = [line.strip() for line in paragraph.split("\n")]
    found = sum(_COLUMNS.search(line) is not None for line in lines)
    return found > 1 and 2 * found > len(lines)


def _construct(document: bytes, at: int, found: dict[bytes, int]) -> int | None:
    """Notes the tag at `at`; returns where it ends (with its content, where that is no markup), None if nowhere."""
    if document.startswith(b"<!--", at):
        if document.startswith((b"<!-->", b"<!--->"), at):
            return document.index(b">", at) + 1
        end = _COMMENT_END.search(document, at + 4)
        return end.end() if end else None
    if doctype := _DOCTYPE.match(document, at):
        found.setdefault(b"!doctype", doctype.end())
        return doctype.end()
    if document.startswith((b"<!", b"<?"), at):  # a comment to every reader, up to the next >
        return document.find(b">", at) + 1 or None
    tag = _TAG.match(document, at)
    if not tag:
        return at + 1
    name = tag[1]
    if name == b"plaintext":
        return None
    if name in _RAW:
        end = _RAW[name].search(document, tag.end())
        close = document.find(b">", end.end()) if end else -1
        return close + 1 or None
    if name in (b"/body", b"/html"):
        found[name] = at
    else:
        found.setdefault(name, tag.end())
    return tag.end()


def unflowed(lines: list[str], *, joined: bool) -> list[str]:
    """RFC 3676 4: a line that ends in a blank goes on in the next one of the same quote depth."""
    paragraphs: list[list[str]] = []
    open_depth = -1
    for line in lines:
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        if depth != open_depth or content == "-- ":
            paragraphs.append([">" * depth + " " * bool(depth)])
        inside_link = soft and bool(_OPEN_LINK.fullmatch(content, content.rfind("<")))  # RFC 3986 appendix C: no blank
        paragraphs[-1].append(content[:-1] if soft and (joined or inside_link) else content)
        open_depth = depth if soft else -1
    return ["".join(paragraph) for paragraph in paragraphs]


def _lines(paragraph: str, *, links: bool) -> str:
    if links and "://" in paragraph:
        return "<br>\r\n".join(map(_line, paragraph.split("\n")))
    return _escape(paragraph).replace("\n", "<br>\r\n")


def _line(line: str) -> str:
    """With its links live."""
    done: list[str] = []
    at = 0
    for begin, end in find(line):
        url = html.escape(line[begin:end])
        done += (_behind(line, at, begin), f'<a href="{url}">{url}</a>')
        at = end
    return "".join((*done, _behind(line, at, len(line))))


def _behind(line: str, begin: int, end: int) -> str:
    """What stands behind a link starts no line: its first blank is no indent."""
    return _escape("." + line[begin:end])[1:] if begin else _escape(line[:end])


def _escape(text: str) -> str:
    """Blanks that HTML would drop stay as no-break spaces: tables and indents of plain mail keep their shape."""
    text = html.escape(text, quote=False).replace("  ", "&#160; ")
    return _INDENT.sub("&#160;", text)
