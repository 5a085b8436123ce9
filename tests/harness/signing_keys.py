"""Private keys of domains: a test needs another one than it has, seldom a new one, which takes 0.1 s of CPU."""

from functools import cache
from itertools import count
from pathlib import Path

from messages.email import dkim
from tests.harness.once import once

_FEW = 8  # more than any test compares
_BETWEEN = b"\0"


def remember() -> None:
    """For the tests' own processes: the keys of the first that needs one are those of all, in turn."""
    generate, turn = dkim.generate, count()

    def make(path: Path) -> None:
        path.write_bytes(_BETWEEN.join(generate() for _ in range(_FEW)))

    @cache
    def keys() -> list[bytes]:
        return once("signing-keys", make).read_bytes().split(_BETWEEN)

    dkim.generate = lambda: keys()[next(turn) % _FEW]
