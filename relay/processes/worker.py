"""A delivery worker process."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from prometheus_client import REGISTRY

from auth import service_domains
from auth.domains import names, resolvers
from auth.domains.watch import SelectorWatch
from config.database import Database
from config.settings import Settings
from config.words import Words
from delivery import retention
from delivery.exit.calls import Calls
from delivery.exit.expiring import Expiring
from delivery.exit.noticing import Notices
from delivery.exit.origin import Origins
from delivery.exit.pace import Pace
from delivery.exit.rate import Rate
from delivery.exit.recording import Recording
from delivery.exit.rendering import Renderer
from delivery.exit.sealing import EmailSealing, SmsSealing
from delivery.exit.signing import Signer
from delivery.exit.worker import Worker
from delivery.figures import upkeep
from delivery.figures.folding import Folding
from delivery.followers import followers
from delivery.library.brandings import Brandings
from delivery.library.origination import OriginationIdentities
from delivery.library.templates import Templates
from delivery.metrics import DeliveryMetrics
from delivery.providers.table import Providers, open_providers
from delivery.queue.lines import Lines
from delivery.queue.selecting import Selecting
from delivery.queue.sql import SqlQueue
from delivery.rate import shared
from delivery.rate.asking import Asking
from delivery.rate.queue import RatedQueue
from delivery.store.attempting import Attempting
from delivery.store.contents import Contents
from delivery.store.retiring import Retiring
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from delivery.store.suppressed import Suppressions
from messages.message import Channel, KeyType
from relay.processes.life import Place
from relay.wiring import announced, load_keyrings, load_letterheads, open_database, open_ses


async def run(place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    secret, sealing = load_keyrings(settings)
    async with (
        open_database(settings) as database,
        announced(settings, database, "worker", sealing=True),
        open_providers(settings) as providers,
    ):
        async with database.write() as connection:
            await names.ensure(connection, sealing, settings.email.default_domain, time.time())
        codec, attempting = Codec(secret), Attempting(database, followers(secret))
        searching, metrics = Searching(database, codec), DeliveryMetrics(REGISTRY)
        renderer = Renderer(Templates(database, time.time), Brandings(load_letterheads(settings), database, time.time))
        signer = Signer(database, sealing, settings.email, time.time)
        contents, words = Contents(database, codec), Words.load()
        notices = Notices(searching, contents, words, settings.smtp.hostname, settings.email.sms_domain)
        one_in = settings.delivery.verify_one_in
        email = EmailSealing(renderer, notices, signer, searching, metrics, verify_one_in=one_in)
        identities = OriginationIdentities(database, time.time)
        delivery = settings.delivery
        lines, texts = Lines(database), providers[Channel.SMS, KeyType.NORMAL]
        at_once, lease_seconds = delivery.concurrency, delivery.lease_seconds
        pace = Pace(lines, identities, at_once, lease_seconds, time.time, texts.greet)
        account = shared.account_of(settings)
        rated = RatedQueue(database, account) if account else None
        work = Worker(
            f"{socket.gethostname()}-{place.run_id}-{place.slot}",
            searching=searching,
            contents=contents,
            attempting=attempting,
            suppressions=Suppressions(database, secret, time.time),
            queue=rated or SqlQueue(database),
            calls=Calls(place.left),
            sealing={Channel.EMAIL: email, Channel.SMS: SmsSealing()},
            providers=providers,
            settings=settings.delivery,
            metrics=metrics,
            now=time.time,
            pace=pace if settings.sms.traits.asks_aws else None,
            rate=Rate(rated) if rated else None,
            origins=Origins(identities),
        )
        recording = Recording(attempting, None, metrics)
        wait_seconds, selecting = settings.delivery.unknown_wait_seconds, Selecting(database, secret)
        expiring = Expiring(database, selecting, searching, recording, wait_seconds, time.time)
        beside = _once(settings, database, expiring, stopping) if place.slot == 0 else ()
        tasks = [asyncio.create_task(each) for each in beside]
        ready()
        if account:
            asking = Asking(database, account, partial(open_ses, settings), time.time)
            await _ask_and_greet(asking, providers)
            tasks.append(asyncio.create_task(asking.run(stopping)))
        await work.run(stopping)
        await attempting.drain()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask_and_greet(asking: Asking, providers: Providers) -> None:
    """Else the first messages come too fast; or late, and together with those behind them."""
    await asking.first()
    await providers[Channel.EMAIL, KeyType.NORMAL].greet()


def _once(
    settings: Settings, database: Database, expiring: Expiring, stopping: asyncio.Event
) -> Iterator[Coroutine[Any, Any, None]]:
    """What one process of a machine does beside its work."""
    yield expiring.run(stopping)
    yield retention.run(Retiring(database), time.time, stopping)
    yield upkeep.run(Folding(database), time.time, stopping)
    if settings.email.traits.needs_verified_domains:
        asked = resolvers.configured(settings.dns)
        yield SelectorWatch(database, asked, settings.email, service_domains.is_used, time.time).run(stopping)
