"""Parameters of a MIME field written in ASCII (RFC 2231): file names keep every letter.

Reading them is mime.py's. Knows nothing of parts or of what a parameter is for.
"""

import re
from urllib.parse import quote, unquote

from messages.email.charset import codec_of
from messages.email.encoded_words import certain
from messages.email.mime import MAX_VALUE_CHARACTERS, PARAMETER, unquoted
from messages.email.structured import ascii_only, percent_encoded
from messages.email.structured import in_ascii as structured

_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"  # RFC 2231 7, beside letters and digits
_LINE_OCTETS = 60  # of a value: with its name, a line of 78
_REFERENCES = ("start", "start-info")  # they name a Content-ID, which is written the same way


def in_ascii(value: str, *, boundary: str = "", most: int = MAX_VALUE_CHARACTERS) -> str:
    """The value with each parameter that is not ASCII, or longer than `most`, by RFC 2231; the others stay.

    `boundary` stands for the one that is there. Elsewhere, what is no comment loses its octets.
    """
    if len(value) > MAX_VALUE_CHARACTERS:
        return ascii_only(value)
    named: dict[str, list[re.Match[str]]] = {}
    for found in PARAMETER.finditer(value):
        named.setdefault(found[1].partition("*")[0].lower(), []).append(found)
    new: dict[int, tuple[int, str]] = {}  # where a parameter starts: where it ends, and what it becomes
    for base, matches in named.items():
        if (base == "boundary" and boundary) or any(not each[0].isascii() or len(each[0]) > most for each in matches):
            new.update((each.start(), (each.end(), "")) for each in matches[1:])
            new[matches[0].start()] = (matches[0].end(), f"; {_written(base, matches, boundary)}")
    pieces: list[str] = []
    at = 0
    for start, (end, text) in sorted(new.items()):
        pieces += (_without_octets(value[at:start]), text)
        at = end
    return "".join((*pieces, _without_octets(value[at:])))


def _written(base: str, matches: list[re.Match[str]], boundary: str) -> str:
    text = _meant(base, {each[1].lower(): unquoted(each[2]) for each in reversed(matches)})  # the first counts
    if base == "boundary":
        return f'boundary="{boundary or ascii_only(text)}"'
    if base == "charset":
        return f"charset={ascii_only(text) or 'us-ascii'}"
    if base in _REFERENCES:
        return f'{base}="{percent_encoded(text)}"'
    name, encoded = ascii_only(base) or "x", quote(text, safe=_ATTRIBUTE_CHARACTERS)
    if len(name) + len(encoded) <= _LINE_OCTETS:
        return f"{name}*=utf-8''{encoded}"
    return "; ".join(f"{name}*{number}*={piece}" for number, piece in enumerate(_cut(f"utf-8''{encoded}")))


def _meant(base: str, values: dict[str, str]) -> str:
    """What readers of RFC 2231 take, else the plain value, in which many products put encoded words."""
    first = next((name for name in (f"{base}*", f"{base}*0*", f"{base}*0") if name in values), None)
    if first is None:
        return certain(values.get(base) or next(iter(values.values())))
    text, number = values[first], 1
    while (piece := values.get(f"{base}*{number}", values.get(f"{base}*{number}*"))) is not None:
        text, number = text + piece, number + 1
    if not first.endswith("*"):
        return text
    charset = text.partition("'")[0] if text.count("'") > 1 else "utf-8"
    return unquote(text.split("'", 2)[-1], codec_of(charset) or "utf-8")


def _cut(encoded: str) -> list[str]:
    """Pieces of about one line each; no `%XX` is cut."""
    pieces, at = [], 0
    while at < len(encoded):
        end = at + _LINE_OCTETS
        end -= next((back for back in (1, 2) if encoded[end - back : end - back + 1] == "%"), 0)
        pieces.append(encoded[at:end])
        at = end
    return pieces


def _without_octets(text: str) -> str:
    return text if text.isascii() else structured(text, ascii_only)
