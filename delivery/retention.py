"""Station 12, retired: contents go after a week, and what a crash left behind goes too."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from config.database import OUTAGES
from delivery.rounds import wait
from delivery.store.base import CONTENT_SECONDS

_EVERY_SECONDS = 3600.0


class Retiring(Protocol):
    """What this needs of delivery.store.retiring."""

    async def sweep(self, content_before: float, now: float) -> int: ...

    async def forget(self, before: float, now: float) -> int: ...


async def run(retiring: Retiring, now: Callable[[], float], stopping: asyncio.Event) -> None:
    """Sweeps hourly until `stopping` is set."""
    log = structlog.get_logger("retention")
    while not stopping.is_set():
        try:
            total = 0
            while (gone := await retiring.sweep(now() - CONTENT_SECONDS, now())) and not stopping.is_set():
                total += gone
            while await retiring.forget(now() - CONTENT_SECONDS, now()) and not stopping.is_set():
                pass
            log.info("retention.swept", contents=total)
        except OUTAGES as error:
            log.warning("retention.database_unavailable", error=type(error).__name__)
        await wait(stopping, _EVERY_SECONDS)
