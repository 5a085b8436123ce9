"""What a token says (JWT, RFC 7519, as a compact JWS, RFC 7515), read strictly and before anything of it is verified.

Only HS256 is taken (RFC 7518 3.2). Knows no keys.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any

MAX_CHARACTERS = 4096  # clients' tokens have about 200
CLOCK_SECONDS = 30

_PART = r"[A-Za-z0-9_-]+={0,2}"
_COMPACT = re.compile(rf"({_PART})\.({_PART})\.({_PART})")


class Malformed(ValueError):  # noqa: N818
    """It is no token, or one that two readers would read differently."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """Nothing of it is to be believed before `is_signed_with`. Not for logs."""

    algorithm: object
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    def is_signed_with(self, secret: str) -> bool:
        return hmac.compare_digest(hmac.digest(secret.encode(), self.signed, hashlib.sha256), self.signature)

    def is_clock_right(self, now: float) -> bool:
        """Whether it was made just now. Raises Malformed where it does not say when."""
        return abs(now - _time(self.claims.get("iat"))) <= CLOCK_SECONDS  # false for NaN, too

    def is_in_force(self, now: float) -> bool:
        """RFC 7519 4.1.4, 4.1.5: before its end, and not before its beginning but for a clock that is ahead."""
        ends = _time(self.claims.get("exp", float("inf")))
        begins = _time(self.claims.get("nbf", float("-inf")))
        return now < ends and begins <= now + CLOCK_SECONDS


def parse(text: str) -> Token:
    """Raises Malformed."""
    match = _COMPACT.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if match is None:
        raise Malformed
    header, claims = _object(match[1]), _object(match[2])
    if header.get("crit"):  # RFC 7515 4.1.11: extensions that we do not know
        raise Malformed
    signed = text.rpartition(".")[0].encode("ascii")
    return Token(header.get("alg"), claims, signed, _octets(match[3]))


def _object(part: str) -> dict[str, Any]:
    try:
        # RFC 7515 4, RFC 7519 4: which of two values of one name is meant, readers do not agree.
        found = _JSON.decode(_octets(part).decode())
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict):
        raise Malformed
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed
    return found


_JSON = json.JSONDecoder(object_pairs_hook=_once)


def _octets(part: str) -> bytes:
    bare = part.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        raise Malformed from None


def _time(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):  # .NET sends 1718524800.0
        raise Malformed
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return float("inf")
