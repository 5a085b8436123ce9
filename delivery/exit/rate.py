"""What leaves at its provider's rate: each message waits for a place, and what the provider said is passed on.

Places are the worker's, not the message's: who is late takes that of one that is not ready yet, so that a busy machine
loses few. Where all are over, another is asked for: what was missed is a gap, and never an excess.
"""

import asyncio
import heapq
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from config.database import OUTAGES
from delivery.providers.base import QuotaSpent, SendError, Throttled, TooFast
from delivery.queue.base import Claim, LineSlot, Slot
from delivery.rate.bucket import Answers
from delivery.rounds import OUTAGE_SECONDS

_NEAR_SECONDS = 0.1


class Rated(Protocol):
    """What this needs of delivery.rate.queue."""

    def note(self, answers: Answers) -> None: ...

    async def another(self) -> Slot | None: ...

    def give_back_places(self, places: Iterable[Slot]) -> None: ...


@dataclass(slots=True)
class Rate:
    """One per worker process."""

    queue: Rated
    waiting: int = 0  # messages that wait for their places: they need no connection yet
    _places: list[tuple[float, float]] = field(default_factory=list)  # a heap: when, and until when

    def begin(self, claims: Iterable[Claim]) -> None:
        """These will want places, and brought them along."""
        for claim in claims:
            if claim.slot is not None and not isinstance(claim.slot, LineSlot):
                self._add(claim.slot)

    def unused(self, claims: Iterable[Claim]) -> None:
        """These are not sent now: whatever is claimed next takes their places, in as far as nobody did."""
        left = [claim.slot for claim in claims if claim.slot is not None and _place(claim.slot) in self._places]
        self._places = [place for place in self._places if place not in set(map(_place, left))]
        heapq.heapify(self._places)
        self.queue.give_back_places(left)

    async def near(self, slot: Slot) -> None:
        """Until the place is near that came with the first of a batch: an attempt begins just before its call."""
        await self._wait(slot.at - _NEAR_SECONDS)

    async def turn(self) -> None:
        """Waits for the next place. Raises Throttled where none can be had."""
        try:
            while True:
                at, until = await self._next()
                await self._wait(at)
                if time.monotonic() <= until:
                    return
        except OUTAGES:
            raise Throttled("database_away", OUTAGE_SECONDS) from None

    async def _wait(self, at: float) -> None:
        self.waiting += 1
        try:
            await asyncio.sleep(at - time.monotonic())
        finally:
            self.waiting -= 1

    async def _next(self) -> tuple[float, float]:
        while True:
            while self._places:
                place = heapq.heappop(self._places)
                if time.monotonic() <= place[1]:
                    return place
            if (slot := await self.queue.another()) is None:  # nobody knows the rate any more
                return 0.0, math.inf
            self._add(slot)

    def _add(self, slot: Slot) -> None:
        heapq.heappush(self._places, _place(slot))

    def answered(self, error: SendError | None = None) -> bool:
        """Whether that was the provider's word on its rate or quota, which it keeps us from exceeding from now on."""
        is_too_fast, is_spent = isinstance(error, TooFast), isinstance(error, QuotaSpent)
        self.queue.note(Answers(int(not is_too_fast and not is_spent), int(is_too_fast), is_spent))
        return is_too_fast or is_spent


def _place(slot: Slot) -> tuple[float, float]:
    return slot.at, slot.at + slot.tolerance_seconds
