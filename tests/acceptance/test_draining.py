"""A relay that is stopped, or replaced by a new one on the same sockets, while mail comes in."""

import asyncio
import base64
import socket
from asyncio import IncompleteReadError
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config.database import Database
from config.keyring import Keyring
from tests.harness.load import Connection, NotAccepted, html_message, trusting_context
from tests.harness.mail import address
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import one_database
from tests.harness.waiting import until

Make = Callable[..., Relay]
CONTENT = html_message()
PAUSE_SECONDS = 0.05  # of a mailer, between two messages: six of them are never silent, and need no core


class Mailer:
    """A product that sends: it tries again after 421, on a new connection, and counts everything else as a failure."""

    def __init__(self, relay: Relay, key: Credentials, *, tls: bool, per_connection: int) -> None:
        self._relay = relay
        self._key = key
        self._tls = tls
        self._per_connection = per_connection
        self._context = trusting_context()
        self.accepted: list[str] = []
        self.failures: list[str] = []
        self.sent_away = 0
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            try:
                async with self.connected() as connection:
                    for _ in range(self._per_connection):
                        if self.stopping:
                            break
                        recipient = address()
                        await connection.send("clerk@city.example", recipient, CONTENT)
                        self.accepted.append(recipient)
                        await asyncio.sleep(PAUSE_SECONDS)
            except NotAccepted as error:
                if str(error).startswith("421 "):
                    self.sent_away += 1
                else:
                    self.failures.append(str(error))
            except (OSError, IncompleteReadError) as error:
                self.failures.append(repr(error))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        port = self._relay.tls_port if self._tls else self._relay.port
        options: dict[str, Any] = {"ssl": self._context} if self._tls else {}
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
        connection = Connection(reader, writer)
        try:
            await connection.reply(b"220")
            if not self._tls:
                await connection.command(b"EHLO client.example.org", b"250")
                await connection.command(b"STARTTLS", b"220")
                await writer.start_tls(self._context)
            await connection.command(b"EHLO client.example.org", b"250")
            initial = base64.b64encode(f"\0{self._key.username}\0{self._key.password}".encode())
            await connection.command(b"AUTH PLAIN " + initial, b"235")
            yield connection
        finally:
            writer.close()


@pytest.fixture
def sockets() -> Iterator[dict[str, socket.socket]]:
    """A service manager's, which keeps them open whatever becomes of the relay."""
    kept = {name: socket.create_server(("127.0.0.1", 0), backlog=256) for name in ("starttls", "tls")}
    yield kept
    for each in kept.values():
        each.close()


def delivered(relay: Relay) -> Counter[str]:
    return Counter(str(recipient) for envelope, _ in relay.outbox() for recipient in envelope["rcpt_to"])  # type: ignore[attr-defined]


async def send_slowly(mailer: Mailer, underway: asyncio.Barrier, resume: asyncio.Event) -> None:
    """One message, of which the second half comes in four pieces once the relay is being stopped."""
    async with mailer.connected() as connection:
        recipient = address()
        await connection.begin("clerk@city.example", recipient)
        half = len(CONTENT) // 2
        connection.writer.write(CONTENT[:half])
        await underway.wait()
        await resume.wait()
        for at in range(half, len(CONTENT), half // 4):
            connection.writer.write(CONTENT[at : at + half // 4])
            await asyncio.sleep(0.3)
        await connection.command(b".", b"250")
        mailer.accepted.append(recipient)


@one_database("postgresql")
async def test_relay_is_replaced_under_load_and_no_client_notices(
    database: Database, database_url: str, make_relay: Make, sockets: dict[str, socket.socket]
) -> None:
    secrets = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    old, new = (make_relay(PROCESSES=2, DATABASE_URL=database_url, **secrets) for _ in range(2))
    for each in (old, new):
        each.port, each.tls_port = (sockets[name].getsockname()[1] for name in ("starttls", "tls"))
    await asyncio.to_thread(old.start_on, sockets)
    key = old.create_key("--per-minute", "100000")
    mailers = [Mailer(old, key, tls=tls, per_connection=count) for tls in (True, False) for count in (1, 5, 10_000)]
    running = [asyncio.create_task(mailer.run()) for mailer in mailers]
    underway, resume = asyncio.Barrier(3), asyncio.Event()
    slow = [asyncio.create_task(send_slowly(mailer, underway, resume)) for mailer in mailers[::3]]
    await underway.wait()
    await until(lambda: sum(len(each.accepted) for each in mailers) > 50)

    stopping = asyncio.create_task(asyncio.to_thread(old.stop))
    starting = asyncio.create_task(asyncio.to_thread(new.start_on, sockets))
    await until(lambda: all(mailer.sent_away for mailer in mailers[2::3]))
    resume.set()
    await asyncio.gather(*slow, starting)
    assert await stopping == 0
    before = sum(len(each.accepted) for each in mailers)
    await until(lambda: sum(len(each.accepted) for each in mailers) > before + 20)
    for mailer in mailers:
        mailer.stopping = True
    await asyncio.wait_for(asyncio.gather(*running), 60)

    assert [failure for mailer in mailers for failure in mailer.failures] == []
    accepted = [recipient for mailer in mailers for recipient in mailer.accepted]
    await until(lambda: len(delivered(old)) >= len(accepted))
    assert delivered(old) == Counter(accepted)
