"""How often one address may do what nobody has to sign in for, or one service what reaches others. Counted in each
process, and forgotten with it.
"""

from collections import deque
from collections.abc import Callable

from auth.bans import place

_MAX_PLACES = 10_000


class Pace:
    """`now` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._taken: dict[tuple[str, str], deque[float]] = {}

    def take(self, what: str, address: str, limit: int, seconds: float) -> bool:
        """Whether it may, once more: at most `limit` times in so many seconds. Of IPv6 a /64 is one address."""
        now, pair = self._now(), (what, place(address) if address else "")
        taken = self._taken.pop(pair, deque())
        while taken and now - taken[0] >= seconds:
            taken.popleft()
        self._taken[pair] = taken  # the one asked for last stands at the end
        if len(self._taken) > _MAX_PLACES:
            del self._taken[next(iter(self._taken))]
        if len(taken) >= limit:
            return False
        taken.append(now)
        return True
