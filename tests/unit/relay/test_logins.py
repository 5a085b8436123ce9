"""The log line of a log-in that failed."""

import pytest
from structlog.testing import capture_logs

from relay.logins import login_failed, network


@pytest.mark.parametrize(
    ("client_ip", "found"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_a_network_is_where_a_client_is_and_not_which_one(client_ip: str, found: str) -> None:
    assert network(client_ip) == found


def test_it_is_one_line() -> None:
    with capture_logs() as logs:
        login_failed("smtp", "192.0.2.77", "credentials", name_hash="00ff")
    assert logs == [
        {
            "event": "login.failed",
            "log_level": "info",
            "door": "smtp",
            "network": "192.0.2.0/24",
            "reason": "credentials",
            "name_hash": "00ff",
        }
    ]
