"""A text as it is sent: what a phone cannot show goes, blanks and new lines are put in order, its sender is named.

Notify's clean-up but for one thing: it writes ? for a character outside its alphabets and strips accents from letters
of other languages than its own; UCS-2 carries all of Unicode, so whatever people wrote stays. Knows nothing of parts.
"""

import re

from messages.text import normalised

# Controls, and what has no width and joins nothing. The joiners U+200C and U+200D stay: emoji and many scripts need
# them; so do the marks of direction.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_EMPTY_LINES = re.compile(r"\n{3,}")
_BEFORE_STOP = re.compile(r"(?<=\S) ++(?=[,.](?!\w))")


def cleaned(text: str) -> str:
    """Composed (NFC): an accent that stands alone would cost UCS-2, and the letter with it may not. Empty: nothing."""
    text = _UNSEEN.sub("", _LINE_END.sub("\n", normalised("NFC", text))).replace("\t", " ")
    text = "\n".join([line.strip(" ") for line in text.split("\n")])
    return _BEFORE_STOP.sub("", _EMPTY_LINES.sub("\n\n", text)).strip()


def prefixed(body: str, name: str) -> str:
    """The text that names its sender first, as `Passport Office: `."""
    return f"{name}: {body}" if name else body
