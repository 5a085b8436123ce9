"""Where the address of a page begins and ends in text that people wrote: one rule for plain text and for Markdown.

RFC 3986 allows an address nearly every character that may follow it in a sentence. What closes something that was
opened before the address (a bracket, a quote, an emphasis) is not of it; what the address opened itself is, and so is
all that stands in `<...>` (RFC 3986 appendix C). Takes time in proportion to the text. Knows nothing of HTML.
"""

import re
from collections import Counter
from collections.abc import Iterator

# No address holds these: blanks, invisible characters, and the punctuation of Chinese, Japanese and Korean.
_NEVER = (
    r"\s<>\"`\x00-\x20\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
    r"\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3b\uff3d\uff5b-\uff64"
)
_TOKEN = re.compile(
    r"<(?P<enclosed>https?://[^\s<>]++)>"
    r"|(?<![A-Za-z0-9])(?P<bare>https?://)"
    r"|\\[*_~\\]|(?P<mark>\*++|_++|~++)",
    re.IGNORECASE,
)
_STOP = re.compile(rf"[()\[\]{{}}{_NEVER}]")
_OPENED_BY = {")": "(", "]": "[", "}": "{"}
_AFTER = ".,;:!?\\([{\u2026\u2013\u2014\u00bb\u201d\u2019\u203a"
_PLAIN = re.compile(r"https?://(?:[\w./?=&%#+:@,;!$-]*[\w/])?", re.ASCII)
_SIMPLE = re.compile(r"[\w.,:;?!/=&%#+@$-]*[A-Za-z0-9/=&-](?=[\s<>\"]|\Z)")  # most are: nothing to think about
_EMPTY = re.compile(r"https?:/*", re.IGNORECASE)


def find(text: str) -> Iterator[tuple[int, int]]:
    """Where each address of the text begins and ends. The text is one paragraph, or a piece of one."""
    if "://" not in text:
        return
    opened: Counter[str] = Counter()  # marks of emphasis that none has closed yet
    at = 0
    while found := _TOKEN.search(text, at):
        at = found.end()
        if found["enclosed"]:
            yield found.span("enclosed")
        elif found["bare"]:
            at = _end(text, found, opened)
            if _EMPTY.fullmatch(text, found.start(), at):
                at = found.end()
            else:
                yield found.start(), at
        elif found["mark"]:
            _count(opened, text, found)


def is_address(text: str) -> bool:
    """Whether it is the whole address of a page and nothing else."""
    found = _TOKEN.match(f"<{text}>")
    return bool(found and found["enclosed"] == text and not _EMPTY.fullmatch(text))


def ends_itself(address: str) -> bool:
    """Whether readers who find the address in plain text find all of it."""
    return bool(_PLAIN.fullmatch(address)) or next(find(address), None) == (0, len(address))


def _end(text: str, found: re.Match[str], opened: Counter[str]) -> int:
    simple = _SIMPLE.match(text, found.end())
    if simple:
        return simple.end()
    run = text[found.start() : _stop(text, found.end())]
    return found.start() + _length(run, opened, quoted=_before(text, found.start()) == "'")


def _length(run: str, opened: Counter[str], *, quoted: bool) -> int:
    end = len(run)
    marks, quotes = opened.copy(), run.count("'")
    while end:
        last = run[end - 1]
        if marks[last]:
            marks[last] -= 1
        elif last == "'" and (quoted or quotes % 2):
            quotes, quoted = quotes - 1, False
        elif last not in _AFTER:
            break
        end -= 1
    return end


def _stop(text: str, at: int) -> int:
    """Where a character stands that no address holds, or a bracket closes that this one did not open."""
    depth: Counter[str] = Counter()
    for stop in _STOP.finditer(text, at):
        opening = _OPENED_BY.get(stop[0])
        if opening and depth[opening]:
            depth[opening] -= 1
        elif stop[0] in _OPENED_BY.values():
            depth[stop[0]] += 1
        else:
            return stop.start()
    return len(text)


def _count(opened: Counter[str], text: str, mark: re.Match[str]) -> None:
    before, after = _before(text, mark.start()), text[mark.end() : mark.end() + 1]
    kind, number = mark[0][0], len(mark[0])
    if after.strip() and not before.isalnum():
        opened[kind] += number
    elif before.strip() and not after.isalnum():
        opened[kind] -= min(number, opened[kind])


def _before(text: str, at: int) -> str:
    return text[at - 1] if at else ""
