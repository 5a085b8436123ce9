"""Who builds next in a worker."""

import asyncio
from uuid import UUID

from config.fairness import FairLock

MANY, FEW, OTHER = (UUID(int=number) for number in (1, 2, 3))


async def test_a_long_line_of_one_stands_before_nobody_else() -> None:
    lock, served = FairLock(), []

    async def take(service_id: UUID) -> None:
        async with lock.taken(service_id):
            served.append(service_id)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(each) for each in (MANY, MANY, MANY, MANY, FEW, OTHER)))

    assert served == [MANY, MANY, FEW, OTHER, MANY, MANY]


async def test_it_is_held_by_one_and_passed_on_by_who_is_cancelled() -> None:
    lock, inside = FairLock(), 0

    async def take(service_id: UUID) -> None:
        nonlocal inside
        async with lock.taken(service_id):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.001)
            inside -= 1

    tasks = [asyncio.create_task(take(UUID(int=number % 3))) for number in range(30)]
    await asyncio.sleep(0.004)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(30), lock.taken(MANY):
        pass
