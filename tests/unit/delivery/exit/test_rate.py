"""A worker's places at the shared rate."""

import asyncio
import time
from collections.abc import Iterable
from uuid import uuid4

from delivery.exit.rate import Rate
from delivery.providers.base import Deferred, QuotaSpent, TooFast
from delivery.queue.base import Claim, Slot
from delivery.rate.bucket import Answers
from messages.message import Channel, Lane


class Shared:
    """The database's side."""

    def __init__(self, ahead: float | None = 0.02) -> None:
        self.said, self.asked, self._ahead = Answers(), 0, ahead
        self.given_back: list[Slot] = []

    def note(self, answers: Answers) -> None:
        self.said += answers

    async def another(self) -> Slot | None:
        self.asked += 1
        return None if self._ahead is None else Slot(time.monotonic() + self._ahead, 1.0)

    def give_back_places(self, places: Iterable[Slot]) -> None:
        self.given_back += places


def claim(seconds: float, tolerance: float = 1.0) -> Claim:
    slot = Slot(time.monotonic() + seconds, tolerance)
    return Claim(uuid4(), Lane.NORMAL, Channel.EMAIL, 0, unknown=False, slot=slot)


async def test_who_is_ready_takes_the_next_place_whosever_claim_brought_it() -> None:
    shared, began = Shared(), time.monotonic()
    rate = Rate(shared)
    rate.begin([claim(1.5, 60), claim(-5), claim(0.02, 60)])
    turns = [asyncio.create_task(rate.turn()) for _ in range(2)]
    await asyncio.sleep(0)
    assert rate.waiting == 2
    await turns[0]
    assert 0.02 <= time.monotonic() - began < 1.5
    await turns[1]
    assert time.monotonic() - began >= 1.5
    assert (rate.waiting, shared.asked) == (0, 0)


async def test_where_all_places_are_over_another_is_asked_for() -> None:
    shared = Shared()
    rate = Rate(shared)
    rate.begin([claim(-5)])
    await rate.turn()
    assert shared.asked == 1
    await Rate(Shared(ahead=None)).turn()  # nobody knows the rate any more


def test_what_the_provider_says_of_the_rate_is_told_from_the_rest() -> None:
    shared = Shared()
    rate = Rate(shared)
    told = [rate.answered(each) for each in (None, Deferred("x"), TooFast("x"), QuotaSpent("x"))]
    assert told == [False, False, True, True]
    assert shared.said == Answers(taken=2, turned_away=1, spent=True)


async def test_the_places_of_what_is_not_sent_are_given_back_unless_somebody_took_them() -> None:
    shared = Shared()
    rate = Rate(shared)
    claims = [claim(0.0), claim(0.02), claim(0.04)]
    rate.begin(claims)
    await rate.turn()  # of the first
    rate.unused(claims[:2])
    assert shared.given_back == [claims[1].slot]
    await rate.turn()
    assert shared.asked == 0
    rate.unused(claims)
    assert shared.given_back == [claims[1].slot]
