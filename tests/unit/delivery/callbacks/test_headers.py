"""How a service knows that we told it."""

import hashlib
from uuid import UUID

import pytest

from delivery.callbacks.headers import headers, signature

CALLBACK = UUID(int=7)


def hmac_of_rfc_2104(key: bytes, text: bytes) -> str:
    """Written from the RFC: keys here are shorter than the block of 64 octets."""
    inner, outer = (bytes(octet ^ pad for octet in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + text).digest()).hexdigest()


def test_signature_is_the_hmac_of_timestamp_dot_body() -> None:
    secret, octets = bytes(range(32)), '{"reference": "é"}'.encode()
    sent = headers(CALLBACK, octets, "token-of-theirs", secret, 1_790_000_100.9)
    assert sent["X-Notify-Timestamp"] == "1790000100"
    assert sent["X-Notify-Signature"] == "v1=" + hmac_of_rfc_2104(secret, b"1790000100." + octets)


@pytest.mark.parametrize("change", [(b"x" * 32, "1", b"{}"), (b"s" * 32, "2", b"{}"), (b"s" * 32, "1", b"[]")])
def test_signature_depends_on_secret_time_and_body(change: tuple[bytes, str, bytes]) -> None:
    assert signature(*change) != signature(b"s" * 32, "1", b"{}")


def test_headers_name_the_callback_the_sender_and_the_token() -> None:
    sent = headers(CALLBACK, b"{}", "token-of-theirs", b"s" * 32, 1_790_000_000)
    assert sent["Authorization"] == "Bearer token-of-theirs"
    assert sent["Content-Type"] == "application/json"
    assert sent["User-Agent"] == "notify-relay"
    assert sent["X-Notify-Callback-Id"] == str(CALLBACK)
