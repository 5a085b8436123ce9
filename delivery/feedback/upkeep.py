"""What only time brings: parked events that find their message, and messages of which no end was ever told."""

import asyncio
from collections.abc import Awaitable, Callable

from delivery.feedback.learner import Learner
from delivery.rounds import outlived, wait

MATCH_SECONDS = 5.0
TIME_OUT_SECONDS = 3600.0


async def run(learner: Learner, stopping: asyncio.Event) -> None:
    """Works until `stopping` is set. Never raises for an outage."""
    await asyncio.gather(
        repeat(learner.match_parked, MATCH_SECONDS, stopping), repeat(learner.time_out, TIME_OUT_SECONDS, stopping)
    )


async def repeat(step: Callable[[], Awaitable[None]], seconds: float, stopping: asyncio.Event) -> None:
    """Steps until `stopping` is set. Never raises for an outage."""
    while not stopping.is_set():
        with outlived("feedback"):
            await step()
        await wait(stopping, seconds)
