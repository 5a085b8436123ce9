"""What leaves at its provider's rate: each message waits for its place, and what the provider said is passed on.

A worker that is late takes another place: what it missed is a gap, and never an excess.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from config.database import OUTAGES
from delivery.providers.base import QuotaSpent, SendError, Throttled, TooFast
from delivery.queue.base import Slot
from delivery.rate.bucket import Answers
from delivery.rounds import OUTAGE_SECONDS


class Rated(Protocol):
    """What this needs of delivery.rate.queue."""

    def note(self, answers: Answers) -> None: ...

    async def another(self) -> Slot | None: ...


@dataclass(slots=True)
class Rate:
    """One per worker process."""

    queue: Rated
    waiting: int = 0  # messages that wait for their places: they need no connection yet

    async def turn(self, slot: Slot) -> None:
        """Waits for the message's place; for another, where that is over. Raises Throttled where there is none."""
        self.waiting += 1
        try:
            current: Slot | None = slot
            while current is not None:
                await asyncio.sleep(current.at - time.monotonic())
                if time.monotonic() <= current.at + current.tolerance_seconds:
                    return
                current = await self.queue.another()
        except OUTAGES:
            raise Throttled("database_away", OUTAGE_SECONDS) from None
        finally:
            self.waiting -= 1

    def answered(self, error: SendError | None = None) -> bool:
        """Whether that was the provider's word on its rate or quota, which it keeps us from exceeding from now on."""
        is_too_fast, is_spent = isinstance(error, TooFast), isinstance(error, QuotaSpent)
        self.queue.note(Answers(int(not is_too_fast and not is_spent), int(is_too_fast), is_spent))
        return is_too_fast or is_spent
