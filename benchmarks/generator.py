"""What the load generators share: each is a process of its own, so that its CPU is not taken for the server's.

The order goes to its standard input as JSON, what came of it comes back as JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import uvloop

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Order = TypeVar("Order", bound=DataclassInstance)

CORE = max(os.sched_getaffinity(0))  # the generators' own; with one core, everybody's


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._began, self._cpu = time.time(), time.process_time()
        self._waits: list[float] = []

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """One request and its answer."""
        began = time.perf_counter()
        yield
        self._waits.append(time.perf_counter() - began)

    def figures(self) -> dict[str, float]:
        waits = sorted(self._waits)
        return {
            "began_at": self._began,
            "seconds": time.time() - self._began,
            "cpu_seconds": time.process_time() - self._cpu,
            "p50": waits[len(waits) // 2],
            "p99": waits[len(waits) * 99 // 100],
        }


async def in_own_process(module: str, order: "DataclassInstance") -> dict[str, float]:
    """What the generator `module` made of the order."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, stdin=pipe, stdout=pipe)
    output, _ = await process.communicate(json.dumps(asdict(order)).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    answer: dict[str, float] = json.loads(output)
    return answer


def serve(order_type: "Callable[..., Order]", run: "Callable[[Order], Awaitable[dict[str, float]]]") -> None:
    """The generator's side."""
    print(json.dumps(uvloop.run(run(order_type(**json.load(sys.stdin))))))
