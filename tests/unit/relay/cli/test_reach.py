"""What `check` warns of about the public URL."""

import asyncio
import socket
from typing import Any

import pytest

from relay.cli import reach


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver of this machine that knows two names."""
    known = {"api.example.ca": "198.41.0.4", "inner.example.ca": "10.1.2.3"}

    def look(host: str, *_: Any, **__: Any) -> list[Any]:
        address = known.get(host, host if host[:1].isdigit() else None)
        if address is None:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.example.ca/", None),
        ("https://198.41.0.4:8443/", None),
        ("http://api.example.ca/", "has no TLS"),
        ("http://127.0.0.1:8080/", "is this machine alone"),
        ("https://localhost/", "is this machine alone"),
        ("https://relay.localhost/", "is this machine alone"),
        ("https://[::1]/", "is this machine alone"),
        ("https://0.0.0.0/", "is this machine alone"),
        ("https://inner.example.ca/", "leads to a private address"),
        ("http://192.168.1.2/", "leads to a private address"),
        ("https://typo.example.ca/", "is not found"),
    ],
)
def test_who_cannot_reach_it_is_told(url: str, words: str | None) -> None:
    warning = asyncio.run(reach.warning(url))
    assert (warning is None) == (words is None)
    assert words is None or words in str(warning)
