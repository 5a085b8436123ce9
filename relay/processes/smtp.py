"""An SMTP door process."""

import asyncio
import time
from collections.abc import Callable

from auth.watches import Watches
from config.settings import Settings
from relay.processes import allocation
from relay.processes.doors import open_door
from relay.processes.life import DRAIN_SECONDS, Place, hear_renewals
from relay.processes.roles import DEVICES, STARTTLS, TLS
from relay.smtp.listeners import SmtpDoor


async def run(place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    assert place.certificates is not None
    hear_renewals(place.certificates)
    allocation.keep_large_apart()
    async with open_door(settings, "smtp") as parts:
        watches = Watches(parts.database, time.time, default_domain=settings.email.default_domain)
        smtp = SmtpDoor(
            settings.smtp,
            place.certificates.context,
            parts.verifier,
            parts.acceptor,
            parts.metrics,
            parts.words,
            parts.throttle,
            watches,
            parts.pressure,
            sms_domain=settings.email.sms_domain,
        )
        await smtp.start(place.mine(STARTTLS), place.mine(TLS), place.mine(DEVICES))
        watching = asyncio.create_task(watches.run())
        ready()
        await stopping.wait()
        await smtp.drain(DRAIN_SECONDS)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
