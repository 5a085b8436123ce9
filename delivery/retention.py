"""Station 12, retired: what is past its time goes, hourly and in small steps, each followed by a rest twice as long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

import structlog

from delivery.rounds import outlived, wait
from delivery.store.retiring import START, Step

_EVERY_SECONDS = 3600.0


class Retiring(Protocol):
    """What this needs of delivery.store.retiring."""

    async def contents(self, now: float, after: UUID) -> Step: ...

    async def orphans(self, now: float, after: UUID) -> Step: ...

    async def rows(self, now: float) -> int: ...

    async def forget(self, now: float) -> int: ...


async def run(retiring: Retiring, now: Callable[[], float], stopping: asyncio.Event) -> None:
    """Sweeps hourly until `stopping` is set."""
    log = structlog.get_logger("retention")
    while not stopping.is_set():
        with outlived("retention"):
            log.info("retention.swept", **await sweep(retiring, now, stopping))
        await wait(stopping, _EVERY_SECONDS)


async def sweep(retiring: Retiring, now: Callable[[], float], stopping: asyncio.Event) -> dict[str, int]:
    """Once over everything; how many of each kind went."""
    return {
        "contents": await _walk(retiring.contents, now, stopping) + await _walk(retiring.orphans, now, stopping),
        "messages": await _repeat(retiring.rows, now, stopping),
        "others": await _repeat(retiring.forget, now, stopping),
    }


async def _walk(
    step: Callable[[float, UUID], Awaitable[Step]], now: Callable[[], float], stopping: asyncio.Event
) -> int:
    total, after = 0, START
    while not stopping.is_set():
        began = asyncio.get_running_loop().time()
        done = await step(now(), after)
        total += done.gone
        if done.after is None:
            break
        after = done.after
        await _rest(began, stopping)
    return total


async def _repeat(step: Callable[[float], Awaitable[int]], now: Callable[[], float], stopping: asyncio.Event) -> int:
    total = 0
    while not stopping.is_set():
        began = asyncio.get_running_loop().time()
        gone = await step(now())
        total += gone
        if not gone:
            break
        await _rest(began, stopping)
    return total


async def _rest(began: float, stopping: asyncio.Event) -> None:
    """Two thirds of the time the database is others'."""
    await wait(stopping, 2 * (asyncio.get_running_loop().time() - began))
