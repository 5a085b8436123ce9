"""What an API client calls itself, for the log."""

import pytest

from relay.http.client import MAX_PRODUCT_CHARACTERS, Client


@pytest.mark.parametrize(
    ("user_agent", "product"),
    [
        ("NOTIFY-API-PYTHON-CLIENT/10.0.1", "NOTIFY-API-PYTHON-CLIENT/10.0.1"),
        ("python-requests/2.32.3 (someone@example.org)", "python-requests/2.32.3"),
        ("curl", "curl"),
        ("(only a comment)", ""),
        ("", ""),
        ("x" * 500, "x" * MAX_PRODUCT_CHARACTERS),
        ("a\x1b[2Jb", "a"),
    ],
)
def test_first_product_of_the_user_agent(user_agent: str, product: str) -> None:
    assert Client.of("192.0.2.1", user_agent) == Client("192.0.2.1", product)
