"""The SMTP door's load generator: so many connections, each sends one message after the other."""

import asyncio
import os
from dataclasses import dataclass

from benchmarks.generator import Stopwatch, in_own_process, serve
from tests.harness.load import connected, message_of, trusting_context


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
    starttls: bool = False
    core: int | None = None  # the only one that the generator uses


async def _run(order: Order) -> dict[str, float]:
    if order.core is not None:
        os.sched_setaffinity(0, {order.core})
    context, content = trusting_context(), message_of(order.size_bytes)
    left = order.messages
    login = (order.username, order.password)

    async def client(number: int) -> None:
        nonlocal left
        while left > 0:
            async with connected(order.port, *login, context, starttls=order.starttls) as connection:
                while left > 0:
                    left -= 1
                    with stopwatch.waiting():
                        await connection.send("office@example.org", f"reader-{number}-{left}@example.com", content)
                    if not order.keep:
                        break

    stopwatch = Stopwatch()
    async with asyncio.TaskGroup() as group:
        for number in range(order.connections):
            group.create_task(client(number))
    return stopwatch.figures()


async def send(order: Order) -> dict[str, float]:
    """Runs the generator in its own process."""
    return await in_own_process("benchmarks.load", order)


if __name__ == "__main__":
    serve(Order, _run)
