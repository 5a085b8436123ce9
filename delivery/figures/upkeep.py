"""Folds what is appended every few seconds, and what is old every hour. Never raises for an outage."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from config.database import OUTAGES
from delivery.figures.folding import Folding
from delivery.rounds import wait

FOLD_SECONDS = 5.0
AGE_SECONDS = 3600.0


async def run(folding: Folding, now: Callable[[], float], stopping: asyncio.Event) -> None:
    """Works until `stopping` is set."""
    await asyncio.gather(
        _repeat(lambda: folding.fold(now()), FOLD_SECONDS, stopping),
        _repeat(lambda: folding.age(now()), AGE_SECONDS, stopping),
    )


async def _repeat(step: Callable[[], Awaitable[int]], seconds: float, stopping: asyncio.Event) -> None:
    log = structlog.get_logger("figures")
    while not stopping.is_set():
        try:
            while await step() and not stopping.is_set():
                pass
        except OUTAGES as error:
            log.warning("figures.database_unavailable", error=type(error).__name__)
        except Exception as error:  # a bug that one round met ends no other
            log.error("figures.bug", error=type(error).__name__)
        await wait(stopping, seconds)
