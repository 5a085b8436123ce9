"""Passwords: which ones may be chosen, and argon2id, whose cost is shared fairly.

NIST SP 800-63B-4 3.1.1: length and a list of what is common, no rules of composition, no expiry. Knows no table.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from messages.text import TextError, normalised

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
_LEAST_WORD = 4  # shorter words of the context stand in many a good password
_AT_ONCE = 2  # each takes a core for some 30 ms, and 19 MiB
_WAITING_OF_ONE = 4  # of one account, the one that is worked on with them
_WAITING_OF_PLACE = 20  # of one network: a whole department signs in at nine
_WAITING = 100

TOO_SHORT = "A password has at least {least} characters."
TOO_LONG = "A password has at most {most} characters."
TOO_COMMON = (
    "This password is on lists that are tried first. Choose another one, for example four words that have nothing to "
    "do with each other."
)
TOO_NEAR = "A password does not consist of your name, your address, or the name of this service."
TOO_MANY = "Too many are signing in at this moment. Try again in a minute."

T = TypeVar("T")


class PasswordError(TextError):
    """It cannot be chosen."""


class BusyError(TextError):
    """Nothing was judged: there is too much to do."""


def check(text: str, *, context: Iterable[str] = ()) -> None:
    """Raises PasswordError where it may not be chosen; `context`: names of the product, the service and the person."""
    if len(text) < MIN_CHARACTERS:
        raise PasswordError(TOO_SHORT, least=MIN_CHARACTERS)
    if len(text) > MAX_CHARACTERS:
        raise PasswordError(TOO_LONG, most=MAX_CHARACTERS)
    folded = text.casefold()
    if folded in _common() or len(set(folded)) < _LEAST_WORD:
        raise PasswordError(TOO_COMMON)
    rest = folded
    for word in sorted(_words(context), key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest != folded and (len(rest.strip("0123456789!?.-_ ")) < _LEAST_WORD or rest in _common()):
        raise PasswordError(TOO_NEAR)
    doubled = folded[: len(folded) // 2]
    if doubled * 2 == folded and doubled in _common():
        raise PasswordError(TOO_COMMON)


def _words(context: Iterable[str]) -> set[str]:
    folded = [text.casefold() for text in context]
    parts = {part for text in folded for part in (text, *_split(text))}
    return {part for part in parts if len(part) >= _LEAST_WORD}


def _split(text: str) -> Iterable[str]:
    return "".join(each if each.isalnum() else " " for each in text).split()


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # a megabyte, for whoever judges passwords

    return frozenset(FREQUENCY_LISTS["passwords"])


class Passwords:
    """One per process. `who` is an account, whose guesses wait for each other; `place` the network they come from."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        # OWASP's least for argon2id: 19 MiB, two passes.
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, "passwords")
        self._waiting: Counter[str] = Counter()  # by account
        self._from: Counter[str] = Counter()  # by network
        self._turns: dict[str, asyncio.Lock] = {}
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, who: str, text: str, *, place: str = "") -> str:
        """As it is kept. Raises BusyError."""
        return await self._work(who, place, lambda: self._hasher.hash(_same(text)))

    async def verify(self, who: str, encoded: str | None, text: str, *, place: str = "") -> bool:
        """Whether it is the password. Without one it takes as long to say no. Raises BusyError."""

        def judge() -> bool:
            try:
                return self._hasher.verify(encoded or self._nobodys, _same(text[: MAX_CHARACTERS + 1]))
            except (VerifyMismatchError, VerificationError, InvalidHashError):
                return False

        return await self._work(who, place, judge) and encoded is not None

    def is_outdated(self, encoded: str) -> bool:
        """Whether it was hashed by weaker rules than today's: who signs in has it hashed anew."""
        return self._hasher.check_needs_rehash(encoded)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self, who: str, place: str, work: Callable[[], T]) -> T:
        is_crowded = bool(place) and self._from[place] >= _WAITING_OF_PLACE
        if is_crowded or self._waiting[who] >= _WAITING_OF_ONE or self._waiting.total() >= _WAITING:
            raise BusyError(TOO_MANY)
        self._waiting[who] += 1
        self._from[place] += 1
        turn = self._turns.setdefault(who, asyncio.Lock())
        try:
            async with turn:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting[who] -= 1
            self._from[place] -= 1
            if not self._from[place]:
                del self._from[place]
            if not self._waiting[who]:
                del self._waiting[who], self._turns[who]


def _same(text: str) -> str:
    """What looks the same on two keyboards is the same (SP 800-63B-4 3.1.1.2)."""
    return normalised("NFKC", text)
