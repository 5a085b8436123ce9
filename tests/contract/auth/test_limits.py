"""Limits are exact over processes, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, select

from auth import limits
from auth.limits import Charge, counting
from config.database import Database
from messages.message import Channel, KeyType
from messages.reply import KEY_LIMIT, SERVICE_LIMIT, TESTS_LIMIT, Refused
from tests.fakes.auth import NOW, counted
from tests.fakes.messages import make_message
from tests.fakes.principals import make_principal
from tests.harness.processes import processes

MAIL = make_message()


def charge(
    connection: Connection, wanted: Sequence[tuple[tuple[Charge, ...], int]], now: float
) -> list[Refused | None]:
    """Groups of messages in order, each as its charges and how many messages it has."""
    with counting(connection, [group for group, _ in wanted], now) as count:
        return [count(group, [MAIL] * messages) for group, messages in wanted]


def _charges(key: UUID, service: UUID, per_minute: int, per_day: int) -> tuple[Charge, ...]:
    return (Charge(key, 60, per_minute, KEY_LIMIT), Charge(service, 86_400, per_day, SERVICE_LIMIT))


async def test_group_counts_against_all_its_limits_or_none(database: Database) -> None:
    key, service = uuid4(), uuid4()
    group = _charges(key, service, per_minute=10, per_day=12)
    async with database.write() as c:
        answers = await c.run_sync(charge, [(group, 8), (group, 3), (group, 2), ((), 5)], NOW)
    assert [answer and answer.reply for answer in answers] == [None, KEY_LIMIT, None, None]
    async with database.write() as c:
        later = await c.run_sync(charge, [(group, 3), (group, 2)], NOW + 60)
        used = {row.span_seconds: row.used for row in await c.execute(select(limits.limits)) if row.holder == service}
    assert [answer and answer.reply for answer in later] == [SERVICE_LIMIT, None]
    assert used == {86_400: 12}


async def test_refusal_says_the_limit_and_when_it_lifts(database: Database) -> None:
    group = _charges(uuid4(), uuid4(), per_minute=1, per_day=1)
    async with database.write() as c:
        _, answer = await c.run_sync(charge, [(group, 1), (group, 1)], 1_795_293_890.0)
    assert answer is not None
    assert answer.line() == (
        "451 4.7.1 limit of 1 messages a minute for this key reached; lifts at 2026-11-21T20:45:00Z"
    )


@pytest.mark.parametrize(("per_minute", "per_day", "least"), [(10, 50, 10), (50, 10, 10), (9, 8, 8)])
async def test_group_larger_than_a_limit_is_told_to_come_in_parts(
    database: Database, per_minute: int, per_day: int, least: int
) -> None:
    """Waiting would not help it: no window is ever large enough."""
    group = _charges(uuid4(), uuid4(), per_minute, per_day)
    async with database.write() as c:
        too_large, fits, over = await c.run_sync(charge, [(group, 11), (group, least), (group, 11)], NOW)
    assert too_large is not None
    assert too_large.line() == f"452 4.5.3 at most {least} recipients; send the rest in another transaction"
    assert fits is None
    assert over is not None
    assert over.line() == too_large.line()


async def test_charge_takes_a_constant_number_of_statements(database: Database) -> None:
    batch = [(_charges(uuid4(), uuid4(), 10, 10), 1) for _ in range(50)]
    async with database.write() as c:
        with counted(database) as statements:
            await c.run_sync(charge, batch, NOW)
    assert len(statements) <= 3


async def test_rolled_back_batch_counts_nothing(database: Database) -> None:
    group = _charges(uuid4(), uuid4(), per_minute=1, per_day=1)
    for _ in range(2):
        async with database.write() as c:
            assert await c.run_sync(charge, [(group, 1)], NOW) == [None]
            await c.rollback()


async def test_ended_windows_are_forgotten(database: Database) -> None:
    group = _charges(uuid4(), uuid4(), per_minute=1, per_day=1)
    async with database.write() as c:
        await c.run_sync(charge, [(group, 1)], NOW)
        await limits.forget(c, NOW + 180)
        assert [row.span_seconds for row in await c.execute(select(limits.limits))] == [86_400]


def _spend(url: str, key: UUID, services_: list[UUID], answers: Any) -> None:
    async def spend() -> int:
        database = Database(url, synchronous="OFF")
        accepted = 0
        for number in range(20):
            # Two services in changing order: locks must not form a ring.
            order = services_ if number % 2 else services_[::-1]
            async with database.write() as c:
                found = await c.run_sync(charge, [(_charges(key, each, 1000, 25), 1) for each in order], NOW)
            accepted += found.count(None)
        await database.close()
        return accepted

    answers.put(asyncio.run(spend()))


def test_limit_is_exact_over_four_processes(database_url: str, database: Database) -> None:
    context = processes()
    answers = context.Queue()
    key, services_ = uuid4(), [uuid4(), uuid4()]
    started = [context.Process(target=_spend, args=(database_url, key, services_, answers)) for _ in range(4)]
    for process in started:
        process.start()
    accepted = [answers.get(timeout=60) for _ in started]
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 4
    assert sum(accepted) == 50


async def test_tests_have_a_day_of_their_own(database: Database) -> None:
    live = make_principal(per_day=5)
    test = replace(live, service=replace(live.service, tests_per_day=3), key=replace(live.key, type=KeyType.TEST))
    async with database.write() as c:
        tests, others = limits.charges(test, {Channel.EMAIL}), limits.charges(live, {Channel.EMAIL})
        answers = await c.run_sync(charge, [(tests, 3), (tests, 1), (others, 5)], NOW)
    assert [answer and answer.reply for answer in answers] == [None, TESTS_LIMIT, None]
