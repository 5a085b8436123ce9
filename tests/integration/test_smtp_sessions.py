"""What one session of the SMTP door may use up, and that no session feels another."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from relay.smtp.conversation import Kind
from relay.smtp.session import MAX_COMMANDS
from tests.harness.smtp_door import Client, Door, plain, run_on, running_door
from tests.harness.smtp_pipe import PipedSession

EHLO = b"EHLO c.example.org\r\n"
MESSAGE = b"DATA\r\nFrom: a@example.org\r\n\r\nx\r\n.\r\n"
ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"

Test = Callable[[Door], Coroutine[Any, Any, None]]
WithDoor = Callable[..., None]


@pytest.fixture
def with_door(tmp_path: Path) -> WithDoor:
    def run(test: Test, **settings: Any) -> None:
        async def main() -> None:
            async with running_door(tmp_path, **settings) as door:
                await test(door)

        run_on("uvloop", main())

    return run


async def logged_in(door: Door, name: str = "normal") -> PipedSession:
    session = PipedSession(door, Kind.TLS)
    await session.ask(EHLO)
    assert (await session.ask(f"AUTH PLAIN {plain(*door.login(name))}\r\n".encode())).startswith("235 ")
    return session


async def quit_(*sessions: PipedSession) -> None:
    for session in sessions:
        await session.feed(b"QUIT\r\n")
        await session.ended()


def test_connections_of_one_key_over_its_limit_hear_421_and_other_keys_do_not(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        first, second = await logged_in(door), await logged_in(door)
        third, other = PipedSession(door, Kind.TLS), await logged_in(door, "team")
        await third.ask(EHLO)
        answer = await third.ask(f"AUTH PLAIN {plain(*door.login())}\r\n".encode())
        assert answer.startswith("421 4.7.0 ")
        assert "2 connections" in answer
        await third.ended()
        await quit_(first)
        await quit_(second, other, await logged_in(door))

    with_door(test, max_connections_per_key=2)


def test_devices_count_for_their_key(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        first, second = PipedSession(door, Kind.DEVICES), PipedSession(door, Kind.DEVICES)
        assert (await first.ask(b"HELO one\r\nMAIL FROM:<a@example.org>\r\n")).startswith("250 2.1.0 ")
        assert (await second.ask(b"HELO two\r\nMAIL FROM:<a@example.org>\r\n")).startswith("421 4.7.0 ")
        await second.ended()
        await quit_(first)

    with_door(test, max_connections_per_key=1, devices="127.0.0.0/8={normal}")


def test_device_whose_key_is_revoked_is_out_at_its_next_message(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        device = PipedSession(door, Kind.DEVICES)
        assert (await device.ask(b"HELO one\r\n" + ENVELOPE + MESSAGE)).startswith("250 2.0.0 ")
        await door.revoke("normal")
        door.clock.ahead_seconds = 5
        assert (await device.ask(b"MAIL FROM:<a@example.org>\r\n")).startswith("535 5.7.8 ")
        await quit_(device)

    with_door(test, devices="127.0.0.0/8={normal}")


def test_device_of_a_key_for_other_networks_is_refused(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        device = PipedSession(door, Kind.DEVICES)
        assert (await device.ask(b"HELO one\r\nMAIL FROM:<a@example.org>\r\n")).startswith("550 5.7.1 ")
        await quit_(device)

    with_door(test, devices="127.0.0.0/8={distant}")


def test_commands_without_a_message_end_the_session_and_a_message_begins_the_count_anew(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        session = await logged_in(door)
        for _ in range(2):
            await session.ask(b"NOOP\r\n" * (MAX_COMMANDS - 10))
            assert (await session.ask(ENVELOPE + MESSAGE)).startswith("250 2.0.0 ")
        await session.feed(b"NOOP\r\n" * MAX_COMMANDS)
        assert (await session.ask(b"NOOP\r\n")).startswith("421 4.7.0 too many commands")
        await session.ended()

    with_door(test)


def test_many_recipients_are_no_attack(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        session = await logged_in(door)
        await session.ask(b"MAIL FROM:<a@example.org>\r\n")
        await session.ask(b"".join(b"RCPT TO:<r%d@example.org>\r\n" % number for number in range(1000)))
        assert (await session.ask(MESSAGE)).endswith(" queued for 1000 recipients")
        await quit_(session)

    with_door(test, max_recipients=1000)


def test_limits_of_a_session_are_its_own(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        session = await logged_in(door)
        mail = b"MAIL FROM:<a@example.org> AUTH=" + b"x" * 900 + b"\r\n"
        for _ in range(3):
            await session.ask(EHLO)
            other = await logged_in(door, "team")  # a new connection, and its EHLO
            assert (await session.ask(mail)).startswith("250 2.1.0 ")
            assert (await session.ask(b"RSET\r\n")).startswith("250 ")
            assert (await session.ask(b"NOOP " + b"x" * 1300 + b"\r\n")).startswith("500 5.5.2 ")
            await quit_(other)
        await quit_(session)

    with_door(test)


def test_log_in_that_waits_for_the_database_keeps_nobody_waiting(with_door: WithDoor) -> None:
    async def test(door: Door) -> None:
        other = await logged_in(door)
        waiting = PipedSession(door, Kind.TLS)
        await waiting.ask(EHLO)
        async with door.database.read(), door.database.read():  # all connections that the door has
            seen = len(waiting.lines)
            await waiting.feed(f"AUTH PLAIN {plain(*door.login('team'))}\r\n".encode())
            async with asyncio.timeout(10):
                for _ in range(10):
                    assert (await other.ask(b"NOOP\r\n")).startswith("250 ")
            assert len(waiting.lines) == seen
        assert (await waiting.ask()).startswith("235 ")
        await quit_(waiting, other)

    with_door(test)


def test_connection_asks_no_name_server(with_door: WithDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> None:
        raise AssertionError("a name was looked up")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname", "gethostname"):
        monkeypatch.setattr(socket, name, ask)

    async def test(door: Door) -> None:
        client = await Client.connect(door, tls=False)
        assert (await client.reply())[0].startswith("220 mail.example.ca ESMTP")
        assert (await client.ask("QUIT")).startswith("221 ")

    with_door(test)
