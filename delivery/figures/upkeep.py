"""Folds what is appended every few seconds, and what is old every hour. Never raises for an outage."""

import asyncio
from collections.abc import Awaitable, Callable

from delivery.figures.folding import Folding
from delivery.rounds import outlived, wait

FOLD_SECONDS = 5.0
AGE_SECONDS = 3600.0


async def run(folding: Folding, now: Callable[[], float], stopping: asyncio.Event) -> None:
    """Works until `stopping` is set."""
    await asyncio.gather(
        _repeat(lambda: folding.fold(now()), FOLD_SECONDS, stopping),
        _repeat(lambda: folding.age(now()), AGE_SECONDS, stopping),
    )


async def _repeat(step: Callable[[], Awaitable[int]], seconds: float, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        with outlived("figures"):
            while await step() and not stopping.is_set():
                pass
        await wait(stopping, seconds)
