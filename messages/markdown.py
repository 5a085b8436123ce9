"""The Markdown of templates, as HTML for mail readers and as plain text that says the same.

CommonMark with less: no HTML, tables, code or references, and of images the text only. `^` starts a quotation, `•` is a
bullet too, each line break stays one, addresses of pages are live, and `[[en]]...[[/en]]`, `[[fr]]`, `[[rtl]]` name the
language or direction of what they enclose. No source can bring in a tag, an attribute, or a link other than http,
https, mailto and tel. Nesting is bounded; depth beyond that is left out. Knows nothing of placeholders or MIME.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from messages.typography import typographic

PREHEADER_CHARACTERS = 256
_RULE_CHARACTERS = 65
_MAX_NESTING = 20  # brackets in brackets; an item of a list counts twice

_BLOCK_RULES = ["heading", "hr", "list"]
_INLINE_RULES = ["newline", "escape", "emphasis", "link", "entity"]
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)[^\s/]", re.IGNORECASE)
_BULLET = re.compile(r"^([ \t]*)\u2022[ \t]*(?=\S)", re.MULTILINE)
_ORNAMENT = re.compile(r"^([ \t]*)(?=(?:[*+-][ \t]++){3,}+[^\s*+-])", re.MULTILINE)  # `* * * Notice`: no lists in lists
_IMAGE = re.compile(r"!\[([^\[\]\n]*+)\]\([^()\n]*+\)")
_BEFORE_COLON = re.compile(r"(?<![A-Za-z0-9])https?\Z", re.IGNORECASE)
_BEHIND_SCHEME = re.compile(r"://[^\s<>\"\\]+")
_AFTER_ADDRESS = ".,;:!?)]}'*_~\u00bb\u201d\u2019"
_BARE = "bare"  # a link whose text is its address
_BEHIND = "\0"  # an address, in plain text, whose source holds none
_GOES_ON = re.compile(rf"{_BEHIND}(?=[^\s{re.escape(_AFTER_ADDRESS)}]|[*_]+\w)")
_ENCLOSED = re.compile(r"\[\[(/?)(en|fr|rtl)\]\]", re.IGNORECASE)
_ENCLOSURES = {"en": {"lang": "en-CA"}, "fr": {"lang": "fr-CA"}, "rtl": {"dir": "rtl"}}

# Heights of lines go with their letters, which some readers make twice as large (WCAG 1.4.4).
_COLOUR = "color:#0b0c0c;"
_LIST = f"margin:0 0 20px;padding:0 0 0 20px;font-size:16px;line-height:1.5;{_COLOUR}"
_PARAGRAPH = f"margin:0 0 20px;font-size:16px;line-height:1.5;{_COLOUR}"
# By the tag that markdown-it gives: the subject is the mail's first heading, so ours start at the second level.
_TAGS: Mapping[str, tuple[str, str]] = {
    "h1": ("h2", f"margin:0 0 20px;font-size:24px;line-height:1.3;font-weight:bold;{_COLOUR}"),
    "h2": ("h3", f"margin:0 0 15px;font-size:20px;line-height:1.25;font-weight:bold;{_COLOUR}"),
    **dict.fromkeys(("h3", "h4", "h5", "h6", "p"), ("p", _PARAGRAPH)),
    "ul": ("ul", f"{_LIST}list-style-type:disc;"),
    "ol": ("ol", f"{_LIST}list-style-type:decimal;"),
    "li": ("li", f"margin:5px 0;padding:0 0 0 5px;font-size:16px;line-height:1.5;{_COLOUR}"),
    "blockquote": ("blockquote", "margin:0 0 20px;padding:15px 15px 0.1px;border-left:10px solid #b1b4b6;"),
    "hr": ("hr", "margin:30px 0;border:0;border-top:1px solid #b1b4b6;"),
    "a": ("a", "word-wrap:break-word;"),
    "strong": ("strong", ""),
    "em": ("em", ""),
    "div": ("div", ""),
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One source in all its forms, with LF line ends. `html` is a fragment, `preheader` one line of plain text."""

    html: str
    text: str
    preheader: str


def render(source: str) -> Rendered:
    """Never fails; takes time in proportion to the source but for hostile nesting, which is bounded."""
    tokens = _parse(source)
    return Rendered(_html(tokens), _text(tokens), _preheader(tokens))


# -- Parsing -------------------------------------------------------------------------------------------------------


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return bool(_SCHEME.match(url))


@cache
def _parser() -> _Parser:
    """Made once: it costs a hundred times what a short template does."""
    parser = _Parser("zero", {"maxNesting": _MAX_NESTING})
    parser.enable([*_BLOCK_RULES, *_INLINE_RULES])
    parser.block.ruler.before("list", "quotation", _quotation, {"alt": ["paragraph", "list"]})
    parser.inline.ruler.after("text", "address", _address)
    parser.core.ruler.push("label", _label)
    parser.core.ruler.push("typography", _typography)
    parser.parse("x")  # its lists of rules are made on first use, and that in two threads at once leaves some out
    return parser


def _parse(source: str) -> list[Token]:
    source = _ORNAMENT.sub(r"\1\\", _BULLET.sub(r"\1* ", _IMAGE.sub(r"\1", source)))
    first, *others = _ENCLOSED.split(source)
    marks = list(zip(others[::3], (name.lower() for name in others[1::3]), strict=True))
    if not _is_nested(marks):
        return _parser().parse(source)
    tokens = _parser().parse(first)
    for (slash, name), piece in zip(marks, others[2::3], strict=True):
        tokens.append(Token("enclosure", "div", -1 if slash else 1, attrs={**_ENCLOSURES[name]}))
        tokens += _parser().parse(piece)
    return tokens


def _is_nested(marks: Iterable[tuple[str, str]]) -> bool:
    """Whether each opening mark has its closing one, and none stands inside its own kind."""
    opened: list[str] = []
    for slash, name in marks:
        if not slash and name not in opened:
            opened.append(name)
        elif not slash or not opened or opened.pop() != name:
            return False
    return not opened


def _quotation(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Lines that start with `^`. Inside a quotation they start none."""
    lines: list[str] = []
    while start + len(lines) < end:
        line = start + len(lines)
        at = state.bMarks[line] + state.tShift[line]
        if state.src[at : at + 1] != "^" or state.sCount[line] < state.blkIndent or "quoted" in state.env:
            break
        if silent:
            return True
        lines.append(state.src[at + 1 : state.eMarks[line]].removeprefix(" "))
    if not lines:
        return False
    state.push("blockquote_open", "blockquote", 1)
    state.md.block.parse("\n".join(lines), state.md, {**state.env, "quoted": True}, state.tokens)
    state.push("blockquote_close", "blockquote", -1)
    state.line = start + len(lines)
    return True


def _address(state: StateInline, silent: bool) -> bool:
    """`https://...` in plain text becomes a link. Called at every special character: the colon is one."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _BEFORE_COLON.search(state.src[max(0, state.pos - 6) : state.pos])
    found = _BEHIND_SCHEME.match(state.src, state.pos, state.posMax) if scheme else None
    if not found or not scheme:
        return False
    behind = found[0].rstrip(_AFTER_ADDRESS)
    if found[0].startswith(")", len(behind)) and behind.count("(") > behind.count(")"):
        behind += ")"
    if len(behind) <= len("://"):
        return False
    if not silent:
        url = scheme[0] + behind
        state.pending = state.pending[: -len(scheme[0])]
        link = state.push("link_open", "a", 1)
        link.attrs, link.info = {"href": state.md.normalizeLink(url)}, _BARE
        state.push("address", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos += len(behind)
    return True


def _label(state: StateCore) -> None:
    """A link without words, as an empty value leaves it, is named by its address: nobody could find it (WCAG 2.4.4)."""
    for inline in state.tokens:
        children: list[Token] = []
        begin = 0
        for token in inline.children or ():
            if token.type == "link_close" and not _words(children[begin:]).strip():
                link = children[begin - 1]
                link.info = _BARE
                children[begin:] = [Token("address", "", 0, content=str(link.attrs["href"]))]
            children.append(token)
            if token.type == "link_open":
                begin = len(children)
        inline.children = children


def _typography(state: StateCore) -> None:
    for inline in state.tokens:
        after_word = False
        for token in inline.children or ():
            if token.type == "text" and token.content:
                token.content = typographic(token.content, after_word=after_word)
            if token.type in ("softbreak", "hardbreak"):
                after_word = False
            elif token.content:
                after_word = not (token.content[-1].isspace() or token.content[-1] in "([{")


# -- HTML ----------------------------------------------------------------------------------------------------------


def _html(tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    for token in tokens:
        if token.type == "inline":
            pieces += map(_html_inline, token.children or ())
        elif not token.hidden:
            pieces.append(_tag(token))
            if token.nesting <= 0:
                pieces.append("\n")
    return "".join(pieces).strip()


def _html_inline(token: Token) -> str:
    if token.tag == "br":
        return "<br>\n"
    return _tag(token) if token.nesting else escape(token.content, quote=False)


def _tag(token: Token) -> str:
    name, style = _TAGS[token.tag]
    if token.nesting < 0:
        return f"</{name}>"
    attributes = {**token.attrs, "style": style}
    written = (f' {key}="{escape(str(value))}"' for key, value in attributes.items() if value != "")
    return f"<{name}{''.join(written)}>"


# -- Plain text ----------------------------------------------------------------------------------------------------


def _text(tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    counters: list[int | None] = []  # of the lists that are open: the next number, None for bullets
    marker, first, block = "", False, Token("paragraph_open", "p", 1)
    for token in tokens:
        if token.tag in ("ul", "ol") and token.nesting > 0:
            first = not counters
            counters.append(int(token.attrs.get("start", 1)) if token.tag == "ol" else None)
        elif token.tag in ("ul", "ol"):
            counters.pop()
            marker = ""
        elif token.tag == "li" and token.nesting > 0:
            number = counters[-1]
            marker = "  " * (len(counters) - 1) + ("\u2022 " if number is None else f"{number}. ")
            counters[-1] = None if number is None else number + 1
        elif token.tag == "hr":
            pieces.append("\n\n" + "=" * _RULE_CHARACTERS)
        elif token.type == "inline":
            tight = block.hidden and not first
            pieces.append(("\n" if tight else "\n\n") + _text_block(block.tag, marker, _text_inline(token.children)))
            marker, first = " " * len(marker), False
        elif token.nesting > 0:
            block = token
    return "".join(pieces).strip() + "\n"


def _text_block(tag: str, marker: str, text: str) -> str:
    text = marker + text.replace("\n", "\n" + " " * len(marker))
    if tag not in ("h1", "h2"):
        return text
    return ("\n" if tag == "h1" else "") + f"{text}\n{'-' * _RULE_CHARACTERS}"


def _text_inline(children: Sequence[Token] | None) -> str:
    pieces: list[str] = []
    link, begin = Token("link_open", "a", 1), 0
    for token in children or ():
        if token.type == "link_open":
            link, begin = token, len(pieces)
        elif token.type == "link_close":
            label = "".join(pieces[begin:])
            pieces[begin:] = [label + _BEHIND if link.info == _BARE else _text_link(label, link.attrs)]
        elif token.nesting:
            pieces.append({"strong": "**", "em": "_"}.get(token.tag, ""))
        else:
            pieces.append(_words([token], line_break="\n"))
    # Readers would take what stands directly behind an address for a part of it.
    return _GOES_ON.sub(" ", "".join(pieces)).replace(_BEHIND, "")


def _text_link(label: str, attributes: Mapping[str, str | int | float]) -> str:
    target, title = str(attributes.get("href", "")), str(attributes.get("title", ""))
    if title:
        label = f"{label} ({title})"
    return f"{label}: {target}{_BEHIND}" if target else label


def _preheader(tokens: Sequence[Token]) -> str:
    words: list[str] = []
    for token in tokens:
        if token.type == "inline" and sum(map(len, words)) <= PREHEADER_CHARACTERS:
            words += _words(token.children).split()
    line = " ".join(words)
    return line if len(line) <= PREHEADER_CHARACTERS else line[:PREHEADER_CHARACTERS] + "\u2026"


def _words(children: Iterable[Token] | None, line_break: str = " ") -> str:
    """What can be read of inline tokens, without marks and addresses of links."""
    return "".join(line_break if token.tag == "br" else token.content for token in children or ())
