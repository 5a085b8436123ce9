"""Whose key a device uses that cannot log in: its address says it.

Knows nothing of keys but their user names.
"""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network


class Devices:
    """`networks` are pairs of a network and the SMTP user name of a key; none overlaps another."""

    def __init__(self, networks: Iterable[tuple[str, str]]) -> None:
        self._networks = tuple((ip_network(network), username) for network, username in networks)

    def username(self, client_ip: str) -> str | None:
        """None: no device is known at this address."""
        address = ip_address(client_ip)
        return next((username for network, username in self._networks if address in network), None)
