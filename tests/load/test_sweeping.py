"""What a door's writes wait for while retention sweeps a full table, against when it does not, on both databases."""

import asyncio
import time
from uuid import UUID

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery import retention
from delivery.store.base import ROW_SECONDS
from tests.harness.aged import DAY, of, service
from tests.harness.store import Store, group_of

OLD, PAST = 1500, 1500  # rows past their time; contents past theirs
_AT_ONCE = 500
PUTS_SECONDS = 0.01  # between two of a door's puts
SLOWER_SECONDS = 0.1  # a step of the sweep takes some milliseconds, and so does who waits behind it


async def filled(database: Database, store: Store, mine: UUID, now: float) -> None:
    for number, days in ((OLD, ROW_SECONDS / DAY + 2), (PAST, 20.0)):
        for _ in range(0, number, _AT_ONCE):
            aged = [of(mine, now - days * DAY, expires_at=now) for _ in range(_AT_ONCE)]
            await asyncio.gather(*(store.putting.put(group_of((each,), b"x" * 2000)) for each in aged))
    # Nothing waits: what is queued is kept.
    async with database.write() as c:
        await c.exec_driver_sql("DELETE FROM queue")


async def puts(store: Store, mine: UUID, stopping: asyncio.Event) -> list[float]:
    """How long each took, one after the other, until it is time to stop."""
    took = []
    while not stopping.is_set():
        began = time.perf_counter()
        await store.putting.put(group_of((of(mine, time.time()),), b"hello"))
        took.append(time.perf_counter() - began)
        await asyncio.sleep(PUTS_SECONDS)
    return sorted(took)


@pytest.mark.alone
async def test_no_put_waits_long_for_a_sweep(database: Database, keyring: Keyring, sealing: Keyring) -> None:
    store, now = Store(database, keyring), time.time()
    mine = await service(database, sealing, 7, "s")
    await filled(database, store, mine, now)
    stopping = asyncio.Event()
    quiet = asyncio.create_task(puts(store, mine, stopping))
    await asyncio.sleep(1.5)
    stopping.set()
    before, stopping = await quiet, asyncio.Event()
    beside = asyncio.create_task(puts(store, mine, stopping))
    began = time.perf_counter()
    swept = await retention.sweep(store.retiring, lambda: now, asyncio.Event())
    seconds = time.perf_counter() - began
    stopping.set()
    during = await beside

    print(
        f"{swept} in {seconds:.1f} s; {len(during)} puts beside it: p50 {_ms(during, 0.5)}, p99 {_ms(during, 0.99)}, "
    )
    print(f"most {_ms(during, 1)}; without it {len(before)}: p50 {_ms(before, 0.5)}, p99 {_ms(before, 0.99)}")
    assert swept["contents"] == OLD + PAST
    assert swept["messages"] == OLD
    assert len(during) > 20
    assert _at(during, 0.95) < _at(before, 0.95) + SLOWER_SECONDS


def _at(took: list[float], share: float) -> float:
    return took[min(len(took) - 1, int(len(took) * share))]


def _ms(took: list[float], share: float) -> str:
    return f"{_at(took, share) * 1000:.0f} ms"
