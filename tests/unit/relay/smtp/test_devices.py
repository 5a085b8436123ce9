"""Whose a device is, by its address."""

import pytest

from relay.smtp.devices import Devices

DEVICES = Devices((("10.1.2.0/24", "printers"), ("10.1.3.7/32", "scanner"), ("2001:db8::/64", "panel")))


@pytest.mark.parametrize(
    ("client_ip", "username"),
    [
        ("10.1.2.0", "printers"),
        ("10.1.2.255", "printers"),
        ("10.1.3.7", "scanner"),
        ("2001:db8::5", "panel"),
        ("10.1.3.8", None),
        ("10.1.1.255", None),
        ("2001:db8:0:1::5", None),
        ("::a01:200", None),
    ],
)
def test_device_is_known_by_its_network_and_nobody_else_is(client_ip: str, username: str | None) -> None:
    assert DEVICES.username(client_ip) == username


def test_without_networks_nobody_is_known() -> None:
    assert Devices(()).username("127.0.0.1") is None
