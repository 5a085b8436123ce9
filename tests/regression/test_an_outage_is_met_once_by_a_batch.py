"""A batch that is tried one by one stops at the first sign of an outage: two hundred time-outs are an hour."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from delivery.commit import GroupCommit, Results


async def test_the_rest_of_a_batch_hears_of_an_outage_at_once() -> None:
    calls = 0

    async def transact(work: Callable[[Any], Results]) -> Results:
        nonlocal calls
        calls += 1
        if calls == 1:
            return work(None)
        raise TimeoutError  # from now on the server does not answer; each call costs 30 s

    def apply(_: Connection, items: Sequence[int]) -> Results:
        raise ValueError("one member is bad")

    commit = GroupCommit[int, None](transact, apply, is_outage=lambda error: isinstance(error, TimeoutError))
    results = await asyncio.gather(*(commit.submit(n) for n in range(50)), return_exceptions=True)
    assert all(isinstance(result, TimeoutError) for result in results)
    assert calls == 2
