"""One call to a service's receiver, and what its answer means."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from enum import StrEnum

import aiohttp

from delivery.callbacks.guard import Forbidden

FORBIDDEN = "forbidden-address"
_ANSWER_BYTES = 64 * 1024  # read so that the receiver can finish, and thrown away


class CallOutcome(StrEnum):
    """How a call ended. The value is also the metric's label."""

    DONE = "done"
    DEFERRED = "deferred"  # tried again later
    FAILED = "failed"  # never again
    REMOVED = "removed"  # without a call: the service has no callback URL any more


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason` is a short code for history and logs, never free text. `called`: it says something of the receiver.

    `cause` is for the log alone, where the service may not know it. `seconds` is how long it took: two that say the
    same are equal.
    """

    outcome: CallOutcome
    reason: str | None = None
    http_status: int | None = None
    retry_after_seconds: float | None = None
    called: bool = True
    cause: str | None = field(default=None, compare=False)
    seconds: float = field(default=0.0, compare=False)


async def post(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> Answer:
    """Sends one body; at most `seconds` for all. Nothing that the receiver does makes it raise."""
    started = time.monotonic()
    answer = await _post(session, url, headers, body, seconds)
    return replace(answer, seconds=round(time.monotonic() - started, 3))


async def _post(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> Answer:
    answer = None
    try:
        async with asyncio.timeout(seconds):
            # A redirect could lead from an address that was checked, and takes the token along.
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                answer = _answer(response)
                await _read_away(response.content)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: what cannot be made a URL or an answer
        return answer or _unanswered(error)  # once the status has come, it says all
    return answer


def _answer(response: aiohttp.ClientResponse) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(CallOutcome.DONE, None, status)
    if status >= 500 or status == 429:  # RFC 6585 4
        retry_after = _seconds(response.headers.get("Retry-After", ""))
        return Answer(CallOutcome.DEFERRED, f"http-{status}", status, retry_after)
    return Answer(CallOutcome.FAILED, f"http-{status}", status)


def _unanswered(error: Exception) -> Answer:
    if isinstance(error, TimeoutError):
        return Answer(CallOutcome.DEFERRED, "timeout")
    if isinstance(error, aiohttp.InvalidURL):
        return Answer(CallOutcome.FAILED, "bad-url")
    forbidden = isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, Forbidden)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        # Told as one that nobody has: else anybody could ask which names our own DNS knows.
        return Answer(CallOutcome.DEFERRED, "dns", cause=FORBIDDEN if forbidden else None)
    if forbidden:  # an address that stands in the URL
        return Answer(CallOutcome.FAILED, FORBIDDEN)
    # A certificate that has ended is renewed, often within the day.
    return Answer(CallOutcome.DEFERRED, "tls" if isinstance(error, aiohttp.ClientSSLError) else "connection")


async def _read_away(content: aiohttp.StreamReader) -> None:
    left = _ANSWER_BYTES
    while left > 0 and (part := await content.read(left)):
        left -= len(part)


def _seconds(retry_after: str) -> float | None:
    """Of a Retry-After field (RFC 9110 10.2.3): seconds or a date; None for anything else."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
