"""Where a callback may not go: services name the URL, and we stand inside a network that they do not.

The address is judged at the socket that is about to connect, so neither a name, nor another way to write a number, nor
a second answer of DNS can lead elsewhere.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

Allowed = Callable[[str], bool]
Lookup = Callable[[str], Awaitable[Sequence[str]]]  # a host's addresses; raises OSError when it has none

# Our own list: what the standard library calls private changes from one Python release to the next.
_FORBIDDEN_V4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),  # all of RFC 6890 2.2.2
            "168.63.129.16/32",  # Azure's host, which hands out secrets; public by its number only
        ),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")  # RFC 4291 2.4: the rest is local, multicast, mapped or unassigned
_FORBIDDEN_V6 = tuple(
    map(
        IPv6Network,
        # 2001::/32 (Teredo) and 2002::/16 (6to4) carry any IPv4 address; nobody has to be reached by them any more.
        ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 2.1: in a network without IPv4 every public address looks like this
_LOOKUPS = 16  # threads: names that hang hold one each, and only one per name
_ANSWER_SECONDS = 10  # an answer of DNS serves the calls of so long
_NOWHERE_SECONDS = 1.0  # a name that leads nowhere is told in whole ones: our own DNS is quick with what it knows


class Forbidden(OSError):  # noqa: N818
    """The host has no address that a callback may go to."""


def anywhere(_: str) -> bool:
    """For machines of developers, and receivers in the same network."""
    return True


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one of the public Internet. Raises ValueError when it is none."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        ip = IPv4Address(ip.packed[12:])
    elif isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _FORBIDDEN_V4)
    return ip in _PUBLIC_V6 and not any(ip in network for network in _FORBIDDEN_V6)


class GuardedResolver(AbstractResolver):
    """Gives out allowed addresses only; aiohttp connects to these and asks nobody again.

    Of a name with both kinds the allowed ones are used: what is not connected to harms nobody, and one stray record
    does not silence a receiver.
    """

    def __init__(self, allowed: Allowed, lookup: Lookup | None = None) -> None:
        self._allowed = allowed
        # Threads of their own: a name that hangs must not keep the database waiting, which uses the loop's.
        self._threads = ThreadPoolExecutor(_LOOKUPS, "callback-dns")
        self._lookup = lookup or self._ask_system

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        begun = time.monotonic()
        try:
            addresses = await self._allowed_of(host)
        except OSError:
            await asyncio.sleep(-(time.monotonic() - begun) % _NOWHERE_SECONDS)
            raise
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def _allowed_of(self, host: str) -> Sequence[str]:
        if addresses := [address for address in await self._lookup(host) if self._allowed(address)]:
            return addresses
        raise Forbidden

    async def _ask_system(self, host: str) -> Sequence[str]:
        def ask() -> list[str]:
            try:
                found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except UnicodeError:  # no name of a host: a label is empty or too long
                raise OSError from None
            return list(dict.fromkeys(str(address[0]) for *_, address in found))

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


@asynccontextmanager
async def open_session(
    allowed: Allowed, *, lookup: Lookup | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """The HTTP client of callbacks. `tls` replaces the system's trusted authorities.

    It takes nothing from the environment, no proxy either, and keeps neither connections nor cookies.
    """

    def guarded(where: AddrInfoType) -> socket.socket:
        # Also for addresses that stand in the URL: no resolver is asked about those.
        family, type_, protocol, _, address = where
        if not allowed(str(address[0])):
            raise Forbidden
        return socket.socket(family, type_, protocol)

    resolver = GuardedResolver(allowed, lookup)
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=guarded,
        ttl_dns_cache=_ANSWER_SECONDS,
        force_close=True,  # a connection that the receiver has just closed would cost a call
        limit=0,  # the sender counts its calls
        ssl=tls or True,
    )
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),  # the caller's is for all together
        ) as session:
            yield session
    finally:
        await resolver.close()
