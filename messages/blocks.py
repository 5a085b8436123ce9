"""The lines of Markdown as blocks: paragraphs, headings, rules, lists in lists, and quotations (CommonMark 4 and 5).

With less than CommonMark, as markdown.py says: no code, so an indent means depth in lists only. Looks at each line once
for each list that it may stand in, and these are bounded: any text takes time in proportion. Knows nothing of HTML.
"""

import re
from typing import NamedTuple

MAX_DEPTH = 10  # of lists in lists: what would be deeper is text

_INDENT = re.compile(r"[ \t]*")
_HEADING = re.compile(r"(#{1,6})(?:[ \t]|$)")
_RULE = re.compile(r"([*_-])[ \t]*+(?:\1[ \t]*+){2,}+")
_ITEM = re.compile(r"(?P<mark>[*+-]|(?P<number>[0-9]{1,9})[.)])(?=[ \t]|$)")
_LAZY = 3  # a line of a paragraph that is indented by more goes on, whatever it begins with
_MAX_BLANKS = 4  # behind the mark of an item; where there are more, its text begins behind the first


class Block(NamedTuple):
    """A paragraph or heading with its `text`, a rule, or where a list, item or quotation begins or, by a slash, ends.

    `name` is HTML's. `start` is the first number of a list; `tight` paragraphs stand in an item without blank lines.
    """

    name: str
    text: str = ""
    start: int = 1
    tight: bool = False


_ITEM_BEGINS, _ITEM_ENDS = Block("li"), Block("/li")


def parse(text: str) -> list[Block]:
    """Never fails. Knows LF line ends only."""
    return _Reader(text.split("\n")).blocks()


class _Reader:
    def __init__(self, lines: list[str], *, quoted: bool = False) -> None:
        self._texts = [_stripped(line) for line in lines]
        self._indents = [_columns(line) if line[:1] in (" ", "\t") else 0 for line in lines]
        self._quoted = quoted
        self._blocks: list[Block] = []
        self._indent = 0  # of the item that is being read; what stands further left is not of it
        self._list_indent = -1  # of the item around that
        self._depth = 0
        self._paragraphs: list[int] = []  # those of the list that is being read, as places in _blocks

    def blocks(self) -> list[Block]:
        self._read(0)
        return self._blocks

    def _read(self, line: int) -> tuple[int, bool]:
        """Reads what is indented far enough. Returns the first line that is not, and whether none was blank between."""
        texts, end = self._texts, len(self._texts)
        gap, tight = False, True
        while line < end:
            while line < end and not texts[line]:
                line += 1
            if line == end or self._indents[line] < self._indent:
                break
            line = self._block(line)
            tight = not gap
            if not texts[line - 1]:
                gap = True
            if line < end and not texts[line]:
                gap = True
                line += 1
        return line, tight

    def _block(self, line: int) -> int:
        text = self._texts[line]
        first = text[0]
        if first == "#" and (heading := _HEADING.match(text)):
            words = _heading(text[heading.end() :])
            self._blocks += [Block(f"h{len(heading[1])}", words)] if words else []
            return line + 1
        if first in "*_-" and _RULE.fullmatch(text):
            self._blocks.append(Block("hr"))
            return line + 1
        if first == "^" and not self._quoted:
            return self._quotation(line)
        if (first in "*+-" or first.isdigit()) and (item := self._item(line)):
            return self._list(line, item)
        return self._paragraph(line)

    def _paragraph(self, line: int) -> int:
        start = line
        line += 1
        while line < len(self._texts) and self._texts[line] and not self._interrupts(line):
            line += 1
        self._paragraphs.append(len(self._blocks))
        self._blocks.append(Block("p", "\n".join(self._texts[start:line]).rstrip()))
        return line

    def _interrupts(self, line: int) -> bool:
        """Whether the line begins a block of its own where a paragraph stands before it."""
        text, indent = self._texts[line], self._indents[line]
        if text[0] not in "#*_-+^0123456789" or indent - self._indent > _LAZY:
            return False
        if (text[0] == "#" and _HEADING.match(text)) or (text[0] in "*_-" and _RULE.fullmatch(text)):
            return True
        if text[0] == "^":
            return not self._quoted and indent >= self._indent
        item = self._item(line)
        if not item or indent < self._indent:
            return bool(item)
        return item.end() < len(text) and int(item["number"] or 1) == 1

    def _item(self, line: int) -> re.Match[str] | None:
        indent = self._indents[line]
        if self._depth == MAX_DEPTH or (0 <= self._list_indent <= indent - 4 and indent < self._indent):
            return None
        return _ITEM.match(self._texts[line])

    def _list(self, line: int, item: re.Match[str]) -> int:
        name, kind = "ol" if item["number"] else "ul", item["mark"][-1]
        self._blocks.append(Block(name, start=int(item["number"] or 1)))
        around, self._paragraphs = self._paragraphs, []
        tight, gap, next_item = True, False, item
        while True:
            start = line
            line, close = self._read_item(line, next_item)
            tight = tight and close and not gap
            gap = line - start > 1 and not self._texts[line - 1]
            following = self._following(line, name, kind)
            if not following:
                break
            next_item = following
        if tight:
            for place in self._paragraphs:
                self._blocks[place] = Block("p", self._blocks[place].text, tight=True)
        self._paragraphs = around
        self._blocks.append(Block(f"/{name}"))
        return line

    def _following(self, line: int, name: str, kind: str) -> re.Match[str] | None:
        """The next item of the same list."""
        if line >= len(self._texts) or self._indents[line] < self._indent or not self._texts[line]:
            return None
        if self._texts[line][0] in "*_-" and _RULE.fullmatch(self._texts[line]):
            return None
        item = _ITEM.match(self._texts[line])
        same = item and ("ol" if item["number"] else "ul", item["mark"][-1]) == (name, kind)
        return item if same else None

    def _read_item(self, line: int, item: re.Match[str]) -> tuple[int, bool]:
        around = self._indent, self._list_indent
        rest = self._texts[line][item.end() :]
        column = self._indents[line] + item.end()
        blanks = _columns(rest, column)
        self._list_indent = self._indent
        self._indent = column + (blanks if rest and blanks <= _MAX_BLANKS else 1)
        self._texts[line], self._indents[line] = rest.lstrip(), column + blanks
        self._depth += 1
        self._blocks.append(_ITEM_BEGINS)
        if not rest and (line + 1 >= len(self._texts) or not self._texts[line + 1]):
            line, tight = min(line + 2, len(self._texts)), True  # nothing in it
        else:
            line, tight = self._read(line)
        self._blocks.append(_ITEM_ENDS)
        self._depth -= 1
        self._indent, self._list_indent = around
        return line, tight

    def _quotation(self, line: int) -> int:
        """Lines that start with `^`. Inside a quotation they start none."""
        start = line
        while line < len(self._texts) and self._texts[line][:1] == "^" and self._indents[line] >= self._indent:
            line += 1
        inside = _Reader([text[1:].removeprefix(" ") for text in self._texts[start:line]], quoted=True)
        self._blocks += (Block("blockquote"), *inside.blocks(), Block("/blockquote"))
        return line


def _stripped(line: str) -> str:
    """Without blanks around it; but one stays behind a backslash, which would else stand before the line break."""
    text = line.strip()
    return f"{text} " if text[-1:] == "\\" and not line.endswith(text) else text


def _columns(line: str, column: int = 0) -> int:
    """How many columns its blanks take, where tabs stop at each fourth one (CommonMark 2.2)."""
    blanks = _INDENT.match(line)[0]  # type: ignore[index]  # it matches nothing, too
    if "\t" not in blanks:
        return len(blanks)
    return len((" " * column + blanks).expandtabs(4)) - column


def _heading(text: str) -> str:
    """Without the marks that may close it."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare != text and (not bare or bare[-1] in " \t") else text
