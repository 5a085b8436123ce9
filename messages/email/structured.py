"""Values of structured header fields (RFC 5322 2.2.2) in ASCII: encoded words stand in comments and phrases only
(RFC 2047 5), so what is an identifier, an address or a date is written in another way.

Knows nothing of which field is which.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

from messages.address import AddressError, parse_domain
from messages.email.encoded_words import certain, encoded_words

MAX_VALUE_CHARACTERS = 10_000  # a longer value loses its octets: nobody reads that much of one

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|<[^<>]*+>|\\.|[^ \t"()<\\,;:]++|[ \t]++|.', re.DOTALL)
_IN_COMMENT = re.compile(r"\\.|[^ \t()\\]++|[ \t]++|.", re.DOTALL)  # quotes and angle brackets are text there
_QUOTING = re.compile(r'\\(.)|"')
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def percent_encoded(text: str) -> str:
    """As URLs have it (RFC 3986 2.1), and as it may stand in a Message-ID: two that were the same are the same."""
    return _BEYOND_ASCII.sub(lambda found: quote(found[0]), text)


def ascii_only(text: str) -> str:
    return text.encode("ascii", "ignore").decode()


def in_ascii(value: str, outside: Callable[[str], str] = percent_encoded) -> str:
    """The value with the text of its comments as encoded words; `outside` makes ASCII of what stands elsewhere."""
    return ascii_only(value) if len(value) > MAX_VALUE_CHARACTERS else "".join(_written(value, outside))


def phrases_in_ascii(value: str) -> str:
    """Of a list of addresses, or of List-Id: names and comments as encoded words, domains as IDNA has them."""
    return ascii_only(value) if len(value) > MAX_VALUE_CHARACTERS else "".join(_written(value, _address, phrases=True))


def _written(value: str, outside: Callable[[str], str], *, phrases: bool = False) -> Iterator[str]:
    depth, at = 0, 0
    run: list[str] = []  # encoded words that are neighbours: the white space between them would not be shown
    while found := (_IN_COMMENT if depth else _TOKEN).match(value, at):
        token, at = found[0], found.end()
        text = depth > 0 or (phrases and token[0] != "<" and "@" not in token)
        if text and (not token.isascii() or "=?" in token):
            run.append(_QUOTING.sub(r"\1", token) if depth == 0 else token)
            continue
        if run and not token.strip(" \t"):
            run.append(token)
            continue
        yield from _spoken(run)
        run = []
        depth = max(0, depth + {"(": 1, ")": -1}.get(token, 0))
        yield token if token.isascii() else outside(token)
    yield from _spoken(run)


def _spoken(run: list[str]) -> Iterator[str]:
    if run:
        text = "".join(run)
        spoken = text.rstrip(" \t")
        yield " ".join(encoded_words(certain(spoken)))
        yield text[len(spoken) :]


def _address(text: str) -> str:
    local, at, domain = text.strip("<>").rpartition("@")
    try:
        domain = parse_domain(domain)
    except AddressError:
        return percent_encoded(text)
    address = percent_encoded(local) + at + domain
    return f"<{address}>" if text.startswith("<") else address
