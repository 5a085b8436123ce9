"""What each process of a role does, and which processes a role has.

What prometheus_client touches is imported inside the functions: it picks its multiprocess mode when it is first
imported, and the supervisor has to choose the folder before that.
"""

import asyncio
import contextlib
import gc
import importlib
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import structlog

from auth import processes, service_domains
from auth.domains import names, resolvers
from auth.errors import AuthError
from config.database import OUTAGES
from config.settings import Settings, SettingsError
from relay import allocation
from relay.handover import Plan, Secret
from relay.sockets import Listeners
from relay.supervisor import EXIT_CONFIGURATION, Child, Links
from relay.tls import Certificates
from relay.wiring import load_keyrings, load_letterheads, open_database, secret_keyring

if TYPE_CHECKING:
    from auth.throttle import Throttle
    from auth.verify import Verifier
    from config.words import Words
    from delivery.library.brandings import Brandings
    from delivery.library.templates import Templates
    from delivery.providers.base import Provider
    from delivery.store.contents import Contents
    from delivery.store.searching import Searching
    from relay.accept import Acceptor
    from relay.metrics import DoorMetrics

ROLES = ("all", "smtp", "http", "worker", "feedback")
_PRELOAD = (
    "relay.http.application",
    "relay.http.ops",
    "relay.smtp.listeners",
    "relay.accept",
    "delivery.exit.worker",
    "auth.domains.watch",
    "delivery.callbacks.sender",
    "delivery.feedback.run",
    "delivery.store.attempting",
    "delivery.store.putting",
    "delivery.store.retiring",
    "delivery.store.searching",
    "delivery.store.settling",
    "delivery.providers.ses",
    "relay.http.serving",
    "uvloop",
)
_WEBHOOK_CONNECTIONS = 100  # each may hold half a megabyte
_DRAIN_SECONDS = 14.0  # less than the supervisor waits
_START_SECONDS = 30.0  # a database that goes away while a child starts gets so long to come back

Body = Callable[[asyncio.Event, Callable[[], None]], Awaitable[None]]
Part = Callable[[Settings, asyncio.Event, Callable[[], None]], Awaitable[None]]


def children(plan: Plan, listeners: Listeners, ops: socket.socket, certificates: Certificates | None) -> list[Child]:
    """What the supervisor keeps running for a role; SMTP doors need certificates."""
    settings, role = plan.settings, plan.role
    run_id = random.SystemRandom().randbytes(4).hex()  # our own dead workers' leases end at once, nobody else's do
    found = []

    def keep(name: str, part: Part, *needed: Secret) -> None:
        found.append(Child(name, _main(plan, part, needed)))

    for slot in range(settings.processes):
        if role in ("all", "worker"):
            owner = f"{socket.gethostname()}-{run_id}-{slot}"
            keep(f"worker-{slot}", partial(worker, owner, slot), Secret.SECRET_KEY, Secret.SEALING_KEY, Secret.AWS)
        if certificates is not None:
            mine = Listeners(
                *(each[slot : slot + 1] for each in (listeners.starttls, listeners.tls, listeners.devices))
            )
            keep(f"smtp-{slot}", partial(smtp_door, mine, certificates), Secret.SECRET_KEY)
    for slot, listener in enumerate(listeners.http):
        keep(f"http-{slot}", partial(http_door, listener), Secret.SECRET_KEY)
    if role in ("all", "feedback"):
        keep("feedback-0", partial(feedback, listeners.webhook), Secret.SECRET_KEY, Secret.AWS)
    keep("ops", partial(operations, listeners, ops, certificates))
    return found


def preload() -> None:
    """Imports what the children need, so that a forked one starts in milliseconds."""
    for name in _PRELOAD:
        importlib.import_module(name)


def _main(plan: Plan, part: Part, needed: Collection[Secret]) -> Callable[[Links], int]:
    def main(links: Links) -> int:
        import uvloop

        settings = plan.entrusted(needed)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(live(partial(part, settings), links))

    return main


async def live(body: Body, links: Links) -> int:
    """Runs a child's body until SIGTERM, or until the supervisor is gone. Outages at the start are waited out."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_reader(links.lifeline, _on_supervisor_gone, loop, links.lifeline, stopping)
    log = structlog.get_logger("process")
    deadline = loop.time() + _START_SECONDS
    while True:
        started = False

        def ready() -> None:
            nonlocal started
            started = True
            # What is there now stays to the end, and what a batch under way has made is no garbage yet: looking through
            # either finds nothing.
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 20, 20)
            links.say_ready()

        try:
            await body(stopping, ready)
        except (SettingsError, AuthError) as error:
            log.critical("process.settings", problem=str(error))
            return EXIT_CONFIGURATION
        except OUTAGES as error:
            log.error("process.unavailable", error=type(error).__name__)
            if started or loop.time() > deadline:
                return 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1)
            if stopping.is_set():
                return 0
        else:
            return 0


def _on_supervisor_gone(loop: asyncio.AbstractEventLoop, lifeline: int, stopping: asyncio.Event) -> None:
    loop.remove_reader(lifeline)
    stopping.set()


def _on_renewal(certificates: Certificates) -> None:
    """Reads them anew at the supervisor's SIGHUP, which may be waiting since this process was forked."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, certificates.reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


class DoorParts(NamedTuple):
    """What every door is made of."""

    verifier: "Verifier"
    searching: "Searching"
    contents: "Contents"
    templates: "Templates"
    brandings: "Brandings"
    acceptor: "Acceptor"
    metrics: "DoorMetrics"
    words: "Words"
    throttle: "Throttle"


@asynccontextmanager
async def _open_door(settings: Settings, role: str) -> AsyncIterator[DoorParts]:
    """Parts that never hold the sealing key. What was submitted through them is written when the block ends."""
    from prometheus_client import REGISTRY

    from auth.throttle import Throttle
    from auth.verify import Verifier
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

    keyring, now, domain = secret_keyring(settings), time.time, settings.email.default_domain
    async with open_database(settings) as database, processes.present(database, role, {"secret": keyring}, now):
        verified_only = settings.email.provider != "outbox"
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
        keeping = asyncio.create_task(verifier.run())
        try:
            words = Words.load(f"{settings.http.public_url}smtp")
            yield DoorParts(
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
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def smtp_door(
    listeners: Listeners,
    certificates: Certificates,
    settings: Settings,
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """An SMTP door process."""
    from relay.smtp.listeners import SmtpDoor

    _on_renewal(certificates)
    allocation.keep_large_apart()
    async with _open_door(settings, "smtp") as parts:
        smtp = SmtpDoor(
            settings.smtp,
            certificates.context,
            parts.verifier,
            parts.acceptor,
            parts.metrics,
            parts.words,
            parts.throttle,
        )
        sharing = asyncio.create_task(parts.throttle.run())
        try:
            await smtp.start(listeners.starttls, listeners.tls, listeners.devices)
            ready()
            await stopping.wait()
            await smtp.drain(_DRAIN_SECONDS)
        finally:
            sharing.cancel()
            await asyncio.gather(sharing, return_exceptions=True)


async def http_door(
    listener: socket.socket, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]
) -> None:
    """An HTTP door process."""
    from relay.http.application import application
    from relay.http.serving import serve

    async with _open_door(settings, "http") as parts:
        app = application(
            public_url=settings.http.public_url,
            verifier=parts.verifier,
            throttle=parts.throttle,
            acceptor=parts.acceptor,
            searching=parts.searching,
            contents=parts.contents,
            templates_=parts.templates,
            brandings=parts.brandings,
            metrics=parts.metrics,
            words=parts.words,
            now=time.time,
        )
        sharing = asyncio.create_task(parts.throttle.run())
        ready()
        try:
            await serve(
                app,
                listener,
                stopping,
                max_connections=settings.http.max_connections,
                trusted_proxies=settings.http.trusted_proxies,
                drain_seconds=int(_DRAIN_SECONDS),
            )
        finally:
            sharing.cancel()
            await asyncio.gather(sharing, return_exceptions=True)


async def worker(owner: str, slot: int, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    """A delivery worker process."""
    from prometheus_client import REGISTRY

    from auth.domains.watch import SelectorWatch
    from delivery import retention
    from delivery.exit.rendering import Renderer
    from delivery.exit.signing import Signer
    from delivery.exit.worker import Worker
    from delivery.followers import FOLLOWERS
    from delivery.library.brandings import Brandings
    from delivery.library.templates import Templates
    from delivery.metrics import DeliveryMetrics
    from delivery.providers.simulator import SimulatorProvider
    from delivery.queue.sql import SqlQueue
    from delivery.store.attempting import Attempting
    from delivery.store.contents import Contents
    from delivery.store.retiring import Retiring
    from delivery.store.rows import Codec
    from delivery.store.searching import Searching
    from messages.message import KeyType

    secret, sealing = load_keyrings(settings)
    roots = {"secret": secret, "sealing": sealing}
    async with open_database(settings) as database, processes.present(database, "worker", roots, time.time):
        async with database.write() as connection:
            await names.ensure(connection, sealing, settings.email.default_domain, time.time())
        codec, attempting = Codec(secret), Attempting(database, FOLLOWERS)
        live = await email_provider(settings)
        providers: dict[KeyType, Provider] = dict.fromkeys(KeyType, live) | {KeyType.TEST: SimulatorProvider()}
        work = Worker(
            owner,
            searching=Searching(database, codec),
            contents=Contents(database, codec),
            attempting=attempting,
            queue=SqlQueue(database),
            renderer=Renderer(
                Templates(database, time.time), Brandings(load_letterheads(settings), database, time.time)
            ),
            signer=Signer(database, sealing, settings.email, time.time),
            providers=providers,
            settings=settings.delivery,
            metrics=DeliveryMetrics(REGISTRY),
            now=time.time,
        )
        beside = []  # what one process of a machine does
        if slot == 0:
            beside.append(retention.run(Retiring(database), time.time, stopping))
        if slot == 0 and settings.email.provider == "ses":
            asked = resolvers.configured(settings.dns)
            watch = SelectorWatch(database, asked, settings.email, service_domains.is_used, time.time)
            beside.append(watch.run(stopping))
        tasks = [asyncio.create_task(each) for each in beside]
        ready()
        await work.run(stopping)
        await attempting.drain()
        await asyncio.gather(*tasks, return_exceptions=True)
        await live.close()


async def feedback(
    webhook: tuple[socket.socket, ...], settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Hears what becomes of messages, and tells their services. It never holds the sealing key."""
    from prometheus_client import REGISTRY

    from delivery.callbacks.sender import open_sender
    from delivery.feedback import run
    from delivery.followers import FOLLOWERS
    from delivery.metrics import CallbackMetrics, DeliveryMetrics
    from delivery.store.rows import Codec
    from delivery.store.searching import Searching
    from delivery.store.settling import Settling
    from relay.http.serving import serve

    roots = {"secret": (keyring := secret_keyring(settings))}
    async with open_database(settings) as database, processes.present(database, "feedback", roots, time.time):
        codec, metrics = Codec(keyring), DeliveryMetrics(REGISTRY)
        telling = open_sender(
            f"{socket.gethostname()}-{random.SystemRandom().randbytes(4).hex()}",
            database=database,
            keyring=keyring,
            searching=Searching(database, codec),
            settings=settings.callbacks,
            metrics=CallbackMetrics(REGISTRY),
            now=time.time,
        )
        async with (
            run.open_parts(settings.aws, Settling(database, codec, FOLLOWERS), metrics, time.time) as parts,
            telling as sender,
        ):
            ready()
            async with asyncio.TaskGroup() as group:
                group.create_task(sender.run(stopping))
                for part in parts.running:
                    group.create_task(part(stopping))
                for listener in webhook:
                    group.create_task(serve(parts.webhook, listener, stopping, max_connections=_WEBHOOK_CONNECTIONS))


async def email_provider(settings: Settings) -> "Provider":
    """Where live and team keys' mail goes."""
    if settings.email.provider == "ses":
        from delivery.providers.ses import open_provider

        return await open_provider(settings.aws, settings.delivery.concurrency)
    from delivery.providers.outbox import OutboxProvider

    return OutboxProvider(settings.outbox.dir)


async def operations(
    listeners: Listeners,
    listener: socket.socket,
    certificates: Certificates | None,
    settings: Settings,
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """The ops endpoints of this machine: probes, and the metrics of all its processes together."""
    from delivery.queue.sql import SqlQueue
    from relay.http.ops import Check, application
    from relay.http.serving import serve
    from relay.http.snapshot import Snapshot

    if certificates is not None:
        _on_renewal(certificates)
    async with open_database(settings) as database:

        async def health(now: float) -> dict[str, names.Health]:
            async with database.read() as connection:
                return await names.health(connection, service_domains.used(), settings.email, now)

        snapshot = Snapshot(
            database,
            SqlQueue(database).depth,
            health,
            time.time,
            certificate_ends=None if certificates is None else certificates.ends_at,
        )
        greeting = [socket_.getsockname() for socket_ in listeners.starttls[:1]]
        answering = [socket_.getsockname() for socket_ in listeners.http[:1]]
        checks: dict[str, Check] = {
            "database": snapshot.database_ready,
            "smtp": lambda: snapshot.smtp_ready(greeting),
            "http": lambda: snapshot.http_ready(answering),
        }
        app = application(checks, snapshot.measure)
        ready()
        await serve(app, listener, stopping)
