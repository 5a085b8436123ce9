"""Memory for what is in transfer, of one process: bounded in all, and no key or service takes the room of the others.

A share is measured by what is still free (dynamic thresholds: Choudhury and Hahne, 1998): alone one may have much, and
whoever comes next finds room all the same. Knows nothing of protocols.
"""

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from uuid import UUID

from auth.principal import Principal
from messages import reply
from messages.message import KeyType
from messages.reply import Refused, Reply

# Of what is left free. A key alone holds a third of all, a service alone a half: its other keys find room, too.
_SERVICE_PART = 1.0
_KEY_PART = 0.5
_TEST_KEY_PART = 0.25


def parts(principal: Principal) -> Mapping[UUID, float]:
    """Whose shares a submission counts for, and how much of what is free each may hold at most."""
    key = principal.key
    return {key.service_id: _SERVICE_PART, key.id: _TEST_KEY_PART if key.type is KeyType.TEST else _KEY_PART}


class Budget:
    """Bytes of all messages in transfer. Any share has room for one of `message_bytes`, as long as there is any."""

    def __init__(self, limit: int, message_bytes: int) -> None:
        self._limit = limit
        self._message_bytes = message_bytes
        self._held: Counter[UUID] = Counter()
        self.used = 0

    def refusal(self, amount: int, parts: Mapping[UUID, float]) -> Reply | None:
        """Why there is no room for `amount` bytes more."""
        free = self._limit - self.used - amount
        if free < 0:
            return reply.MEMORY_FULL
        if any(self._held[each] + amount > max(self._message_bytes, part * free) for each, part in parts.items()):
            return reply.SHARE_FULL
        return None

    def take(self, amount: int, parts: Mapping[UUID, float]) -> None:
        self.used += amount
        for each in parts:
            self._held[each] += amount
            if not self._held[each]:
                del self._held[each]  # keys come and go for years


class Share:
    """One message's part of the budget, given back at the end of the block whatever happens in it."""

    def __init__(self, budget: Budget, expected: int, parts: Mapping[UUID, float]) -> None:
        """Raises Refused when there is no room for `expected` bytes now; they are taken as they come.

        Set aside at once, a few announced sizes with nothing behind them would keep everybody else out.
        """
        refusal = budget.refusal(expected, parts)
        if refusal is not None:
            raise Refused(refusal)
        self._budget = budget
        self._parts = parts
        self._held = 0

    def __enter__(self) -> "Share":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.shrink()

    def cover(self, amount: int) -> Reply | None:
        """Makes the share at least `amount` bytes, or says why not."""
        missing = amount - self._held
        if missing <= 0:
            return None
        refusal = self._budget.refusal(missing, self._parts)
        if refusal is None:
            self._budget.take(missing, self._parts)
            self._held = amount
        return refusal

    def shrink(self) -> None:
        self._budget.take(-self._held, self._parts)
        self._held = 0
