"""A DNS server on loopback, UDP and TCP: a small zone, and trouble by script. It also says what it was asked.

In a test: `async with FakeDns(records) as dns:`. Every name outside the zone is NXDOMAIN.
"""

import asyncio
import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.fakes.threads import in_a_thread

_SOA = "ns.example. hostmaster.example. 1 7200 3600 86400 300"

Zone = dict[tuple[str, str], list[str]]  # (name, type) -> values; a TXT value may be longer than a string


@dataclass
class FakeDns:
    """`trouble` of a name, or of "*": servfail, refused, silence, garbage, referral, empty, truncate (TCP answers)."""

    zone: Zone = field(default_factory=dict)
    ttl: int = 300
    trouble: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # name, type, transport
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def publish(self, name: str, type_: str, *values: str) -> None:
        self.zone[name, type_] = list(values)

    def withdraw(self, name: str, type_: str) -> None:
        self.zone.pop((name, type_), None)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        while True:  # until a port is free for both transports
            self._tcp = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self.port = self._tcp.sockets[0].getsockname()[1]
            with contextlib.suppress(OSError):
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=("127.0.0.1", self.port)
                )
                return self
            self._tcp.close()

    async def __aexit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()

    @contextlib.contextmanager
    def in_a_thread(self) -> Iterator[Self]:
        """For callers that block."""
        with in_a_thread(self):
            yield self

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = self.answer(await reader.readexactly(length), "tcp")
            if answer is not None:
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        writer.close()

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        type_ = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, type_, transport))
        trouble = self.trouble.get(name, self.trouble.get("*"))
        if trouble == "silence":
            return None
        if trouble == "garbage":
            return wire[:2] + b"\x84"
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if trouble in ("servfail", "refused"):
            response.set_rcode(dns.rcode.from_text(trouble.upper()))
        elif trouble == "truncate" and transport == "udp":
            response.flags |= dns.flags.TC
        elif trouble == "referral":  # as a server does that does not look up for others
            response.flags &= ~dns.flags.RA
            response.authority.append(dns.rrset.from_text("ca.", self.ttl, "IN", "NS", "ns.example."))
        elif trouble != "empty":
            self._fill(response, question.name, name, type_)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, owner: dns.name.Name, name: str, type_: str) -> None:
        if alias := self.zone.get((name, "CNAME")):
            response.answer.append(dns.rrset.from_text(owner, self.ttl, "IN", "CNAME", f"{alias[0]}."))
            owner, name = dns.name.from_text(alias[0]), alias[0].lower()
        values = self.zone.get((name, type_))
        if values:
            response.answer.append(dns.rrset.from_rdata_list(owner, self.ttl, [_rdata(type_, each) for each in values]))
            return
        response.authority.append(dns.rrset.from_text("ca.", self.ttl, "IN", "SOA", _SOA))  # RFC 2308 2
        if not any(known == name or known.endswith(f".{name}") for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: FakeDns) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data, "udp")
        if answer is not None:
            self._transport.sendto(answer, addr)


def _rdata(type_: str, value: str) -> dns.rdata.Rdata:
    if type_ == "TXT":
        octets = value.encode()
        pieces = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
        wire = b"".join(bytes([len(piece)]) + piece for piece in pieces)
        return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.TXT, wire, 0, len(wire))
    absolute = f"{value}." if type_ in ("MX", "CNAME", "PTR") else value
    return dns.rdata.from_text("IN", type_, absolute)
