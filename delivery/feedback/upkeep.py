"""What only time brings: parked events that find their message, and messages of which no end was ever told."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from config.database import OUTAGES
from delivery.feedback.learner import Learner
from delivery.rounds import wait

MATCH_SECONDS = 5.0
TIME_OUT_SECONDS = 3600.0


async def run(learner: Learner, stopping: asyncio.Event) -> None:
    """Works until `stopping` is set. Never raises for an outage."""
    await asyncio.gather(
        repeat(learner.match_parked, MATCH_SECONDS, stopping), repeat(learner.time_out, TIME_OUT_SECONDS, stopping)
    )


async def repeat(step: Callable[[], Awaitable[None]], seconds: float, stopping: asyncio.Event) -> None:
    """Steps until `stopping` is set. Never raises for an outage."""
    log = structlog.get_logger("feedback")
    while not stopping.is_set():
        try:
            await step()
        except OUTAGES as error:
            log.warning("feedback.database_unavailable", error=type(error).__name__)
        except Exception as error:  # a bug that one round met ends no other
            log.error("feedback.bug", error=type(error).__name__)
        await wait(stopping, seconds)
