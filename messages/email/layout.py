"""How an HTML letter is laid out, found on its bytes, and the frame that makes it one piece with its branding.

A letter without a layout of its own is put in our column and typeface; one with its own keeps it, and header and footer
take its width. Knows nothing of MIME or of what a branding says.
"""

import re
from dataclasses import dataclass

COLUMN = 580  # pixels: what header and footer are written for
_WORDMARK = 143  # what the footer's words leave beside them
_HEAD_OCTETS, _BODY_OCTETS = 65_536, 32_768  # looked at: a layout stands around all that it lays out
_WORDS_BEFORE = 300  # octets of text at most, as the hidden preview that templates start with
_BOXES = 6  # how many of the outermost boxes may give the width
_COUNTED_OCTETS = 1_000_000  # longer content is a listing, and reading it twice costs time
_MAX_OPEN = 50
_NARROWEST, _WIDEST = 400, 1200  # of a layout; less is a column or a picture, more is for screens

_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_STYLE = re.compile(rb"<style\b[^<>]*+>([^<]*+)")
_RULE = re.compile(rb"([^{};]*+)\{([^{}]*+)\}")
_AUTO = rb"margin(?:-left)?\s*+:[^;\"'{}<>]{0,40}?\bauto\b"
_MARGIN = re.compile(_AUTO)
_PIXELS = re.compile(rb"(?:\bmax-|\b)width\s*+:\s*+(\d{3,4})px")
_BODY_MAX = re.compile(rb"<body\b[^<>]*?max-width")
_FONT = re.compile(rb"\bfont(?:-family)?\s*+:")
_BODY_TAG = re.compile(rb"<body\b[^<>]*+>")
_OF_BODY = re.compile(rb"(?:^|[\s,>])(?:body|html|\*)\s*+(?:,|$)")
# What stands around a letter that lays itself out: something centred, or a first table as wide as the window.
_CENTRED = re.compile(
    rb"<center\b|<(?:table|div|section|main|article|td)\b[^<>]*?" + _AUTO
    + rb"|<table\b[^<>]*?\balign\s*+=\s*+[\"']?center"
    + rb"|<(?:div|td|p)\b[^<>]*?\balign\s*+=\s*+[\"']?center[^<>]*+>\s*+<table\b"
)  # fmt: skip
_WIDE = re.compile(rb"(?:[^<]++|<(?!table\b)[^<>]*+>)*+(<table\b[^<>]*?\bwidth\s*+(?:=\s*+[\"']?|:\s*+)100%)")
_TAG = re.compile(rb"<[^<>]*+>")
_SILENT = re.compile(rb"<(style|script|title)\b[^<>]*+>[^<]*+")
_BOX = re.compile(rb"<(?:table|td|div|section|main|article)\b[^<>]*+>")
_WIDTH = re.compile(rb"\bmax-width\s*+:\s*+(\d{3,4})px|\bwidth\s*+=\s*+[\"']?(\d{3,4})(?:px)?[\"'\s>]"
                    rb"|\bwidth\s*+:\s*+(\d{3,4})px")  # fmt: skip

# Around a letter without a layout. Mail programs keep tables, and some drop elements that are younger; but an end tag
# that the letter has too many would close a table or a div: such a letter stands in a section. So does one with type of
# its own, which a table would not inherit in a document without a DOCTYPE.
_TABLE = (
    '<table role="presentation" width="100%" align="center" cellpadding="0" cellspacing="0" border="0" '
    f'style="table-layout:fixed;width:100%;max-width:{COLUMN + 20}px;margin:0 auto;"><tr><td class="relay-letter" '
    'style="padding:16px 10px;word-wrap:break-word;FONT">',  # where there is no DOCTYPE, a cell drops outer margins
    "</td></tr></table>",
)
_SECTION = (
    f'<section class="relay-letter" style="max-width:{COLUMN}px;margin:0 auto;padding:8px 10px;'
    'word-wrap:break-word;FONT">',
    "</section>",
)
_CELLS = re.compile(rb"<(?:t[dhrbf]|ca|col|/t)")
_TYPE = "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;"


@dataclass(frozen=True, slots=True)
class Frame:
    """`width` of header and footer, in pixels; None: the window's, or that of a narrow `body`, in which all stands.

    `opening` and `closing` stand around the letter.
    """

    width: int | None
    opening: str = ""
    closing: str = ""
    body: bool = False

    def fitted(self, block: str) -> str:
        """A header or footer, written for our column, in this width."""
        if self.width == COLUMN:
            return block
        most = f"{self.width}px" if self.width else "100%"
        words = max(_NARROWEST, self.width or 0) - _WORDMARK if self.width else COLUMN - _WORDMARK
        for old, new in (
            (f"max-width:{COLUMN}px", f"max-width:{most}"),
            (f'width="{COLUMN}"', f'width="{self.width or "100%"}"'),
            (f"max-width:{COLUMN - _WORDMARK}px", f"max-width:{words}px"),
        ):
            block = block.replace(old, new)
        if self.body:
            block = block.replace("padding:0 10px;", "padding:0;", 1)
        return block if self.width else block.replace("text-align:right;", "text-align:left;")


def frame(document: bytes, top: int, bottom: int) -> Frame:
    """The frame of the letter between those places. Takes time in proportion to a part of bounded size."""
    start = max(0, top - _HEAD_OCTETS)
    seen = document[start : top + _BODY_OCTETS].lower()
    head, body = _COMMENT.sub(b"", seen[: top - start]), _COMMENT.sub(b"", seen[top - start :])
    rules = [rule for style in _STYLE.finditer(head + body) for rule in _RULE.finditer(style[1])]
    if _is_narrow(head, rules):
        return Frame(None, closing="</table>" * _unclosed(document, top, bottom), body=True)
    unclosed = "</table>" * _unclosed(document, top, bottom)
    found, width = _own(body, rules)
    if found:
        return Frame(width, "", unclosed)
    font = "" if _has_type(head, rules) else _TYPE
    opening = (
        "<style>.relay-letter img { max-width: 100%; height: auto; }</style>\r\n"
        f'<!--[if mso]><table role="presentation" width="{COLUMN}" align="center" cellpadding="0" cellspacing="0" '
        f'border="0"><tr><td style="padding:8px 0;{font}"><![endif]-->\r\n'
    )
    before, behind = _TABLE if font and _is_whole(document, top, bottom) else _SECTION
    opening += before.replace("FONT", font)
    return Frame(COLUMN, opening, f"{unclosed}{behind}\r\n<!--[if mso]></td></tr></table><![endif]-->")


def _is_narrow(head: bytes, rules: list[re.Match[bytes]]) -> bool:
    """Whether the body itself is the column."""
    ruled = (_OF_BODY.search(rule[1].strip()) and b"max-width" in rule[2] for rule in rules)
    return bool(_BODY_MAX.search(head)) or any(ruled)


def _own(body: bytes, rules: list[re.Match[bytes]]) -> tuple[bool, int | None]:
    """Whether the letter has a layout of its own, and its width if that is said in pixels."""
    centred = _CENTRED.search(body)
    sign = centred.start() if centred else None
    if wide := _WIDE.match(body):
        sign = min(wide.start(1), sign) if sign is not None else wide.start(1)
    if sign is not None and _words_before(body, sign) <= _WORDS_BEFORE:
        width = _width(body, sign)
        return True, width or _ruled(rules)
    width = _ruled(rules)
    return width is not None, width


def _words_before(body: bytes, sign: int) -> int:
    text = _TAG.sub(b"", _SILENT.sub(b"", body[:sign]))
    return len(b"".join(text.split()))


def _width(body: bytes, sign: int) -> int | None:
    for _, box in zip(range(_BOXES), _BOX.finditer(body, sign), strict=False):
        for found in _WIDTH.finditer(box[0]):
            pixels = int(found[1] or found[2] or found[3])
            if _NARROWEST <= pixels <= _WIDEST:
                return pixels
    return None


def _ruled(rules: list[re.Match[bytes]]) -> int | None:
    """The width of what a style sheet puts in the middle."""
    for rule in rules:
        pixels = _PIXELS.search(rule[2]) if _MARGIN.search(rule[2]) else None
        if pixels and _NARROWEST <= int(pixels[1]) <= _WIDEST:
            return int(pixels[1])
    return None


def _has_type(head: bytes, rules: list[re.Match[bytes]]) -> bool:
    """Whether the letter says itself in what typeface it stands as a whole."""
    body = _BODY_TAG.search(head)
    if body and _FONT.search(body[0]):
        return True
    return any(_OF_BODY.search(rule[1].strip()) and _FONT.search(rule[2]) for rule in rules)


def _unclosed(document: bytes, top: int, bottom: int) -> int:
    """How many tables were opened and never closed: what stands behind would stand in them."""
    if bottom - top > _COUNTED_OCTETS:
        return 0
    body = document[top:bottom].lower()
    return min(_MAX_OPEN, max(0, body.count(b"<table") - body.count(b"</table")))


def _is_whole(document: bytes, top: int, bottom: int) -> bool:
    """Whether cells and ends of tables stand in tables only, and each table has its end."""
    if bottom - top > _COUNTED_OCTETS:
        return False
    first, *tables = _COMMENT.sub(b"", document[top:bottom].lower()).split(b"<table")
    outside, depth = [first], 0
    for table in tables:
        *ended, rest = table.split(b"</table")
        depth += 1 - len(ended)
        if depth < 0:
            return False
        if depth == 0:
            outside.append(rest)
    return depth == 0 and not any(_CELLS.search(each) for each in outside)
