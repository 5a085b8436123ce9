"""Typography that costs UCS-2 and says nothing: in letters of GSM, where the whole text then is in GSM.

Where a letter remains that GSM lacks, the text stays as it was written: nothing is gained, and … as three dots would
take more. Knows nothing of who may switch it on.

What goes: curly and other quotes, « » with the blanks inside them, primes and accents that stand for an apostrophe,
all dashes and the minus sign, the ellipsis, bullets, blanks of other widths, ligatures such as ﬁ, the small raised
letters of French ordinals (2ᵉ, 1ᵉʳ). What stays, since it is spelling or meaning: ç ê â î ô û ë ï œ ÿ and their
capitals, syllabics, emoji, ° ½ · ™ ®, digits raised or lowered.
"""

import re
from collections import Counter
from dataclasses import dataclass

from messages.sms.alphabet import Encoding, encoding_of

_APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u2039\u203a\u00b4`"
_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022"
_BLANKS = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
REPLACEMENTS = {
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys(_QUOTES, '"'),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_BLANKS, " "),
    "\u2026": "...",
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\u1d49": "e",
    "\u02b3": "r",
    "\u1d50": "m",
    "\u02e2": "s",
}
_REPLACED = re.compile(f"\u00ab[ {_BLANKS}]?|[ {_BLANKS}]?\u00bb|[{re.escape(''.join(REPLACEMENTS))}]")


@dataclass(frozen=True, slots=True)
class Change:
    """`old` is written as `new`, so many times."""

    old: str
    new: str
    times: int


@dataclass(frozen=True, slots=True)
class Downgraded:
    """`changes` are all that was done to the text, each once: to be shown before it is sent."""

    text: str
    changes: tuple[Change, ...] = ()


def downgraded(text: str) -> Downgraded:
    """Takes time in proportion to the text."""
    if encoding_of(text) is Encoding.GSM:
        return Downgraded(text)
    found: Counter[str] = Counter()

    def replacement(match: re.Match[str]) -> str:
        found[match[0]] += 1
        return _written(match[0])

    plain = _REPLACED.sub(replacement, text)
    if encoding_of(plain) is not Encoding.GSM:
        return Downgraded(text)
    return Downgraded(plain, tuple(Change(old, _written(old), times) for old, times in found.items()))


def _written(old: str) -> str:
    return REPLACEMENTS[old if len(old) == 1 else "\u00ab"]
