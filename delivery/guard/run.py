"""Guards, every half a minute: one process of all machines does, as long as it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from config.database import Database
from delivery.rounds import outlived, wait

_EVERY_SECONDS = 30.0


async def run(database: Database, steps: Sequence[Callable[[], Awaitable[None]]], stopping: asyncio.Event) -> None:
    """Works until `stopping` is set. Never raises for an outage, nor for a bug that one of them meets."""
    while not stopping.is_set():
        with outlived("guard"):
            async with database.alone("guard") as is_mine:
                for step in steps if is_mine else ():
                    with outlived("guard"):  # a bug of one guard keeps no other from its round
                        await step()
        await wait(stopping, _EVERY_SECONDS)
