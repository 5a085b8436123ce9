"""Checks an AWS signature (SigV4), as the fake of AWS needs it."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from tests.fakes.trouble import Rejection

ACCESS_KEY = "AKIDTESTTESTTEST"
SECRET_KEY = "test-secret-key"
REGION = "ca-central-1"
MAX_SKEW_SECONDS = 15 * 60

_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(\S+?), SignedHeaders=(\S+?), Signature=([0-9a-f]{64})")


def unauthorised(
    method: str, path: str, headers: dict[str, str], body: bytes, service: str = "ses"
) -> Rejection | None:
    """Why this request is not signed by the account's key; None if it is."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if not match:
        return Rejection("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    access_key, day, *scope = match[1].split("/")
    if access_key != ACCESS_KEY:
        return Rejection("UnrecognizedClientException", "The security token is invalid.", 403)
    stamp = headers.get("x-amz-date", "")
    signed = match[2].split(";")
    names_ok = {"host", "x-amz-date"} <= set(signed)
    if scope != [REGION, service, "aws4_request"] or not names_ok or not stamp.startswith(day):
        return Rejection("InvalidSignatureException", "Credential should be scoped correctly.", 403)
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs((datetime.now(UTC) - at).total_seconds()) > MAX_SKEW_SECONDS:
        return Rejection("InvalidSignatureException", f"Signature expired: {stamp}", 403)
    fields = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed)
    path, _, query = path.partition("?")
    asked = "&".join(sorted(query.split("&")))  # encoded as it is signed
    canonical = (
        f"{method}\n{quote(path, safe='/-_.~')}\n{asked}\n{fields}\n{match[2]}\n{hashlib.sha256(body).hexdigest()}"
    )
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{'/'.join(scope)}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    if not hmac.compare_digest(_hmac(_signing_key(day, service), text).hex(), match[3]):
        return Rejection("InvalidSignatureException", "The request signature does not match.", 403)
    return None


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache(maxsize=6)
def _signing_key(day: str, service: str) -> bytes:
    key = ("AWS4" + SECRET_KEY).encode()
    for part in (day, REGION, service, "aws4_request"):
        key = _hmac(key, part)
    return key
