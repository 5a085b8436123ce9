"""Idempotency keys over processes: whoever comes first, each recipient gets one message, and nobody waits in a ring."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from auth.limits import Charge
from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Repeated
from messages import reply
from tests.harness.groups import NEW, OLD, SERVICE, names_of, to
from tests.harness.processes import processes
from tests.harness.store import Store

PEOPLE = [f"reader-{number}" for number in range(40)]
ROUNDS = 10


def _submit(url: str, roots: str, together: Any, answers: Any) -> None:
    wanted, stored, errors = set[str](), Counter[str](), list[str]()
    # A deadlock is noticed here only: those who share a commit are tried again one by one.
    event.listen(Engine, "handle_error", lambda context: errors.append(repr(context.original_exception)))

    async def submit() -> None:
        database = Database(url, synchronous="OFF")
        store, charge = Store(database, Keyring.parse(roots)), Charge(SERVICE, 86400, 10**6, reply.SERVICE_LIMIT)
        for number in range(ROUNDS):
            # Several groups in one commit, each with its own choice in its own order: locks must not form a ring.
            wishes = [to(*random.sample(PEOPLE, 12), key=f"{number} {random.choice('ab')}") for _ in range(6)]
            groups = [replace(wish, charges=(charge,)) for wish in wishes]
            await asyncio.to_thread(together.wait)
            results = await asyncio.gather(*(store.putting.put(group) for group in groups), return_exceptions=True)
            for group, result in zip(groups, results, strict=True):
                key = group.idempotency and group.idempotency.key
                wanted.update(f"{key} {name}" for name in names_of(group.messages))
                if not isinstance(result, Repeated):
                    assert isinstance(result, tuple), repr(result)
                    stored.update(f"{key} {name}" for name in names_of(result))
        await database.close()

    asyncio.run(submit())
    answers.put((wanted, stored, errors))


@pytest.mark.parametrize("roots", [(OLD,) * 4, (OLD, f"{NEW},{OLD}") * 2], ids=["one root", "in a rotation"])
def test_over_processes_each_recipient_gets_one_message(
    database_url: str, database: Database, roots: tuple[str, ...]
) -> None:
    context = processes()
    answers, together = context.Queue(), context.Barrier(len(roots), timeout=60)
    started = [context.Process(target=_submit, args=(database_url, root, together, answers)) for root in roots]
    for process in started:
        process.start()
    done = [answers.get(timeout=90) for _ in started]
    for process in started:
        process.join(60)

    assert [process.exitcode for process in started] == [0] * 4
    assert [errors for _, _, errors in done] == [[]] * 4
    everybody: set[str] = set().union(*(wanted for wanted, _, _ in done))
    assert sum((stored for _, stored, _ in done), Counter[str]()) == Counter(everybody)
