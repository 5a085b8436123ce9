"""Hears what becomes of messages, and tells their services. It never holds the sealing key."""

import asyncio
import random
import socket
import time
from collections.abc import Callable
from functools import partial

from prometheus_client import REGISTRY

from config.settings import Settings
from delivery.callbacks.owner import inform_owner
from delivery.callbacks.sender import open_sender
from delivery.callbacks.sources import Sources
from delivery.callbacks.telling import tell_inbound
from delivery.feedback import run as hearing
from delivery.feedback import upkeep
from delivery.feedback.answering import note_answer
from delivery.feedback.pools import SECONDS as POOLS_SECONDS
from delivery.feedback.pools import Pools
from delivery.followers import followers
from delivery.guard import run as guarding
from delivery.guard.pace_of_keys import KeyGuard
from delivery.guard.reputation import ReputationGuard
from delivery.guard.tenants import TenantGuard
from delivery.library import origination
from delivery.metrics import CallbackMetrics, DeliveryMetrics, GuardMetrics
from delivery.store.inbound import Received, Receiving
from delivery.store.mail_answers import Answering
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from delivery.store.settling import Settling
from delivery.suppression.list_at_ses import ListAtSes
from relay.processes.life import Place
from relay.processes.roles import WEBHOOK
from relay.serving import serve
from relay.wiring import announced, open_database, open_ses, secret_keyring

_WEBHOOK_CONNECTIONS = 100  # each may hold half a megabyte


async def run(place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    keyring = secret_keyring(settings)
    async with open_database(settings) as database, announced(settings, database, "feedback"):
        codec, metrics = Codec(keyring), DeliveryMetrics(REGISTRY)
        telling = open_sender(
            f"{socket.gethostname()}-{random.SystemRandom().randbytes(4).hex()}",
            database=database,
            keyring=keyring,
            sources=Sources(Searching(database, codec), Received(database, keyring)),
            settings=settings.callbacks,
            metrics=CallbackMetrics(REGISTRY),
            now=time.time,
            inform=inform_owner,
        )
        async with (
            hearing.open_parts(
                settings.aws,
                Settling(database, codec, followers(keyring)),
                Receiving(
                    database,
                    keyring,
                    origination.owners,
                    tell=[tell_inbound],
                    managed=origination.self_managed,
                    answer=[note_answer],
                ),
                Answering(database, keyring),
                metrics,
                time.time,
            ) as parts,
            telling as sender,
        ):
            opened = partial(open_ses, settings) if settings.email.traits.suppresses else None
            judged = GuardMetrics(REGISTRY)
            guard, pace = ReputationGuard(database, judged, time.time), KeyGuard(database, judged, time.time)
            steps = [guard.step, pace.step]
            if settings.aws.tenant_prefix is not None and settings.email.traits.suppresses:
                prefix = settings.aws.tenant_prefix
                steps.append(TenantGuard(database, partial(open_ses, settings), prefix, time.time).step)
            in_step = ListAtSes(database, keyring, opened, time.time)
            ready()
            async with asyncio.TaskGroup() as group:
                group.create_task(sender.run(stopping))
                group.create_task(in_step.run(stopping))
                group.create_task(guarding.run(database, steps, stopping))
                if settings.sms.traits.asks_aws:
                    pools = Pools(database, settings.aws, settings.sms)
                    group.create_task(upkeep.repeat(pools.read, POOLS_SECONDS, stopping))
                for part in parts.running:
                    group.create_task(part(stopping))
                for listener in place.mine(WEBHOOK):
                    group.create_task(serve(parts.webhook, listener, stopping, max_connections=_WEBHOOK_CONNECTIONS))
