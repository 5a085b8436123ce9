"""Codes of six digits, as people type them; kept as a keyed hash together with what each is for.

A hash of the digits alone would tell who has the same ones.
"""

import hmac
import secrets
from uuid import UUID

from config.keyring import Keyring


def new() -> str:
    return f"{secrets.randbelow(1_000_000):06}"


def hashed(keyring: Keyring, purpose: str, owner: UUID, code: str) -> bytes:
    """`owner`: the row that it is for."""
    return keyring.hasher(purpose).hash(f"{owner} {code}")


def is_one(keyring: Keyring, purpose: str, owner: UUID, code: str, kept: bytes) -> bool:
    """Whether it is the code that was kept, under any root of a rotation."""
    candidates = keyring.hasher(purpose).candidates(f"{owner} {code}")
    return any(hmac.compare_digest(each, kept) for each in candidates)
