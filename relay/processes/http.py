"""An HTTP door process."""

import asyncio
import time
from collections.abc import Callable

from config.settings import Settings
from relay.http.application import application
from relay.http.errors import refusals
from relay.processes.doors import open_door
from relay.processes.life import DRAIN_SECONDS, Place
from relay.processes.roles import HTTP
from relay.serving import serve
from relay.wiring import secret_keyring


async def run(place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    (listener,) = place.mine(HTTP)
    async with open_door(settings, "http") as parts:
        app = application(
            public_url=settings.http.public_url,
            sms_domain=settings.email.sms_domain,
            verifier=parts.verifier,
            throttle=parts.throttle,
            acceptor=parts.acceptor,
            pressure=parts.pressure,
            searching=parts.searching,
            contents=parts.contents,
            received_=parts.received,
            templates_=parts.templates,
            brandings=parts.brandings,
            senders=parts.senders,
            contacts=parts.contacts,
            database=parts.database,
            settings=settings,
            secret=secret_keyring(settings),
            feed=parts.feed,
            metrics=parts.metrics,
            words=parts.words,
            now=time.time,
        )
        ready()
        await serve(
            app,
            listener,
            stopping,
            max_connections=settings.http.max_connections,
            trusted_proxies=settings.http.trusted_proxies,
            drain_seconds=int(DRAIN_SECONDS),
            refusals=refusals(),
        )
