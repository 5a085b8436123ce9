"""Which lane a message will be in, as far as it is known before its header section has come.

It is the key's, unless X-Notify-Lane says otherwise. Who was seen to raise the lane by that field is heard out; so is
each tenth transaction of any other key that does not fix it, so that nobody who begins to is refused for ever.
"""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

from auth.principal import Option, Principal
from messages.message import Lane

_REMEMBERED_SECONDS = 86_400.0
_HEARD_OUT = 10


class Lanes:
    """One per process; it remembers something of each key that sends. `now` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._raised: dict[UUID, float] = {}  # when a key did last
        self._begun: Counter[UUID] = Counter()

    def seen(self, principal: Principal, lane: Lane | None) -> None:
        """The lane that a message of this principal names."""
        if lane is not None and lane.rank < principal.lane.rank:
            self._raised[principal.key.id] = self._now()

    def first(self, principal: Principal) -> Lane:
        """The most urgent that its next message is likely to be in."""
        key = principal.key
        if Option.LANE in key.fixed:
            return principal.lane
        self._begun[key.id] += 1
        raised = self._now() - self._raised.get(key.id, 0.0) < _REMEMBERED_SECONDS
        return Lane.PRIORITY if raised or self._begun[key.id] % _HEARD_OUT == 0 else principal.lane
