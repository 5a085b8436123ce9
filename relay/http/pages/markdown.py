"""Markdown of ours as HTML: no HTML passes, headings can be linked to, code scrolls in its own box.

Cells of a table stand below each other where the page is narrow; the roles say that it is a table still.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from messages.text import to_ascii

_ROLES = {"table_open": "table", "tr_open": "row", "th_open": "columnheader", "td_open": "cell"}
_ROLES |= {"thead_open": "rowgroup", "tbody_open": "rowgroup"}
_BREAKS = re.compile(r"(?<=[_/])(?=\w)")

Link = Callable[[str], str]  # the target of a link to another chapter -> where that is


def to_html(text: str, link: Link) -> str:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    names: set[str] = set()
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _free(anchor(tokens[place + 1].content), names))
        if token.type in _ROLES:
            token.attrs.pop("style", None)
            token.attrSet("role", _ROLES[token.type])
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("href", link(str(inner.attrGet("href"))))
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_inline", _code)
    return str(parser.renderer.render(tokens, parser.options, {}))


def anchor(title: str) -> str:
    """What a heading is called in links."""
    return re.sub(r"[^a-z0-9]+", "-", to_ascii(title).lower()).strip("-")


def demoted(text: str, levels: int) -> str:
    """Its headings so many levels lower."""
    lines, fenced = [], False
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        lines.append("#" * levels + line if line.startswith("#") and not fenced else line)
    return "\n".join(lines)


def _free(name: str, taken: set[str]) -> str:
    found = next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)
    taken.add(found)
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fence(renderer: Any, tokens: Sequence[Token], place: int, *_: Any) -> str:
    # Reached by keyboard: not every browser lets one scroll what has no focus.
    code = tokens[place]
    return f'<pre tabindex="0"><code class="language-{code.info}">{_escaped(code.content)}</code></pre>\n'


def _code(renderer: Any, tokens: Sequence[Token], place: int, *_: Any) -> str:
    # A name may go on in the next line behind each of its words.
    return f"<code>{_BREAKS.sub('<wbr>', _escaped(tokens[place].content))}</code>"
