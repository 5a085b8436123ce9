"""The PROXY protocol's headers, and that nothing behind one is touched."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.smtp.proxy import MAX_V1_OCTETS, MAX_V2_OCTETS, Header, NotProxied, parse, plain_address, receive
from tests.fakes.balancer import v1, v2

ADDRESSES = st.ip_addresses()
PORTS = st.integers(0, 65535)


@given(ADDRESSES, PORTS, st.binary(max_size=50), st.binary(max_size=200), st.booleans())
def test_header_names_the_client_and_its_own_length(
    client: IPv4Address | IPv6Address, port: int, behind: bytes, extra: bytes, binary: bool
) -> None:
    header = v2(str(client), port, extra) if binary else v1(str(client), port)

    assert parse(header + behind) == Header(len(header), plain_address(str(client)))


@given(ADDRESSES, st.data(), st.booleans())
def test_part_of_a_header_is_no_header_yet(client: IPv4Address, data: st.DataObject, binary: bool) -> None:
    header = v2(str(client), 25, b"tlv") if binary else v1(str(client), 25)
    length = data.draw(st.integers(0, len(header) - 1))

    assert parse(header[:length]) is None


@given(st.binary(max_size=300))
def test_any_octets_are_a_header_or_not_one_or_the_start_of_one(octets: bytes) -> None:
    try:
        header = parse(octets)
    except NotProxied:
        return
    assert header is not None or len(octets) < MAX_V1_OCTETS


@given(st.binary(max_size=300))
def test_what_begins_like_v2_ends_within_its_bound(rest: bytes) -> None:
    try:
        header = parse(b"\r\n\r\n\0\r\nQUIT\n" + rest)
    except NotProxied:
        return
    assert header is None or header.octets <= MAX_V2_OCTETS


@pytest.mark.parametrize(
    "line",
    [
        b"HELO balancer.example\r\n",
        b"PROXY\r\n",
        b"PROXY \r\n",
        b"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        b"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 \xd9\xa1.2.3.4 192.0.2.2 1 2\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n" + b" " * MAX_V1_OCTETS,
        b"PROXY UNKNOWN " + b"x" * (MAX_V1_OCTETS - 15) + b"\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_wrong_line_is_no_header(line: bytes) -> None:
    with pytest.raises(NotProxied):
        parse(line)


@pytest.mark.parametrize("line", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN " + b"x" * (MAX_V1_OCTETS - 16) + b"\r\n"])
def test_unknown_is_the_balancer_itself(line: bytes) -> None:
    assert parse(line + b"EHLO") == Header(len(line), None)


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.mark.parametrize("rest", [b"\x20\x00\x00\x00", b"\x20\x11\x00\x0c" + b"x" * 12, b"\x21\x00\x00\x03abc"])
def test_local_or_unspecified_is_the_balancer_itself(rest: bytes) -> None:
    assert parse(SIGNATURE + rest) == Header(len(SIGNATURE + rest), None)


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (b"\x11\x11\x00\x0c" + b"x" * 12, "version"),
        (b"\x22\x11\x00\x0c" + b"x" * 12, "command"),
        (b"\x21\x12\x00\x0c" + b"x" * 12, "UDP"),
        (b"\x21\x31\x00\xd8" + b"x" * 216, "UNIX"),
        (b"\x21\x11\x00\x0b" + b"x" * 11, "too short for its addresses"),
        (b"\x21\x21\x00\x0c" + b"x" * 12, "too short for its addresses"),
        (b"\x21\x11\xff\xff", "too long"),
    ],
)
def test_wrong_binary_header_is_none(rest: bytes, why: str) -> None:
    with pytest.raises(NotProxied):
        parse(SIGNATURE + rest)


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_address_is_written_in_one_way(host: str, plain: str) -> None:
    assert plain_address(host) == plain


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("header", [v1("192.0.2.7", 5), v2("2001:db8::7", 5, b"x" * 300)], ids=["v1", "v2"])
async def test_what_stands_behind_a_header_stays_in_the_socket(header: bytes, step: int) -> None:
    loop = asyncio.get_running_loop()
    balancer, door = socket.socketpair()
    with balancer, door:
        balancer.setblocking(False)
        door.setblocking(False)
        receiving = asyncio.create_task(receive(loop, door))
        sent = header + b"behind"
        for at in range(0, len(sent), step):
            await loop.sock_sendall(balancer, sent[at : at + step])
            await asyncio.sleep(0)
        found = await asyncio.wait_for(receiving, 60)

        assert found.octets == len(header)
        assert door.recv(100) == b"behind"


async def test_connection_that_ends_in_its_header_is_not_waited_for() -> None:
    balancer, door = socket.socketpair()
    with door:
        door.setblocking(False)
        balancer.send(b"PROXY TCP4 192.0.2.1")
        balancer.close()
        with pytest.raises(NotProxied):
            await asyncio.wait_for(receive(asyncio.get_running_loop(), door), 60)
