"""Guards, every half a minute: one process of all machines does, as long as it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from config.database import OUTAGES, Database
from delivery.rounds import wait

_EVERY_SECONDS = 30.0


async def run(database: Database, steps: Sequence[Callable[[], Awaitable[None]]], stopping: asyncio.Event) -> None:
    """Works until `stopping` is set. Never raises for an outage, nor for a bug that one of them meets."""
    log = structlog.get_logger("guard")
    while not stopping.is_set():
        try:
            async with database.alone("guard") as is_mine:
                for step in steps if is_mine else ():
                    await _outlived(step, log)
        except OUTAGES as error:
            log.warning("guard.database_unavailable", error=type(error).__name__)
        await wait(stopping, _EVERY_SECONDS)


async def _outlived(step: Callable[[], Awaitable[None]], log: Any) -> None:
    """Raises for an outage, which all meet."""
    try:
        await step()
    except OUTAGES:
        raise
    except Exception as error:  # a bug of one guard keeps no other from its round
        log.error("guard.bug", error=type(error).__name__)
