"""Phone numbers as text messages need them: E.164 (ITU-T), from what people write.

What has no + is dialled from Canada. Which numbers exist is for libphonenumber's tables to say. Knows nothing of
carriers, prices or services.
"""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from messages.recipient import Channel
from messages.text import Text, TextError

HOME = "CA"  # where a number without + is dialled
# Notify takes both for local: they share the country code and cost the same. Others of +1, as the Bahamas (242) and
# Puerto Rico (787), are abroad.
DOMESTIC = frozenset({"CA", "US"})
MAX_CHARACTERS = 64  # of what is written: three times the longest number, with a separator behind each digit
_MAX_DIGITS = 15  # E.164 6.2.1
_MAX_DIALLED = _MAX_DIGITS + 3  # 011, which leads abroad from here

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067"
                                    "\u2068\u2069\ufeff\u00ad"))  # fmt: skip
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]+")  # \s has U+00A0 and its narrow kin
_PLAIN = re.compile(r"\+?[0-9]*")

_NOT_VALID = Text("Not a valid number")
_NOT_LOCAL = Text("Not a valid local number")
_NOT_INTERNATIONAL = Text("Not a valid international number")
_TOO_FEW = Text("Not enough digits")
_TOO_MANY = Text("Too many digits")
_NO_PREFIX = Text("Not a valid country prefix")
_SYMBOLS = Text("Must not contain letters or symbols")

_UNREADABLE = {
    NumberParseException.INVALID_COUNTRY_CODE: _NO_PREFIX,
    NumberParseException.TOO_LONG: _TOO_MANY,
}
_IMPOSSIBLE = {
    ValidationResult.TOO_SHORT: _TOO_FEW,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _TOO_FEW,  # without its area code
    ValidationResult.TOO_LONG: _TOO_MANY,
    ValidationResult.INVALID_COUNTRY_CODE: _NO_PREFIX,
}


class PhoneNumberError(TextError, ValueError):
    """Why a number cannot be used, in Notify's words, without the number itself."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.source)


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number in E.164, as +16135550100. Made directly from one that was checked when it was stored."""

    e164: str

    @classmethod
    def parse(cls, text: str) -> "PhoneNumber":
        """The number in `text`, which exists as far as the tables know. Raises PhoneNumberError."""
        dialled = _dialled(text)
        try:
            number = phonenumbers.parse(dialled, HOME)
        except NumberParseException as error:
            raise PhoneNumberError(_UNREADABLE.get(error.error_type, _TOO_FEW)) from None
        if not phonenumbers.is_valid_number(number):
            possible = phonenumbers.is_possible_number_with_reason(number)
            elsewhere = _NOT_LOCAL if number.country_code == 1 else _NOT_INTERNATIONAL
            raise PhoneNumberError(_IMPOSSIBLE.get(possible, elsewhere))
        return cls(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    @property
    def channel(self) -> Channel:
        return Channel.SMS

    @property
    def key(self) -> str:
        return self.e164

    @property
    def region(self) -> str:
        """The country in ISO 3166, which the country code alone does not tell; empty where no one country has it."""
        region = phonenumbers.region_code_for_number(phonenumbers.parse(self.e164))
        return region if region and region.isalpha() else ""

    @property
    def international(self) -> bool:
        """Whether texts to it go abroad, as Notify counts."""
        return self.region not in DOMESTIC

    def __str__(self) -> str:
        return self.e164


def _dialled(text: str) -> str:
    """The digits, and the + before them: what libphonenumber would read besides (extensions, letters) is refused."""
    if len(text) > MAX_CHARACTERS:
        raise PhoneNumberError(_NOT_VALID)
    if ";" in text:
        raise PhoneNumberError(_NOT_VALID)
    dialled = _SEPARATORS.sub("", text.translate(_INVISIBLE))
    if not _PLAIN.fullmatch(dialled):
        raise PhoneNumberError(_SYMBOLS)
    if len(dialled) > _MAX_DIALLED + dialled.startswith("+"):
        raise PhoneNumberError(_TOO_MANY)
    return dialled
