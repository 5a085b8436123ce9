"""Who asks, as far as a log line says it."""

import re
from dataclasses import dataclass

MAX_PRODUCT_CHARACTERS = 80
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PRODUCT = re.compile(rf"{_WORD}(?:/{_WORD})?")  # RFC 9110 10.1.5


@dataclass(frozen=True, slots=True)
class Client:
    """An address, and what the client calls itself: the first product of User-Agent, empty when it names none."""

    address: str
    product: str

    @classmethod
    def of(cls, address: str, user_agent: str) -> "Client":
        found = _PRODUCT.match(user_agent)
        return cls(address, found[0][:MAX_PRODUCT_CHARACTERS] if found else "")
