"""The GSM 7-bit default alphabet with its extension table (3GPP TS 23.038 6.2.1), and UCS-2 for all else.

One character that GSM lacks puts the whole text in UCS-2, where a part holds less than half. Knows nothing of parts.
"""

import re
from enum import StrEnum

ESCAPE = "\x1b"  # before a character of the extension table

# By rows of 16 as the standard numbers them; the escape itself is no character of a text.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"  # two septets each

_GSM = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_NOT_GSM = f"[^{re.escape(BASIC + EXTENSION)}]"
# What readers show as one sign: flags, and a letter or picture with accents, variants, skins and joined pictures.
_JOINED = "(?:[\u0300-\u036f\u20e3\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)"
_SIGN = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|.{_JOINED}++|{_NOT_GSM}", re.DOTALL)


class Encoding(StrEnum):
    GSM = "gsm"
    UCS2 = "ucs-2"

    @property
    def alone(self) -> int:
        """How many units a text that is one part holds: septets, or of UTF-16."""
        return 160 if self is Encoding.GSM else 70

    @property
    def joined(self) -> int:
        """How many each of several parts holds beside the header that joins them (3GPP TS 23.040 9.2.3.24.1)."""
        return 153 if self is Encoding.GSM else 67


def encoding_of(text: str) -> Encoding:
    return Encoding.GSM if _GSM.fullmatch(text) else Encoding.UCS2


def units_of(text: str, encoding: Encoding) -> int:
    """Septets, or units of UTF-16: AWS sends as such what the standard calls UCS-2, and emoji are two."""
    if encoding is Encoding.GSM:
        return len(text) + sum(map(text.count, EXTENSION))
    return len(text) if not text or max(text) <= "\uffff" else len(text.encode("utf-16-be", "surrogatepass")) // 2


def septets(text: str) -> str:
    """The text of GSM with one character for each septet."""
    for character in EXTENSION:  # a look for each takes a tenth of one at every character
        text = text.replace(character, ESCAPE + character)
    return text


def from_septets(text: str) -> str:
    return text.replace(ESCAPE, "")


def foreign(text: str) -> dict[str, list[int]]:
    """The signs that GSM lacks, in their order, each with the places in the text where it stands, from 0."""
    found: dict[str, list[int]] = {}
    for sign in _SIGN.finditer(text):
        found.setdefault(sign[0], []).append(sign.start())
    return found


def without_foreign(text: str) -> str:
    return _SIGN.sub("", text)
