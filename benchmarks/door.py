"""What one door process spends on its clients, beside what stock aiosmtpd spends on dropping the same."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.end_to_end import Installation, Round, baseline, installed
from benchmarks.generator import CORE


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Traffic of one kind. `bar` is the part of stock aiosmtpd's CPU that we may use."""

    name: str
    messages: int
    connections: int
    bar: float
    order: dict[str, Any]


CASES = (
    Case("connection, TLS, AUTH, 2 KB", 1000, 40, 0.7, {"keep": False}),
    Case("5 MB on an open connection", 20, 4, 0.4, {"size_bytes": 5 * 1024 * 1024}),
)


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU milliseconds per message, stock's on asyncio's own loop, as it comes, and on the one that we use."""

    stock: float
    stock_uvloop: float
    starttls: Round
    tls: Round


@contextmanager
def beside_the_generator() -> Iterator[None]:
    """What is started here keeps off the generator's core, where there is another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {CORE} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def _costs(installation: Installation, case: Case) -> Costs:
    order = {"core": CORE, **case.order}
    ours = {"connections": case.connections, **order}
    _, stock = await baseline(case.messages, case.connections, "asyncio", **order)
    starttls = await installation.measure(case.messages, starttls=True, port=installation.relay.port, **ours)
    tls = await installation.measure(case.messages, **ours)
    _, stock_uvloop = await baseline(case.messages, case.connections, "uvloop", **order)
    return Costs(stock, stock_uvloop, starttls, tls)


async def compared(database_url: str, rounds: int) -> dict[Case, Sequence[Costs]]:
    """Each case so many times, with one process of each kind."""
    with beside_the_generator():
        async with installed(database_url, 0, processes=1) as installation:
            for case in CASES:
                connections = {"connections": case.connections}
                await installation.measure(case.messages // 4, core=CORE, **connections, **case.order)
            return {case: [await _costs(installation, case) for _ in range(rounds)] for case in CASES}
