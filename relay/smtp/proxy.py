"""The PROXY protocol (haproxy.org, proxy-protocol.txt), v1 and v2: a balancer says whose connection it passes on.

Read from the socket before anything else looks at it, and never an octet further: a ClientHello may stand right behind.
"""

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

MAX_V1_OCTETS = 107
MAX_V2_OCTETS = 4096  # 16 and the addresses; the rest are type-length-value blocks, which we skip
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED = 16  # signature, version and command, family, length
_FAMILIES: dict[int, tuple[int, type[IPv4Address] | type[IPv6Address]]] = {
    0x11: (4, IPv4Address),
    0x21: (16, IPv6Address),
}
_UNSPECIFIED = 0x00
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,4}")


class NotProxied(Exception):  # noqa: N818
    """What came first is no header of the PROXY protocol, or none that we can use."""


@dataclass(frozen=True, slots=True)
class Header:
    """`octets` is its length, `client_ip` None where the balancer speaks for itself, as health checks do."""

    octets: int
    client_ip: str | None


def plain_address(host: str) -> str:
    """An IP address as settings and keys write it: IPv4 not as mapped into IPv6, and without an interface's name."""
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def parse(data: bytes) -> Header | None:
    """The header at the start of `data`; None: more is needed, and all of `data` is part of it. Raises NotProxied."""
    if data[: len(_SIGNATURE)] == _SIGNATURE[: len(data)]:
        return _parse_v2(data) if len(data) >= _FIXED else None
    if data[:6] != b"PROXY "[: len(data)]:
        raise NotProxied
    end = data.find(b"\r\n", 0, MAX_V1_OCTETS)
    if end >= 0:
        return Header(end + 2, _client_v1(data[:end].split(b" ")))
    if len(data) >= MAX_V1_OCTETS:
        raise NotProxied
    return None


def _client_v1(words: list[bytes]) -> str | None:
    if words[1] == b"UNKNOWN":
        return None  # whatever follows is to be ignored
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise NotProxied
    family = IPv4Address if words[1] == b"TCP4" else IPv6Address
    try:
        source, _ = (family(word.decode("ascii")) for word in words[2:4])
    except ValueError:
        raise NotProxied from None
    if not all(_NUMBER.fullmatch(word) and int(word) <= 65535 for word in words[4:]):
        raise NotProxied
    return plain_address(str(source))


def _parse_v2(data: bytes) -> Header | None:
    version, command = divmod(data[12], 16)
    octets = _FIXED + int.from_bytes(data[14:16])
    if version != 2 or command > 1 or octets > MAX_V2_OCTETS:
        raise NotProxied
    family = data[13]
    if command == 0 or family == _UNSPECIFIED:
        client_ip = None
    elif family not in _FAMILIES or octets < _FIXED + 2 * _FAMILIES[family][0] + 4:  # two addresses, two ports
        raise NotProxied
    else:
        size, kind = _FAMILIES[family]
        if len(data) < _FIXED + size:
            return None
        client_ip = plain_address(str(kind(data[_FIXED : _FIXED + size])))
    return Header(octets, client_ip) if len(data) >= octets else None


async def receive(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> Header:
    """Reads one header off a non-blocking socket, and nothing behind it.

    Raises NotProxied, also when the connection ends first, and OSError.
    """
    got = b""
    while True:
        await _readable(loop, sock)
        try:
            peeked = sock.recv(MAX_V2_OCTETS - len(got), socket.MSG_PEEK)
        except BlockingIOError:
            continue
        if not peeked:
            raise NotProxied
        header = parse(got + peeked)
        # Taken even when incomplete: left there, it would make the socket readable at once, again and again.
        part = sock.recv(len(peeked) if header is None else header.octets - len(got))
        if header is not None:
            return header
        got += part


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    waiter = loop.create_future()
    loop.add_reader(sock, _wake, waiter)
    try:
        await waiter
    finally:
        loop.remove_reader(sock)


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
