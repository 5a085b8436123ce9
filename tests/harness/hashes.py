"""Hashes of passwords and recovery codes at a cost that keeps no test waiting: ten codes take a third of a second."""

from typing import Any

from argon2 import PasswordHasher
from argon2.low_level import hash_secret_raw

from auth.people import recovery

_CHEAP = {"time_cost": 1, "memory_cost": 64}
_LEAST = {"time_cost": 2, "memory_cost": 19 * 1024}  # OWASP's of argon2id, which ours is held to here


def hasher() -> PasswordHasher:
    return PasswordHasher(**_CHEAP, parallelism=1)


def hasten() -> None:
    """Recovery codes of the tests' own process."""
    recovery.hash_secret_raw = _quick  # type: ignore[attr-defined]


def _quick(secret: bytes, salt: bytes, **asked: Any) -> bytes:
    assert all(asked[name] >= least for name, least in _LEAST.items()), asked
    return hash_secret_raw(secret, salt, **asked | _CHEAP)
