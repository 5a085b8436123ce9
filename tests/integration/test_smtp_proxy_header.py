"""Behind a balancer: the client is whom its PROXY header names, from listed addresses only, on every listener."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.balancer import V2_LOCAL, v1, v2
from tests.harness.octets import Octets
from tests.harness.smtp_door import HOST, LOOPS, Door, plain, run_on, running_door

LISTED = "127.0.0.0/8"
loops = pytest.mark.parametrize("loop", LOOPS)
listeners = pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])


async def arrive(door: Door, header: bytes, *, tls: bool, segment: int = 1 << 16) -> Octets:
    """A client behind a balancer, under TLS, after EHLO. What follows the header is in one segment with it."""
    client = await Octets.connect(door.tls_port if tls else door.port)
    if tls:
        await client.start_tls(door.client_context, HOST, first=header, segment=segment)
        assert (await client.line()).startswith("220 ")
    else:
        await client.send(header + b"EHLO early.example.org\r\n", segment)
        assert (await client.line()).startswith("220 ")
        assert (await client.reply()).startswith("250 ")
        assert (await client.ask("STARTTLS")).startswith("220 ")
        await client.start_tls(door.client_context, HOST, segment=segment)
    assert (await client.ask("EHLO client.example.org")).startswith("250 ")
    return client


async def submit(client: Octets, door: Door) -> None:
    assert (await client.ask(f"AUTH PLAIN {plain(*door.login())}")).startswith("235 ")
    await client.ask("MAIL FROM:<office@example.org>")
    await client.ask("RCPT TO:<reader@example.com>")
    assert (await client.ask("DATA")).startswith("354 ")
    assert (await client.ask("From: office@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n.")).startswith("250 ")


@loops
@listeners
@pytest.mark.parametrize("segment", [1, 1 << 16], ids=["octet by octet", "one segment"])
@pytest.mark.parametrize("header", [v1, v2])
@pytest.mark.parametrize("client_ip", ["203.0.113.9", "2001:db8::9"])
def test_client_is_whom_the_header_names(
    loop: str, tls: bool, segment: int, header: Any, client_ip: str, tmp_path: Path
) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED) as door:
            with await arrive(door, header(client_ip), tls=tls, segment=segment) as client:
                await submit(client, door)
            (submission,) = door.gate.submissions
            assert submission.trace
            assert submission.trace.client_ip == client_ip

    run_on(loop, test())


@loops
@listeners
@pytest.mark.parametrize("header", [V2_LOCAL, b"PROXY UNKNOWN\r\n"], ids=["v2", "v1"])
def test_balancer_may_come_for_itself(loop: str, tls: bool, header: bytes, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED) as door:
            with await arrive(door, header, tls=tls) as client:
                await submit(client, door)
            (submission,) = door.gate.submissions
            assert submission.trace
            assert submission.trace.client_ip == "127.0.0.1"

    run_on(loop, test())


@loops
@listeners
def test_limit_per_address_is_about_the_client(loop: str, tls: bool, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED, max_connections_per_address=1) as door:
            first = await arrive(door, v2("203.0.113.1"), tls=tls)
            second = await arrive(door, v2("203.0.113.2"), tls=tls)
            with await Octets.connect(door.tls_port if tls else door.port) as third:
                await third.send(v1("203.0.113.1"))
                said = await third.ended()
                assert (said == b"") if tls else said.startswith(b"421 4.7.0 too many connections")
            first.close()
            second.close()

    run_on(loop, test())


@loops
def test_limit_per_address_is_about_the_network_of_one_host(loop: str, tmp_path: Path) -> None:
    """Of IPv6: any host may use all addresses of its /64."""

    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED, max_connections_per_address=1) as door:
            clients = []
            for client_ip, reply in (("2001:db8::1", "220 "), ("2001:db8::2", "421 "), ("2001:db8:0:1::1", "220 ")):
                clients.append(await Octets.connect(door.port))
                await clients[-1].send(v1(client_ip))
                assert (await clients[-1].line()).startswith(reply)
            for client in clients:
                client.close()

    run_on(loop, test())


@loops
@listeners
def test_key_of_some_networks_asks_where_the_client_is(loop: str, tls: bool, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED) as door:
            for client_ip, reply in (("192.0.2.7", "235 "), ("203.0.113.7", "535 ")):
                with await arrive(door, v2(client_ip), tls=tls) as client:
                    assert (await client.ask(f"AUTH PLAIN {plain(*door.login('distant'))}")).startswith(reply)

    run_on(loop, test())


@loops
@pytest.mark.parametrize("header", [v1("192.0.2.7"), v2("192.0.2.7")], ids=["v1", "v2"])
def test_header_of_anybody_else_is_no_header(loop: str, header: bytes, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from="192.0.2.0/24") as door:
            with await Octets.connect(door.port) as client:
                await client.send(header)
                assert (await client.line()).startswith("220 ")
                assert (await client.line()).startswith("500 ")
            client = await Octets.connect(door.tls_port)
            with client, pytest.raises((EOFError, ConnectionResetError, ssl.SSLError)):
                await client.start_tls(door.client_context, HOST, first=header)
            with await arrive(door, b"", tls=True) as client:
                await submit(client, door)
            assert door.gate.submissions[-1].trace
            assert door.gate.submissions[-1].trace.client_ip == "127.0.0.1"

    run_on(loop, test())


@loops
@listeners
@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example.org\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 and more than one hundred and seven octets" + b"." * 100,
        v2("192.0.2.1", extra=b"x" * 5000),
        v1("192.0.2.1").replace(b"192", b"392"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["none", "long v1", "long v2", "no address", "ClientHello"],
)
def test_balancer_without_a_header_hears_nothing(loop: str, tls: bool, header: bytes, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED) as door:
            with await Octets.connect(door.tls_port if tls else door.port) as client:
                await client.send(header)
                assert await client.ended() == b""
            assert door.metric("relay_smtp_connections") == 0

    run_on(loop, test())


def test_header_has_five_seconds(tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, proxy_from=LISTED) as door:
            clock = asyncio.get_running_loop()
            clients = [await Octets.connect(port) for port in (door.port, door.tls_port)]
            began = clock.time()
            for octet in v1("192.0.2.1")[:4]:
                for client in clients:
                    await client.send(bytes([octet]))
                await asyncio.sleep(0.5)
            for client in clients:
                assert await client.ended() == b""
                client.close()
            assert 4 < clock.time() - began < 20

    run_on("uvloop", test())
