"""The SMTP door beside a web site, on the same database: what somebody does with a key is seen on its page."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from auth.watches import Watches
from delivery.backlog.pressure import Pressure
from relay import self_signed
from relay.metrics import DoorMetrics
from relay.smtp.listeners import SmtpDoor
from relay.tls import Certificates
from tests.harness.site import DOMAIN, RunningSite


@asynccontextmanager
async def smtp_beside(site: RunningSite, folder: Path) -> AsyncIterator[int]:
    """The port for STARTTLS."""
    parts, listening = site.site, socket.create_server(("127.0.0.1", 0))
    watches = Watches(site.database, parts.now, default_domain=DOMAIN)
    door = SmtpDoor(
        parts.settings.smtp,
        Certificates([self_signed.ensure(folder, "localhost")]).context,
        parts.verifier,
        parts.acceptor,
        DoorMetrics(CollectorRegistry()),
        parts.words,
        parts.throttle,
        watches,
        Pressure(site.database, parts.now),
        sms_domain=f"sms.{DOMAIN}",
    )
    await door.start([listening], [])
    watching = asyncio.create_task(watches.run())
    try:
        yield listening.getsockname()[1]
    finally:
        await door.drain(0.2)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
