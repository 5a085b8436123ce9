"""How many parts a text takes, which they are, and what makes it take so many.

Greedy, as carriers and AWS cut: each part is filled as far as it goes. A pair (an escape and its character, or two
surrogates) is never split, so the last unit of a part may stay empty. Readers join the parts again: letters and their
accents may stand in two. Knows nothing of what a text says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from messages.sms.alphabet import (
    ESCAPE,
    Encoding,
    encoding_of,
    foreign,
    from_septets,
    septets,
    units_of,
    without_foreign,
)
from messages.text import TextError

MAX_CHARACTERS = 612  # of a text from a template, as filled: Notify's, four parts of GSM
MAX_UNITS = {Encoding.GSM: 1530, Encoding.UCS2: 630}  # what AWS takes
_MAX_TOLD = 10  # signs: who writes in another script knows


class LengthError(TextError):
    """Nothing is sent of it. `excess` is by how much: what has to go."""

    def __init__(self, source: str, *, limit: int, found: int) -> None:
        super().__init__(source, limit=limit, found=found, excess=found - limit)
        self.limit = limit
        self.excess = found - limit


@dataclass(frozen=True, slots=True)
class Size:
    """`units` are septets of GSM, or units of UTF-16."""

    encoding: Encoding
    units: int
    parts: int


@dataclass(frozen=True, slots=True)
class Sign:
    """What puts a text in UCS-2: a character, or several that are shown as one. `place` is its first, from 1."""

    text: str
    place: int
    times: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Parts of a text in UCS-2, and parts without the signs that GSM lacks; the first of these are named."""

    signs: tuple[Sign, ...]
    parts: int
    parts_without: int


def size(text: str) -> Size:
    """Takes time in proportion to the text, as all here. An empty text is one part."""
    encoding = encoding_of(text)
    units = units_of(text, encoding)
    if units <= encoding.alone:
        return Size(encoding, units, 1)
    if units == len(text):  # no pair is in it
        parts = -(-units // encoding.joined)
    elif encoding is Encoding.GSM:
        parts = sum(1 for _ in _cuts_of_gsm(septets(text)))
    else:
        parts = sum(1 for _ in _cuts_of_ucs2(_utf16(text)))
    return Size(encoding, units, parts)


def split(text: str) -> tuple[str, ...]:
    """The parts, each as text; joined they are the text."""
    encoding = encoding_of(text)
    if units_of(text, encoding) <= encoding.alone:
        return (text,)
    if encoding is Encoding.GSM:
        units = septets(text)
        return tuple(from_septets(units[begin:end]) for begin, end in _cuts_of_gsm(units))
    octets = _utf16(text)
    return tuple(
        octets[2 * begin : 2 * end].decode("utf-16-be", "surrogatepass") for begin, end in _cuts_of_ucs2(octets)
    )


def cost(text: str) -> Cost | None:
    """Why a text is in UCS-2, and what that costs; None for a text in GSM."""
    found = foreign(text)
    if not found:
        return None
    signs = [Sign(sign, places[0] + 1, len(places)) for sign, places in islice(found.items(), _MAX_TOLD)]
    return Cost(tuple(signs), size(text).parts, size(without_foreign(text)).parts)


def check_characters(text: str) -> None:
    """Raises LengthError: more than a text from a template may have."""
    if len(text) > MAX_CHARACTERS:
        raise LengthError(
            "a text message has at most {limit} characters; this one has {found}, {excess} too many",
            limit=MAX_CHARACTERS,
            found=len(text),
        )


def check_units(text: str) -> None:
    """Raises LengthError: more than AWS takes."""
    encoding = encoding_of(text)
    found, limit = units_of(text, encoding), MAX_UNITS[encoding]
    if found <= limit:
        return
    if encoding is Encoding.GSM:
        raise LengthError(
            "a text message takes at most {limit} characters, where each of ^ {{ }} \\ [ ~ ] | and the euro sign "
            "counts as two; this one takes {found}, {excess} too many",
            limit=limit,
            found=found,
        )
    raise LengthError(
        "a text message with characters beyond the GSM alphabet takes at most {limit}, where most emoji count as "
        "two; this one takes {found}, {excess} too many",
        limit=limit,
        found=found,
    )


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _cuts_of_gsm(units: str) -> Iterator[tuple[int, int]]:
    begin, most = 0, Encoding.GSM.joined
    while begin < len(units):
        end = min(begin + most, len(units))
        end -= end < len(units) and units[end - 1] == ESCAPE
        yield begin, end
        begin = end


def _cuts_of_ucs2(octets: bytes) -> Iterator[tuple[int, int]]:
    begin, units, most = 0, len(octets) // 2, Encoding.UCS2.joined
    while begin < units:
        end = min(begin + most, units)
        end -= end < units and 0xD8 <= octets[2 * end - 2] <= 0xDB  # the first of two surrogates
        yield begin, end
        begin = end
