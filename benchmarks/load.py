"""The load generator, a process of its own: so many connections, each sends one message after the other.

The order comes as JSON on standard input, what came of it goes as JSON to standard output.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

import uvloop

from tests.harness.load import connected, html_message, trusting_context


@dataclass(frozen=True, slots=True)
class Order:
    """`keep`: each connection logs in once and sends many; else every message has a connection of its own."""

    port: int
    username: str
    password: str
    connections: int
    messages: int
    keep: bool = True
    size_bytes: int = 2048


async def _run(order: Order) -> dict[str, float]:
    context, content = trusting_context(), html_message(order.size_bytes)
    left = order.messages
    waits: list[float] = []

    async def client(number: int) -> None:
        nonlocal left
        while left > 0:
            async with connected(order.port, order.username, order.password, context) as connection:
                while left > 0:
                    left -= 1
                    began = time.perf_counter()
                    await connection.send("office@example.org", f"reader-{number}-{left}@example.com", content)
                    waits.append(time.perf_counter() - began)
                    if not order.keep:
                        break

    began, cpu = time.time(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for number in range(order.connections):
            group.create_task(client(number))
    waits.sort()
    return {
        "began_at": began,
        "seconds": time.time() - began,
        "cpu_seconds": time.process_time() - cpu,
        "p50": waits[len(waits) // 2],
        "p99": waits[len(waits) * 99 // 100],
    }


async def send(order: Order) -> dict[str, float]:
    """Runs the generator in its own process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps(asdict(order)).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    answer: dict[str, float] = json.loads(output)
    return answer


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(Order(**json.load(sys.stdin))))))
