"""The ops endpoints of this machine: probes, and the metrics of all its processes together."""

import asyncio
import time
from collections.abc import Callable

from auth import service_domains
from auth.domains import names
from config.settings import Settings
from delivery.queue.sql import SqlQueue
from delivery.rate import shared
from delivery.rate.bucket import Bucket
from relay.http.ops import Check, application
from relay.http.snapshot import Snapshot
from relay.processes.life import Place, hear_renewals
from relay.processes.roles import HTTP, METRICS, SITE, STARTTLS
from relay.serving import serve
from relay.wiring import open_database


async def run(place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    (listener,) = place.mine(METRICS)
    if place.certificates is not None:
        hear_renewals(place.certificates)
    async with open_database(settings) as database:

        async def health(now: float) -> dict[str, names.Health]:
            async with database.read() as connection:
                return await names.health(connection, service_domains.used(), settings.email, now)

        account = shared.account_of(settings)

        async def rate() -> Bucket | None:
            return await shared.find(database, account) if account else None

        snapshot = Snapshot(
            database,
            SqlQueue(database).depth,
            health,
            rate,
            time.time,
            certificate_ends=None if place.certificates is None else place.certificates.ends_at,
        )
        greeting, answering, showing = (
            [each.getsockname() for each in place.mine(port)] for port in (STARTTLS, HTTP, SITE)
        )
        checks: dict[str, Check] = {
            "database": snapshot.database_ready,
            "smtp": lambda: snapshot.smtp_ready(greeting),
            "http": lambda: snapshot.http_ready(answering),
            "site": lambda: snapshot.http_ready(showing),
        }
        ready()
        await serve(application(checks, snapshot.measure), listener, stopping)
