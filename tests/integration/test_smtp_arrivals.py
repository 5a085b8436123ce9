"""How a connection arrives: counted from its first moment, closed without a word when it does not begin well."""

import asyncio
import os
import resource
import socket
import sys
from io import StringIO
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.harness.octets import Octets
from tests.harness.smtp_door import HOST, LOOPS, Door, run_on, running_door
from tests.harness.waiting import until

loops = pytest.mark.parametrize("loop", LOOPS)


def opened(door: Door) -> float:
    return door.metric("relay_smtp_connections")


@loops
def test_connection_counts_before_its_handshake_and_no_longer_than_it_lasts(loop: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, max_connections=1) as door:
            silent = await Octets.connect(door.tls_port)
            await until(lambda: opened(door) == 1)
            with await Octets.connect(door.port) as plain, await Octets.connect(door.tls_port) as tls:
                assert (await plain.line()).startswith("421 4.7.0 too many connections")
                assert await plain.ended() == await tls.ended() == b""
            silent.close()
            await until(lambda: opened(door) == 0)
            with await Octets.connect(door.port) as plain:
                assert (await plain.line()).startswith("220 ")
            await until(lambda: opened(door) == 0)

    run_on(loop, test())


@loops
@pytest.mark.parametrize("kind", ["garbage", "gone", "nothing"])
def test_handshake_that_fails_leaves_no_trace(loop: str, kind: str, tmp_path: Path, caplog: object) -> None:
    async def test() -> None:
        async with running_door(tmp_path) as door:
            for _ in range(3):
                client = await Octets.connect(door.tls_port)
                await until(lambda: opened(door) == 1)
                if kind == "garbage":
                    await client.send(b"EHLO client.example.org\r\n")
                    await client.ended()
                elif kind == "gone":
                    await client.send(b"\x16\x03\x01\x02\x00\x01")
                client.close()
                await until(lambda: opened(door) == 0)

    said, sys.stderr = sys.stderr, StringIO()
    try:
        with capture_logs() as logs:
            run_on(loop, test())
        assert sys.stderr.getvalue() == ""
    finally:
        sys.stderr = said
    assert {(line["log_level"], line["event"]) for line in logs} == {("debug", "smtp.not_begun")}
    assert not caplog.records  # type: ignore[attr-defined]


@loops
def test_without_descriptors_the_door_waits_and_then_goes_on(loop: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path) as door:
            clients = [socket.socket() for _ in range(3)]
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            free = os.dup(0)
            os.close(free)
            with capture_logs() as logs:
                resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
                try:
                    for client in clients:
                        client.setblocking(False)
                        client.connect_ex(("127.0.0.1", door.port))
                    await until(lambda: any(line["event"] == "smtp.exhausted" for line in logs))
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for client in clients:
                    with Octets(client) as octets:
                        assert (await octets.line()).startswith("220 ")
            told = [line["error"] for line in logs if line["event"] == "smtp.exhausted"]
            assert told in (["EMFILE"], ["EMFILE"] * 2), "it must not spin"

    run_on(loop, test())


@loops
def test_stopping_door_waits_for_a_handshake_and_not_for_who_is_silent(loop: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path) as door:
            silent, arriving = await Octets.connect(door.tls_port), await Octets.connect(door.tls_port)
            await until(lambda: opened(door) == 2)
            began = asyncio.get_running_loop().time()
            stopping = asyncio.create_task(door.door.drain(60))
            await asyncio.sleep(0.1)
            await arriving.start_tls(door.client_context, HOST)
            lines = [await arriving.line()]
            if lines[0].startswith("220 "):
                lines.append(await arriving.line())
            assert lines[-1].startswith("421 4.3.2 ")
            arriving.close()
            await stopping
            assert asyncio.get_running_loop().time() - began < 30
            assert await silent.ended() == b""
            silent.close()

    run_on(loop, test())


@loops
def test_client_that_talks_while_it_is_sent_away_hears_why_and_no_reset(loop: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path) as door:
            with await Octets.connect(door.port) as client:
                await client.ask("EHLO client.example.org")
                stopping = asyncio.create_task(door.door.drain(60))
                while (line := await client.line()).startswith("2"):
                    await client.send(b"NOOP\r\n" * 100)
                assert line.startswith("421 4.3.2 ")
                for _ in range(3):
                    await client.send(b"NOOP\r\n")
                    await asyncio.sleep(0.05)
                with pytest.raises(EOFError):
                    await client.line()
            await stopping

    run_on(loop, test())
