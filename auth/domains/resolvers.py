"""Asks DNS: each configured resolver by itself, since they may differ, and each answer within its time.

An answer says what is there, that nothing is there, or that nobody knows. Knows nothing of what the records are for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from config.settings import Dns

_PORT = 53
_TRY_SECONDS = 1.0  # for one datagram; then it is sent again, while the time of the question lasts
_PAYLOAD_BYTES = 1232  # larger answers come by TCP: fragments get lost


@dataclass(frozen=True, slots=True)
class Found:
    """Records of one name and type, as text: a TXT record is its strings joined (RFC 7208 3.3, RFC 6376 3.6.2.2)."""

    values: tuple[str, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such name (NXDOMAIN), or it has no record of this type."""

    no_such_name: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Timeout, SERVFAIL, a refusal, garbage, a referral: it says nothing about the record."""

    reason: str


Answer = Found | Missing | Unknown
Ask = Callable[[str, str], Awaitable[Answer]]  # name, type


class Resolver:
    """One resolver, asked by its address."""

    def __init__(self, address: str, port: int, timeout_seconds: float) -> None:
        self.name = address if port == _PORT else f"{address}:{port}" if "." in address else f"[{address}]:{port}"
        self._timeout_seconds = timeout_seconds
        self._asking = dns.asyncresolver.Resolver(configure=False)
        self._asking.nameservers = [dns.nameserver.Do53Nameserver(address, port)]
        self._asking.timeout = min(_TRY_SECONDS, timeout_seconds)
        self._asking.lifetime = timeout_seconds
        self._asking.use_edns(0, 0, _PAYLOAD_BYTES)

    async def ask(self, name: str, type_: str) -> Answer:
        try:
            # The time limit of the library does not count what a server does after it has taken a connection.
            async with asyncio.timeout(self._timeout_seconds + 1):
                found = await self._asking.resolve(f"{name}.", type_, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return Missing(no_such_name=True)
        except (dns.exception.Timeout, TimeoutError):
            return Unknown("timeout")
        except dns.resolver.NoNameservers:
            return Unknown("failure")
        except (dns.exception.DNSException, OSError, EOFError, UnicodeError):
            return Unknown("malformed")
        if found.rrset is None:
            # RFC 2308 2.2: who knows that there is none shows the zone that says so; others refer, or gave up.
            zones = [each for each in found.response.authority if each.rdtype == dns.rdatatype.SOA]
            return Missing() if zones else Unknown("lame")
        # Servers shuffle records: their order says nothing.
        return Found(tuple(sorted(map(_text, found))), int(found.chaining_result.minimum_ttl))


def configured(settings: Dns) -> list[Resolver]:
    """The resolvers of the settings, else the system's."""
    named = [(each.host, each.port) for each in settings.resolvers] or [(each, _PORT) for each in _of_the_system()]
    return [Resolver(address, port, settings.timeout_seconds) for address, port in named]


async def ask_all(resolvers: Sequence[Resolver], name: str, type_: str) -> list[Answer]:
    """What each of them says, in their order."""
    return list(await asyncio.gather(*(each.ask(name, type_) for each in resolvers)))


def _of_the_system() -> list[str]:
    try:
        return [str(each) for each in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration:
        return ["127.0.0.1"]  # as resolv.conf(5) says


def _text(record: object) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return f"{record.preference} {record.exchange.to_text(omit_final_dot=True).lower()}"
    return str(record)
