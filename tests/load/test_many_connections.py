"""Very many clients at one door that only keep their connections open, and one that has something to send."""

import asyncio
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from tests.harness.load import connected, html_message, login, trusting_context
from tests.harness.proc import KIB, resident
from tests.harness.relay import Relay

CONNECTIONS, TLS_CONNECTIONS = 2000, 500
PER_ADDRESS = 400  # fewer than a door takes from one address
PLAIN_BAR = 60 * KIB
AT_ONCE = 50  # connections that wait for their greeting


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = Relay(tmp_path, PROCESSES=1, SMTP__MAX_CONNECTIONS=CONNECTIONS + TLS_CONNECTIONS + 100)
    yield relay
    relay.end()


async def _open(
    port: int, number: int, turns: asyncio.Semaphore, context: ssl.SSLContext | None
) -> asyncio.StreamWriter:
    """A client that says EHLO, and nothing more."""
    address = f"127.0.{2 if context else 1}.{1 + number // PER_ADDRESS}"
    async with turns:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, local_addr=(address, 0))
        assert (await reader.readline()).startswith(b"220 ")
        writer.write(b"EHLO client.example.org\r\n")
        while not (await reader.readline()).startswith(b"250 "):
            pass
    return writer


async def _opened(stack: ExitStack, port: int, count: int, context: ssl.SSLContext | None = None) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    for writer in await asyncio.gather(*(_open(port, number, turns, context) for number in range(count))):
        stack.callback(lambda writer=writer: writer.transport.abort())  # and kept: it closes when it is forgotten


@pytest.mark.alone
async def test_two_thousand_idle_clients_cost_little_and_keep_nobody_waiting(
    relay: Relay, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials, context = relay.start(afresh=True).create_key(), trusting_context()
    (door,) = (pid for pid, name in relay.children().items() if name == "smtp-0")

    async def seconds_of_a_message() -> float:
        began = time.monotonic()
        async with connected(relay.tls_port, *login(credentials), context) as connection:
            await connection.send("office@example.org", "reader@example.com", html_message())
        return time.monotonic() - began

    await seconds_of_a_message()
    with ExitStack() as stack:
        empty = resident(door)
        await _opened(stack, relay.port, CONNECTIONS)
        plain = (resident(door) - empty) / CONNECTIONS
        waits = [await seconds_of_a_message() for _ in range(5)]
        filled = resident(door)
        await _opened(stack, relay.tls_port, TLS_CONNECTIONS, context)
        tls = (resident(door) - filled) / TLS_CONNECTIONS
        told = float(re.search(r"^relay_smtp_connections (\S+)$", relay.get("/metrics")[1], re.MULTILINE)[1])

    with capsys.disabled():
        print(
            f"\n{CONNECTIONS} idle connections: {plain / KIB:.1f} KiB each, {tls / KIB:.1f} KiB with TLS; "
            f"meanwhile a message takes {median(waits) * 1000:.0f} ms, at most {max(waits) * 1000:.0f} ms"
        )
    assert told == CONNECTIONS + TLS_CONNECTIONS
    assert plain <= PLAIN_BAR
    assert median(waits) < 1
