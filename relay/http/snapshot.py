"""What the ops endpoints measure when asked: readiness, queue, domains (one query each, not one per process)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from prometheus_client.core import Metric

from auth.domains.names import Health
from config.database import OUTAGES, Database
from messages.message import Lane
from relay.http.ops import Labels, gauge

if TYPE_CHECKING:
    from delivery.queue.base import Depth
    from delivery.rate.bucket import Bucket

_PROBE_SECONDS = 2.0


class Snapshot:
    """`depth` asks the queue, `health` how it stands with domains; `now` gives seconds since the epoch.

    `rate` gives what mail's provider grants, None where it takes all that comes. `certificate_ends` gives the end of
    what the listeners serve, which the files on disk may not be yet; None where nothing is served.
    """

    def __init__(
        self,
        database: Database,
        depth: "Callable[[float], Awaitable[Mapping[Lane, Depth]]]",
        health: Callable[[float], Awaitable[Mapping[str, Health]]],
        rate: "Callable[[], Awaitable[Bucket | None]]",
        now: Callable[[], float],
        *,
        certificate_ends: Callable[[], datetime] | None,
    ) -> None:
        self._database = database
        self._depth = depth
        self._health = health
        self._certificate_ends = certificate_ends
        self._now = now
        self._rate = rate

    async def database_ready(self) -> str | None:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._database.ping()
        except OUTAGES:
            return "does not answer"
        return None

    async def smtp_ready(self, addresses: Sequence[Any]) -> str | None:
        """Whether each address greets with 220."""
        for host, port, *_ in addresses:
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    reader, writer = await asyncio.open_connection(host, port)
                    greeting = await reader.readline()
                    writer.write(b"QUIT\r\n")
                    writer.close()
            except OSError:
                return "does not answer"
            if not greeting.startswith(b"220"):
                return "does not greet"
        return None

    async def http_ready(self, addresses: Sequence[Any]) -> str | None:
        """Whether each address answers a request."""
        for host, port, *_ in addresses:
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    reader, writer = await asyncio.open_connection(host, port)
                    # Of no page: it costs nothing, and the answer is ours.
                    writer.write(b"HEAD /readyz HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n")
                    answer = await reader.readline()
                    writer.close()
            except OSError:
                return "does not answer"
            if not answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 421 ")):
                return "does not serve"
        return None

    async def measure(self) -> Iterable[Metric]:
        """Build, certificate, queue and domain gauges; what the database knows is left out while it is away."""
        build: dict[Labels, float] = {(("version", version("notify-relay")),): 1.0}
        found = [gauge("relay_build_info", "The running version", build)]
        if self._certificate_ends is not None:
            text = "When the first of the SMTP listeners' certificates ends, seconds since the epoch"
            found.append(gauge("relay_certificate_expires_at", text, {(): self._certificate_ends().timestamp()}))
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                depths, health = await self._depth(self._now()), await self._health(self._now())
                rate = await self._rate()
        except OUTAGES:
            return found
        return [*found, *_queue(depths), *_domains(health), *(_rate(rate, self._now()) if rate else ())]


def _queue(depths: "Mapping[Lane, Depth]") -> list[Metric]:
    lanes: dict[Lane, Labels] = {lane: (("lane", lane.value),) for lane in Lane}
    waiting = {lanes[lane]: float(depths[lane].waiting) for lane in Lane}
    oldest = {lanes[lane]: depths[lane].oldest_seconds for lane in Lane}
    return [
        gauge("delivery_queue_depth", "Messages due and not yet claimed", waiting),
        gauge("delivery_queue_oldest_seconds", "How long the oldest of them has been due", oldest),
    ]


def _rate(bucket: "Bucket", now: float) -> list[Metric]:
    found = [
        gauge("delivery_rate_granted", "Emails a second that the provider takes, as it says", {(): bucket.granted}),
        gauge("delivery_rate_allowed", "Of them, after what it turned away", {(): bucket.allowed}),
        gauge("delivery_rate_used", "Emails a second that were handed to it", {(): bucket.used_at(now)}),
    ]
    if bucket.left is not None:
        found.append(gauge("delivery_quota", "Emails that it takes in 24 hours, as it says", {(): bucket.quota or 0.0}))
        found.append(gauge("delivery_quota_left", "Of them, those that it takes yet", {(): bucket.left}))
    return found


def _domains(health: Mapping[str, Health]) -> list[Metric]:
    labels: dict[str, Labels] = {name: (("domain", name),) for name in health}
    ready = {labels[name]: float(each.ready) for name, each in health.items()}
    checked_at = {labels[name]: each.checked_at or 0.0 for name, each in health.items()}
    text = "When resolvers last answered about its keys, or it was made, seconds since the epoch; 0: nobody asks"
    return [
        gauge("relay_domain_ready", "Whether a key signs that was not found missing", ready),
        gauge("relay_domain_checked_at", text, checked_at),
    ]
