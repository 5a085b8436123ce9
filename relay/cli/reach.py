"""Whether others than this machine reach the HTTP door at its public URL, and safely."""

import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit

from messages.text import Text
from relay.cli import texts

_SECONDS = 5.0  # for the system's resolver


async def warning(url: str) -> Text | None:
    """What clients, or those who follow a link of ours, would stumble over."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    values = {"url": url, "host": host}
    if _is_loopback(host):
        return Text(texts.URL_HERE, values)
    try:
        addresses = await _addresses(host)
    except OSError:  # TimeoutError is one
        return Text(texts.URL_UNKNOWN, values)
    if any(map(is_local, addresses)):
        return Text(texts.URL_PRIVATE, values)
    return None if parts.scheme == "https" else Text(texts.URL_PLAIN, values)


def is_local(host: str) -> bool:
    """Whether it is this machine, or one of a private network."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


async def _addresses(host: str) -> list[str]:
    async with asyncio.timeout(_SECONDS):
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None)
        except UnicodeError:  # a label of no, or too many, characters
            raise OSError from None
    return [str(each[4][0]).partition("%")[0] for each in found]
