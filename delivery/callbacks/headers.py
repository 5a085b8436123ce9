"""The headers of a call to a service, which prove who calls. Pure.

A receiver checks `X-Notify-Signature` over the timestamp and the very octets of the body, refuses an old timestamp, and
drops what it was told before by `X-Notify-Callback-Id`.
"""

import hmac
from collections.abc import Mapping
from uuid import UUID


def headers(callback_id: UUID, body: bytes, bearer_token: str, secret: bytes, now: float) -> Mapping[str, str]:
    """`now` is the time of this attempt, in seconds since the epoch."""
    seconds = str(int(now))
    return {
        "Authorization": f"Bearer {bearer_token}",  # RFC 6750 2.1
        "Content-Type": "application/json",
        "User-Agent": "notify-relay",
        "X-Notify-Callback-Id": str(callback_id),
        "X-Notify-Timestamp": seconds,
        "X-Notify-Signature": f"v1={signature(secret, seconds, body)}",
    }


def signature(secret: bytes, seconds: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104), hexadecimal. The timestamp is part of it: a recorded call can not be sent again later."""
    return hmac.digest(secret, seconds.encode() + b"." + body, "sha256").hex()
