"""HTML as the plain text that it shows: lines where blocks begin and end, items marked, addresses behind links.

Stops where mail programs mark quoted mail or a signature. A tag that is never closed is text to nobody. Takes time in
proportion to the document. Knows nothing of MIME.
"""

import re
from html import unescape

_QUOTED = r"\"[^\"]{0,8192}+\"|'[^']{0,8192}+'"
_TAG = re.compile(rf"<(?:(!--)|(/?)([a-z][a-z0-9]*+)((?:[^<>\"']++|{_QUOTED})*+)>|[!?/][^<>]*+>)", re.IGNORECASE)
_COMMENT_END = re.compile("--!?>")
_HIDDEN = {
    name: re.compile(rf"</{name}\b[^<>]*+>", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "noframes", "noembed", "iframe", "select", "svg")
}
_LINES = frozenset(("div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "main", "nav", "form",
                    "address", "center"))  # fmt: skip
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "dl", "table", "pre", "hr"))
# What Gmail, Thunderbird, Yahoo, Outlook and Apple Mail mark their quotations and signatures with.
_HISTORY = re.compile(
    r"gmail_quote|gmail_signature|moz-cite-prefix|moz-signature|yahoo_quoted|divRplyFwdMsg|appendonsend"
    r"|OLK_SRC_BODY_SECTION|protonmail_quote|type\s*=\s*[\"']?cite",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_VOID = frozenset(("br", "hr", "img", "input", "meta", "link", "area", "base", "col", "wbr"))
_HREF = re.compile(rf"\bhref\s*=\s*({_QUOTED}|[^\s\"'>]++)", re.IGNORECASE)
_BLANKS = re.compile("[ \t\r\n\f\u00a0]+")


def to_text(document: str) -> str:
    """Never fails."""
    return _Reader().read(document)


class _Reader:
    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._breaks = 0  # lines to begin before the next word
        self._blank = False  # whether a blank stands before it
        self._preformatted = 0
        self._invisible: tuple[str, int] | None = None  # the element that is not shown, and its depth
        self._link: tuple[str, int] | None = None  # the address, and from which piece its words stand

    def read(self, document: str) -> str:
        at = 0
        while found := _TAG.search(document, at):
            self._text(document[at : found.start()])
            behind = self._tag(document, found)
            if behind is None:
                return "".join(self._pieces)
            at = behind
        self._text(document[at:])
        return "".join(self._pieces)

    def _tag(self, document: str, found: re.Match[str]) -> int | None:
        """Where to read on; None: not at all."""
        if found[1]:
            return self._behind(_COMMENT_END.search(document, found.end()))
        if not found[3]:
            return found.end()
        name, closes = found[3].lower(), bool(found[2])
        if not closes and name in _HIDDEN:
            return self._behind(_HIDDEN[name].search(document, found.end()))
        if self._invisible or (not closes and name not in _VOID and _INVISIBLE.search(found[4])):
            self._hide(name, closes=closes)
        elif not closes and _HISTORY.search(found[4]):
            return None
        else:
            self._element(name, found[4], closes=closes)
        return found.end()

    @staticmethod
    def _behind(end: re.Match[str] | None) -> int | None:
        return end.end() if end else None

    def _hide(self, name: str, *, closes: bool) -> None:
        hidden, depth = self._invisible or (name, 0)
        if name == hidden:
            depth += -1 if closes else 1
        self._invisible = (hidden, depth) if depth else None

    def _element(self, name: str, attributes: str, *, closes: bool) -> None:
        if name == "br":
            self._breaks += 1
        elif name in _PARAGRAPHS or name in _LINES:
            self._breaks = max(self._breaks, 2 if name in _PARAGRAPHS else 1)
        elif name in ("td", "th"):
            self._blank = True
        elif name == "a":
            self._anchor(attributes, closes=closes)
        if name == "pre":
            self._preformatted = max(0, self._preformatted + (-1 if closes else 1))
        if name == "li" and not closes:
            self._word("- ")

    def _anchor(self, attributes: str, *, closes: bool) -> None:
        if self._link and closes:
            address, start = self._link
            words = "".join(self._pieces[start:]).strip()
            if words and not _names(words, address):
                self._pieces.append(f" ({address})")
        found = None if closes else _HREF.search(attributes)
        address = unescape(found[1].strip("\"'")).strip() if found else ""
        self._link = (address, len(self._pieces)) if address.lower().startswith(("http://", "https://")) else None

    def _text(self, text: str) -> None:
        if not text or self._invisible:
            return
        if self._preformatted:
            first, *lines = unescape(text).replace("\r\n", "\n").split("\n")
            self._word(first)
            for line in lines:
                self._breaks += 1
                self._word(line)
            return
        text = _BLANKS.sub(" ", unescape(text))
        words = text.strip(" ")
        self._blank |= text[:1] == " "
        if words:
            self._word(words)
            self._blank = text[-1] == " "

    def _word(self, words: str) -> None:
        if not words:
            return
        if self._pieces and self._breaks:
            self._pieces.append("\n" * min(self._breaks, 2))
        elif self._pieces and self._blank and not self._pieces[-1].endswith(" "):
            self._pieces.append(" ")
        self._breaks, self._blank = 0, False
        self._pieces.append(words)


def _names(words: str, address: str) -> bool:
    """Whether the words of a link show where it leads."""
    bare = re.sub(r"^https?://(?:www\.)?", "", words.strip("<>() "), flags=re.IGNORECASE).rstrip("/").lower()
    return "." in bare and " " not in bare and bare in address.lower()
