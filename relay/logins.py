"""The log line of a log-in that failed, the same for every door: enough to find the product, and no secret or name.

One line for each: the throttle makes whoever fails wait longer and longer, so they are no flood.
"""

from ipaddress import IPv6Address, ip_address, ip_network

import structlog

_IPV4_BITS, _IPV6_BITS = 24, 64


def login_failed(door: str, client_ip: str, reason: str, **who: str) -> None:
    """`who` is a `key_id`, or `name_hash`: what people enter as a name may be anything, a password too."""
    log = structlog.get_logger()
    log.info("login.failed", door=door, network=network(client_ip), reason=reason, **who)


def network(client_ip: str) -> str:
    """Where a client is, and not which one it is; nothing for one without an address."""
    if not client_ip:
        return ""
    address = ip_address(client_ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = _IPV4_BITS if address.version == 4 else _IPV6_BITS
    return str(ip_network((address, bits), strict=False))
