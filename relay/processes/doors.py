"""What the doors have in common."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from prometheus_client import REGISTRY

from auth.throttle import Throttle
from auth.verify import Verifier
from config.database import Database
from config.settings import Settings
from config.words import Words
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from delivery.store.contents import Contents
from delivery.store.idempotency import Idempotency
from delivery.store.putting import Putting
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from relay.accept import Acceptor
from relay.metrics import DoorMetrics
from relay.preparation import Preparer
from relay.wiring import announced, load_letterheads, open_database, secret_keyring


class DoorParts(NamedTuple):
    """What every door is made of."""

    database: Database
    verifier: Verifier
    searching: Searching
    contents: Contents
    templates: Templates
    brandings: Brandings
    acceptor: Acceptor
    metrics: DoorMetrics
    words: Words
    throttle: Throttle


@asynccontextmanager
async def open_door(settings: Settings, role: str) -> AsyncIterator[DoorParts]:
    """Parts that never hold the sealing key. What was submitted through them is written when the block ends."""
    keyring, now, domain = secret_keyring(settings), time.time, settings.email.default_domain
    async with open_database(settings) as database, announced(settings, database, role):
        verified_only = settings.email.traits.needs_verified_domains
        verifier = Verifier(database, keyring, now, settings.limits, default_domain=domain, verified_only=verified_only)
        throttle = Throttle(database, keyring, now, default_domain=domain)
        codec, templates = Codec(keyring), Templates(database, now)
        putting, searching = Putting(database, codec), Searching(database, codec)
        brandings = Brandings(load_letterheads(settings), database, now)
        preparer = Preparer(brandings, templates, settings.smtp.max_message_bytes)
        acceptor = Acceptor(
            putting,
            Idempotency(database, codec),
            searching,
            verifier,
            preparer,
            max_recipients=settings.smtp.max_recipients,
            now=now,
        )
        beside = [asyncio.create_task(each) for each in (verifier.run(), throttle.run())]
        try:
            words = Words.load(f"{settings.http.public_url}smtp")
            yield DoorParts(
                database,
                verifier,
                searching,
                Contents(database, codec),
                templates,
                brandings,
                acceptor,
                DoorMetrics(REGISTRY),
                words,
                throttle,
            )
            await putting.drain()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
