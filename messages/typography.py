"""Typography of text that people read: curly quotes, dashes, no blank left before a comma or full stop.

Knows nothing of Markdown: it is given plain text, piece by piece.
"""

import re

from messages import links

# Each starts with what it is about, and looks behind from there: a search that tries inside a run of blanks or at each
# character takes long. The first says whether there is anything to do.
_WORTH = re.compile(r"[\"']|[ \t][,.-]")
_BEFORE_STOP = re.compile(r"[ \t](?<![ \t].)[ \t]*+(?=[,.](?!\w))")
_DASH = re.compile(r" (?<=\S )--? (?=\S)")
_MAIL = re.compile(r"((?<!\S)[^\s@]*+@\S*+)")
_AT_WORD_START = (
    (re.compile(r"'(?<!\S')(?![\"'(\[{])"), "\u2018"),
    (re.compile(r"\"(?<!\S\")(?![\"'(\[{])"), "\u201c"),
)
_LEADING = re.compile(r"[(\[{\"'](?<!\S.)(?:(?<=[\"'])|[(\[{]*+[\"'])[(\[{\"']*+")
_OPENING = str.maketrans({'"': "\u201c", "'": "\u2018"})
_QUOTES = "\"'"


def typographic(text: str, *, after_word: bool = False) -> str:
    """The text with its quotes, dashes and blanks set. `after_word`: it goes on directly behind a word.

    Words with an @ keep their quotes: they are mail addresses. So do addresses of pages, and what quotes them.
    """
    pieces: list[str] = []
    at = 0
    for begin, end in links.find(text):
        pieces += (between(text[at:begin], after_word=after_word, behind=at > 0, before=True), text[begin:end])
        at, after_word = end, True
    return "".join((*pieces, between(text[at:], after_word=after_word, behind=at > 0)))


def between(text: str, *, after_word: bool = False, behind: bool = False, before: bool = False) -> str:
    """As `typographic`, for text without addresses that stands directly behind one, or before.

    The quotes that touch an address stay straight: readers of plain text take curly ones for a part of it.
    """
    if not _WORTH.search(text):
        return text
    head = text[: len(text) - len(text.lstrip(_QUOTES))] if behind else ""
    text = text[len(head) :]
    tail = text[len(text.rstrip(_QUOTES)) :] if before else ""
    text = text[: len(text) - len(tail)]
    return head + _set(text, after_word) + tail


def _set(text: str, after_word: bool) -> str:
    text = ("x" if after_word else "\n") + text
    text = _DASH.sub(" \u2013 ", _BEFORE_STOP.sub("", text))
    if '"' in text or "'" in text:
        words = _MAIL.split(text) if "@" in text else [text]
        words[::2] = map(_curl, words[::2])
        text = "".join(words)
    return text[1:]


def _curl(text: str) -> str:
    for quote, curly in _AT_WORD_START:
        text = quote.sub(curly, text)
    return _LEADING.sub(lambda found: found[0].translate(_OPENING), text).replace('"', "\u201d").replace("'", "\u2019")
