"""How often one address, service or person may do what costs this process alone: time, memory, a row that is swept.

Counted in each process, where it is spent, and forgotten with it: asking the database would cost as much as some of it.
What reaches others is counted by all processes: auth/pace.py.
"""

from collections import deque
from collections.abc import Callable

from auth.bans import place

_MAX_PLACES = 10_000  # of each thing to do: addresses are many, and push no service out


class Pace:
    """`now` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._taken: dict[str, dict[str, deque[float]]] = {}

    def take(self, what: str, whose: str, limit: int, seconds: float) -> bool:
        """Whether it may, once more: at most `limit` times in so many seconds. Of IPv6 a /64 is one address."""
        now, one = self._now(), place(whose) if whose else ""
        every = self._taken.setdefault(what, {})
        taken = every.pop(one, deque())
        while taken and now - taken[0] >= seconds:
            taken.popleft()
        every[one] = taken  # the one asked for last stands at the end
        if len(every) > _MAX_PLACES:
            del every[next(iter(every))]
        if len(taken) >= limit:
            return False
        taken.append(now)
        return True
