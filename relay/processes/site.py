"""A process of the web site."""

import asyncio
import time
from collections.abc import Callable

from config.settings import Settings
from delivery.figures.reading import CountReader
from delivery.store.listing import Listing
from delivery.store.rows import Codec
from delivery.store.totals import Totals
from relay.actions.sent_content import SentContent
from relay.journal import Journal
from relay.pace import Pace
from relay.processes.doors import DoorParts, open_door
from relay.processes.life import DRAIN_SECONDS, Place
from relay.processes.roles import SITE
from relay.serving import serve
from relay.site.application import application
from relay.site.dashboard.live import Live
from relay.site.parts import Site
from relay.site.people import Accounts
from relay.site.public.activity import MONTHS
from relay.site.remembered import Remembered
from relay.site.sweeping import Sweeping
from relay.wiring import secret_keyring

_ACTIVITY_SECONDS = 3600.0


async def run(place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    (listener,) = place.mine(SITE)
    async with open_door(settings, "site") as parts:
        site = site_of(parts, settings)
        sweeping = asyncio.create_task(Sweeping(parts.database, time.time).run())
        watching = asyncio.create_task(site.live.run(stopping))
        ready()
        try:
            await serve(
                application(site),
                listener,
                stopping,
                max_connections=settings.site.max_connections,
                trusted_proxies=settings.site.trusted_proxies,
                drain_seconds=int(DRAIN_SECONDS),
            )
        finally:
            await site.later.drain()
            sweeping.cancel()
            await asyncio.gather(sweeping, watching, return_exceptions=True)


def site_of(parts: DoorParts, settings: Settings) -> Site:
    secret = secret_keyring(settings)
    return Site(
        database=parts.database,
        settings=settings,
        secret=secret,
        words=parts.words,
        verifier=parts.verifier,
        throttle=parts.throttle,
        acceptor=parts.acceptor,
        searching=parts.searching,
        listing=Listing(parts.database, Codec(secret)),
        sent=SentContent(parts.contents, parts.templates, parts.brandings),
        templates=parts.templates,
        brandings=parts.brandings,
        senders=parts.senders,
        people=Accounts(secret),
        journal=Journal(parts.metrics),
        activity=Remembered(lambda: Totals(parts.database).read(MONTHS, time.time()), _ACTIVITY_SECONDS, time.time),
        counts=CountReader(parts.database),
        live=Live(parts.database, parts.words, time.time),
        pace=Pace(time.time),
        now=time.time,
    )
