"""Many large messages at one door at once: its memory keeps to the budget, and who finds no room succeeds later."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.load import Connection, NotAccepted, connected, login, message_of, trusting_context
from tests.harness.proc import MIB, most_resident
from tests.harness.relay import Relay
from tests.harness.sampled import sampled

BUDGET = 64 * MIB
MESSAGE = 10 * MIB
PREPARED_AT_ONCE, COPIES = 2, 4  # of a large message that is being prepared and stored, beside what was received
PER_SESSION = 1 * MIB  # TLS and the event loop hold half a megabyte of what is not read yet
PATIENCE_SECONDS = 120


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = Relay(tmp_path, PROCESSES=1, SMTP__MAX_BYTES_IN_TRANSFER=BUDGET)
    yield relay
    relay.end()


async def _deliver(connection: Connection, content: bytes, put_off: Counter[str]) -> None:
    """Again and again until it is accepted, as a mail server does it, but sooner."""
    while True:
        try:
            await connection.send("office@example.org", "reader@example.com", content)
            return
        except NotAccepted as refused:
            put_off[str(refused)[:10]] += 1
            await connection.command(b"RSET", b"250")
            await asyncio.sleep(random.uniform(0.2, 0.6))


@pytest.mark.alone
@pytest.mark.parametrize(
    "sessions", [*sampled([10, 16], lambda at: at == 0), pytest.param(40, marks=pytest.mark.soak)]
)  # each more than the budget has room for
async def test_large_messages_at_once_are_bounded_in_memory_and_all_accepted_in_the_end(
    relay: Relay, sessions: int, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = relay.start("--role", "smtp", afresh=True).create_key()
    (door,) = (pid for pid, name in relay.children().items() if name == "smtp-0")
    context, content, put_off = trusting_context(), message_of(MESSAGE), Counter[str]()

    async def client() -> None:
        async with connected(relay.tls_port, *login(credentials), context) as connection:
            await _deliver(connection, content, put_off)

    before = most_resident(door)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(client())
    grown = most_resident(door) - before

    bound = BUDGET + sessions * PER_SESSION + PREPARED_AT_ONCE * COPIES * MESSAGE
    with capsys.disabled():
        print(
            f"\n{sessions} sessions with {MESSAGE / MIB:.0f} MiB each, budget {BUDGET / MIB:.0f} MiB: the door grew by "
            f"{grown / MIB:.0f} MiB, bound {bound / MIB:.0f}; put off {put_off.total()} times"
        )
    assert grown <= bound
    assert set(put_off) == {"452 4.3.1 "}
