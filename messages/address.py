"""Mail addresses, strictly: RFC 5321 4.1.2 on the wire, RFC 5322 3.4 in header fields, IDNA for domains.

For what is delivered to; what only stands for somebody, as the reverse-path does, is split off and left as it is.
Accepts less than `email.utils`: comments, folding, routes, quoted local parts and address literals are refused, since
no provider delivers to them and each has been used to slip past sender checks. Knows nothing of sessions or services.
"""

import re
from collections.abc import Set
from dataclasses import dataclass

import idna

from messages.recipient import Channel
from messages.text import TextError

MAX_DOMAIN_OCTETS = 253  # RFC 1035 2.3.4 less the root dot
# RFC 5321 4.5.3.1.3 counts 256 with the angle brackets. The 64 octets before the @ sign of 4.5.3.1.1 are not asked for:
# mailing lists and ticket systems write more (VERP), and SES takes them.
MAX_PATH_OCTETS = 254

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED_LOCAL = re.compile(r'<"(?:[^"\\]|\\.)*"@')  # RFC 5321 4.1.2: Quoted-string
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class AddressError(TextError, ValueError):
    """Why an address cannot be used: one short sentence without the address itself."""


@dataclass(frozen=True, slots=True)
class Address:
    """A checked mailbox. `domain` is in lower case, and in its ASCII (A-label) form."""

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The address in `text` (no brackets, no display name). Raises AddressError."""
        local, at, domain = text.rpartition("@")
        if not at:
            raise AddressError("no @ sign")
        if not local:
            raise AddressError("nothing before the @ sign")
        if len(local) > MAX_PATH_OCTETS:
            raise AddressError("longer than {limit} octets", limit=MAX_PATH_OCTETS)
        if not _LOCAL.fullmatch(local) or any("\ud800" <= c <= "\udfff" for c in local):
            raise AddressError("a character or dot before the @ sign is not allowed there")
        address = cls(local, parse_domain(domain))
        if len(str(address).encode()) > MAX_PATH_OCTETS:
            raise AddressError("longer than {limit} octets", limit=MAX_PATH_OCTETS)
        return address

    @property
    def channel(self) -> Channel:
        return Channel.EMAIL

    @property
    def ascii(self) -> bool:
        return self.local.isascii()

    @property
    def key(self) -> str:
        """What two spellings of one mailbox have in common, for comparing and for keyed hashes."""
        return f"{self.local.lower()}@{self.domain}"

    def is_in(self, listed: Set[str]) -> bool:
        """Whether a list of keys, and of domains as "@domain", holds it. One beyond ASCII is in none."""
        return self.ascii and bool({self.key, f"@{self.domain}"} & listed)

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def parse_domain(text: str) -> str:
    """A domain in lower-case ASCII (IDNA). Raises AddressError unless it has two labels or more."""
    if not text:
        raise AddressError("nothing after the @ sign")
    if len(text) > MAX_DOMAIN_OCTETS:  # its ASCII form is no shorter
        raise AddressError("the domain is longer than {limit} octets", limit=MAX_DOMAIN_OCTETS)
    if not text.isascii():
        try:
            # IDNA 2008 (RFC 5891): the older rules make one of the newer's domains into another, ß into ss.
            text = idna.encode(text, uts46=True).decode("ascii")
        except UnicodeError:
            raise AddressError("the domain has no ASCII (IDNA) form") from None
    labels = text.lower().split(".")
    if len(text) > MAX_DOMAIN_OCTETS:
        raise AddressError("the domain is longer than {limit} octets", limit=MAX_DOMAIN_OCTETS)
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressError("the domain is not a full domain name")
    if labels[-1].isdigit():
        raise AddressError("the domain is not a full domain name")
    return ".".join(labels)


def parse_path(text: str) -> tuple[Address | None, str]:
    """The path at the start of RCPT TO's argument, and the parameters behind it; None for `<>`. Raises AddressError."""
    path, rest = split_path(text)
    return (Address.parse(path) if path else None), rest


def split_path(text: str) -> tuple[str, str]:
    """What stands in the angle brackets at the start of MAIL FROM's or RCPT TO's argument, and what behind them.

    Empty for `<>` (RFC 5321 4.5.5: the null reverse-path). Not looked at as an address. Raises AddressError.
    """
    text = text.lstrip(" ")  # old products write a space after the colon
    if not text.startswith("<"):
        raise AddressError("angle brackets are missing")
    end = _closing_bracket(text)
    path, rest = text[1:end], text[end + 1 :]
    if _CONTROL.search(path):
        raise AddressError("a control character stands in it")
    if rest and not rest.startswith(" "):
        raise AddressError("something stands directly behind the closing angle bracket")
    return path, rest.strip(" ")


def _closing_bracket(text: str) -> int:
    """Of the one that `text` begins with; others may stand in a quoted local part, or in pairs."""
    first = text.find(">")
    if first > 0 and '"' not in text and "<" not in text[1:first]:  # nearly all
        return first
    quoted = _QUOTED_LOCAL.match(text)
    depth = 1 if quoted else 0
    for at in range(quoted.end() if quoted else 0, len(text)):
        depth += {"<": 1, ">": -1}.get(text[at], 0)
        if not depth:
            return at
    raise AddressError("the closing angle bracket is missing")
