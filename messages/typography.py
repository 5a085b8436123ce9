"""Typography of text that people read: curly quotes, dashes, no blank left before a comma or full stop.

Knows nothing of Markdown: it is given plain text, piece by piece.
"""

import re

# Each starts where a run of blanks or a word starts: a search that tries inside a run takes quadratic time.
_BEFORE_STOP = re.compile(r"(?<![ \t])[ \t]++(?=[,.](?!\w))")
_DASH = re.compile(r"(?<=\S) --? (?=\S)")
_QUOTED = re.compile(r"(?<!\S)[^\s\"']*+[\"']\S*+")
_LEADING = re.compile(r"[(\[{\"']*+")
_OPENING = str.maketrans({'"': "\u201c", "'": "\u2018"})
_CLOSING = str.maketrans({'"': "\u201d", "'": "\u2019"})


def typographic(text: str, *, after_word: bool = False) -> str:
    """The text with its quotes, dashes and blanks set. `after_word`: it goes on directly behind a word.

    Words with an @ keep their quotes: they are mail addresses.
    """
    text = ("x" if after_word else "\n") + text
    text = _DASH.sub(" \u2013 ", _BEFORE_STOP.sub("", text))
    if '"' in text or "'" in text:
        text = _QUOTED.sub(_curl, text)
    return text[1:]


def _curl(word: re.Match[str]) -> str:
    if "@" in word[0]:
        return word[0]
    leading = _LEADING.match(word[0])
    end = leading.end() if leading else 0
    return word[0][:end].translate(_OPENING) + word[0][end:].translate(_CLOSING)
