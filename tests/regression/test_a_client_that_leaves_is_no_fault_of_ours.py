"""Who leaves in the middle gets no line in the log: operators would look for a fault where there is none."""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.harness.octets import Octets
from tests.harness.smtp_door import LOOPS, Client, Door, run_on, running_door

MESSAGE = b"From: scanner@example.org\r\nSubject: s\r\n\r\nScan.\r\n.\r\n"
EVERYWHERE = "127.0.0.0/8={normal}"
loops = pytest.mark.parametrize("loop", LOOPS)
Test = Callable[[Door], Coroutine[Any, Any, None]]


def events(loop: str, folder: Path, test: Test, **settings: Any) -> set[str]:
    async def main() -> None:
        async with running_door(folder, **settings) as door:
            await test(door)
            async with asyncio.timeout(60):
                while door.metric("relay_smtp_connections"):
                    await asyncio.sleep(0.01)

    with capture_logs() as logs:
        run_on(loop, main())
    return {line["event"] for line in logs}


@loops
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_many_commands_and_then_a_reset_are_not_complained_about(
    loop: str, tls: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(door: Door) -> None:
        for _ in range(3):
            client = await Client.connect(door, tls=tls)
            await client.reply()
            client.send(b"EHLO client.example.org\r\n" * 1000)
            await client.reply()
            sock: socket.socket = client.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.writer.transport.abort()

    with caplog.at_level(logging.WARNING):
        assert events(loop, tmp_path, test) == set()
    assert not caplog.records


@loops
def test_stop_while_a_client_is_on_its_way_out_is_no_error(loop: str, tmp_path: Path) -> None:
    async def test(door: Door) -> None:
        with await Octets.connect(door.port) as client:
            assert (await client.line()).startswith("220 ")
            assert (await client.ask("QUIT")).startswith("221 ")
            await door.door.drain(2)

    assert events(loop, tmp_path, test) == set()


@loops
def test_client_that_has_said_all_and_listens_on_hears_its_replies(loop: str, tmp_path: Path) -> None:
    """Without its 250 a device would send the message again."""

    async def test(door: Door) -> None:
        client = await Client.connect(door, tls=False, port=door.devices_port)
        await client.reply()
        await client.ask("HELO scanner.example.org")
        await client.ask("MAIL FROM:<scanner@example.org>")
        await client.ask("RCPT TO:<reader@example.org>")
        assert (await client.ask("DATA")).startswith("354")
        client.send(MESSAGE + b"QUIT\r\n")
        client.writer.write_eof()
        assert (await client.reply())[0].startswith("250 ")
        assert (await client.reply())[0].startswith("221 ")
        assert await client.reply() == []

    assert events(loop, tmp_path, test, devices=EVERYWHERE) == {"message.accepted"}


@loops
@pytest.mark.parametrize("said", [b"", b"NOOP\r\n", b"STARTTLS\r\n", b"EHLO"])
def test_client_that_has_said_all_keeps_no_place(loop: str, said: bytes, tmp_path: Path) -> None:
    async def test(door: Door) -> None:
        client = await Client.connect(door, tls=False)
        await client.reply()
        client.send(said)
        client.writer.write_eof()
        while await client.reply():
            pass

    assert events(loop, tmp_path, test) == set()
