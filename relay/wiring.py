"""Where settings become parts: the only place that builds engines, clients and servers, and joins them.

What prometheus_client touches is imported inside the functions: it picks its multiprocess mode when it is first
imported, and the supervisor has to choose the folder before that.
"""

import asyncio
import contextlib
import importlib
import random
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from auth import domains, roots
from auth.errors import AuthError
from config.database import OUTAGES, Database
from config.keyring import Keyring, KeyringError
from config.settings import PREFIX, Settings, SettingsError
from delivery import schema
from relay import certificate, private
from relay.sockets import Listeners
from relay.supervisor import EXIT_CONFIGURATION, Child, Links

if TYPE_CHECKING:
    from delivery.providers.base import Provider

ROLES = ("all", "smtp", "worker")
_PRELOAD = ("relay.http.ops", "relay.smtp.listeners", "relay.accept", "delivery.worker", "uvicorn", "uvloop")
_DRAIN_SECONDS = 14.0  # less than the supervisor waits
_START_SECONDS = 30.0  # a database that goes away while a child starts gets so long to come back

Body = Callable[[asyncio.Event, Callable[[], None]], Awaitable[None]]


# -- Secrets, database, certificate ----------------------------------------------------------------------------------


def secret_keyring(settings: Settings) -> Keyring:
    """The root of key secrets and contents. Raises SettingsError."""
    given = settings.secret_key.get_secret_value() if settings.secret_key else None
    return _keyring(settings, "SECRET_KEY", given, "secret.key")


def sealing_keyring(settings: Settings) -> Keyring:
    """The root of DKIM private keys: workers and domain commands only. Raises SettingsError."""
    given = settings.sealing_key.get_secret_value() if settings.sealing_key else None
    return _keyring(settings, "SEALING_KEY", given, "sealing.key")


def load_keyrings(settings: Settings) -> tuple[Keyring, Keyring]:
    """Secret and sealing keyring."""
    return secret_keyring(settings), sealing_keyring(settings)


def _keyring(settings: Settings, name: str, given: str | None, file_name: str) -> Keyring:
    try:
        if given is None:
            given = _made_on_first_start(settings, PREFIX + name, settings.state_dir / file_name)
        return Keyring.parse(given)
    except KeyringError as error:
        raise SettingsError(f"{PREFIX}{name}: {error}") from None


def _made_on_first_start(settings: Settings, name: str, path: Path) -> str:
    if not path.exists() and not settings.is_sqlite:
        # Several machines on one PostgreSQL must share it: a key made here would lock the others out.
        raise SettingsError(
            f"{name} is not set: base64 of 32 random octets, the same for every process on this database"
        )
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # another process was quicker
            private.write_new(path, Keyring.generate().encode() + b"\n")
    return path.read_text().strip()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, with the newest schema on SQLite. Raises SettingsError when PostgreSQL's is older."""
    database = Database(settings.database_url)
    try:
        if not await schema.is_current(database):
            if not settings.is_sqlite:
                raise SettingsError("the database's schema is not this version's: run `notify-relay db upgrade`")
            await schema.upgrade(database)
        yield database
    finally:
        await database.close()


async def unproved_roots(settings: Settings, database: Database, *, sealing: bool = True) -> dict[str, Keyring]:
    """The root secrets of which the database holds no proof, or an older one. A read.

    Raises SettingsError when it was made with others.
    """
    keyrings = {"secret": secret_keyring(settings)} | ({"sealing": sealing_keyring(settings)} if sealing else {})
    async with database.read() as connection:
        proofs = await roots.load(connection)
    found = {}
    for name, keyring in keyrings.items():
        with _naming(name):
            if name not in proofs or not roots.is_current(name, keyring, proofs[name]):
                found[name] = keyring
    return found


async def check_roots(settings: Settings, database: Database, *, sealing: bool = True) -> None:
    """Leaves proofs where they are missing.

    Raises SettingsError when the root secrets are not those that this database was made with.
    """
    for name, keyring in (await unproved_roots(settings, database, sealing=sealing)).items():
        with _naming(name):
            async with database.write() as connection:
                await roots.leave(connection, name, keyring)


@contextlib.contextmanager
def _naming(root: str) -> Iterator[None]:
    try:
        yield
    except KeyringError as error:
        raise SettingsError(f"{PREFIX}{root.upper()}_KEY: {error}") from None


def _certificate_files(settings: Settings) -> tuple[Path, Path]:
    """Certificate and key of the SMTP listeners; made by ourselves where none is set. Raises SettingsError."""
    tls = settings.tls
    if (tls.cert_file is None) != (tls.key_file is None):
        raise SettingsError(f"{PREFIX}TLS__CERT_FILE and {PREFIX}TLS__KEY_FILE belong together: set both or neither")
    if tls.cert_file is None or tls.key_file is None:
        return certificate.ensure(settings.state_dir, settings.smtp.hostname)
    return tls.cert_file, tls.key_file


def load_certificate(settings: Settings) -> tuple[ssl.SSLContext, datetime]:
    """What the SMTP listeners serve, and when its certificate ends. Raises SettingsError when it cannot be used."""
    from relay.smtp import listeners

    cert_file, key_file = _certificate_files(settings)
    try:
        return listeners.tls_context(cert_file, key_file), certificate.expires_at(cert_file)
    except (OSError, ValueError):  # an ssl.SSLError is an OSError
        raise SettingsError(
            f"{PREFIX}TLS__CERT_FILE: no certificate and matching key in {cert_file}, {key_file}"
        ) from None


# -- Processes -------------------------------------------------------------------------------------------------------


def children(settings: Settings, role: str, listeners: Listeners, ops: socket.socket) -> list[Child]:
    """What the supervisor keeps running for a role. Raises SettingsError when the certificate cannot be used."""
    # Read once, here: a door that is replaced in the middle of a renewal would find half of it. And it resumes the
    # TLS sessions of the others.
    tls, ends = load_certificate(settings) if role != "worker" else (None, None)
    run_id = random.SystemRandom().randbytes(4).hex()  # our own dead workers' leases end at once, nobody else's do
    found = []
    for slot in range(settings.processes):
        if role in ("all", "worker"):
            owner = f"{socket.gethostname()}-{run_id}-{slot}"
            found.append(Child(f"worker-{slot}", _main(partial(worker, settings, owner, slot))))
        if tls is not None:
            mine = Listeners(listeners.starttls[slot : slot + 1], listeners.tls[slot : slot + 1])
            found.append(Child(f"smtp-{slot}", _main(partial(door, settings, mine, tls))))
    found.append(Child("ops", _main(partial(operations, settings, listeners, ops, ends))))
    return found


def preload() -> None:
    """Imports what the children need, so that a forked one starts in milliseconds."""
    for name in (*_PRELOAD, *(["delivery.providers.ses"])):
        importlib.import_module(name)


def _main(body: Body) -> Callable[[Links], int]:
    def main(links: Links) -> int:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(live(body, links))

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


async def door(
    settings: Settings,
    listeners: Listeners,
    tls: ssl.SSLContext,
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """An SMTP door process. It never holds the sealing key."""
    from prometheus_client import REGISTRY

    from auth.verify import Verifier
    from delivery.brandings import Brandings
    from delivery.store.sql import SqlStore
    from relay.accept import Acceptor
    from relay.metrics import DoorMetrics
    from relay.smtp.listeners import SmtpDoor

    keyring = secret_keyring(settings)
    async with open_database(settings) as database:
        verifier = Verifier(database, keyring, time.time, settings.limits, default_domain=settings.email.default_domain)
        store = SqlStore(database, keyring)
        acceptor = Acceptor(
            store,
            verifier,
            Brandings(),
            max_message_bytes=settings.smtp.max_message_bytes,
            max_recipients=settings.smtp.max_recipients,
            now=time.time,
        )
        smtp = SmtpDoor(settings.smtp, tls, verifier, acceptor, DoorMetrics(REGISTRY))
        keeping = asyncio.create_task(verifier.run())
        await smtp.start(list(listeners.starttls), list(listeners.tls))
        ready()
        await stopping.wait()
        await smtp.drain(_DRAIN_SECONDS)
        await store.drain()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def worker(settings: Settings, owner: str, slot: int, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    """A delivery worker process."""
    from prometheus_client import REGISTRY

    from delivery import retention
    from delivery.metrics import DeliveryMetrics
    from delivery.providers.simulator import SimulatorProvider
    from delivery.queue.sql import SqlQueue
    from delivery.signing import Signer
    from delivery.store.sql import SqlStore
    from delivery.worker import Worker
    from messages.message import KeyType

    secret, sealing = load_keyrings(settings)
    async with open_database(settings) as database:
        async with database.write() as connection:
            await domains.ensure(connection, sealing, settings.email.default_domain, time.time())
        store = SqlStore(database, secret)
        live = await email_provider(settings)
        providers: dict[KeyType, Provider] = dict.fromkeys(KeyType, live) | {KeyType.TEST: SimulatorProvider()}
        work = Worker(
            owner,
            store=store,
            queue=SqlQueue(database),
            signer=Signer(database, sealing, time.time),
            providers=providers,
            settings=settings.delivery,
            metrics=DeliveryMetrics(REGISTRY),
            now=time.time,
        )
        sweeping = asyncio.create_task(retention.run(store, time.time, stopping)) if slot == 0 else None
        ready()
        await work.run(stopping)
        await store.drain()
        if sweeping is not None:
            await asyncio.gather(sweeping, return_exceptions=True)
        await live.close()


async def email_provider(settings: Settings) -> "Provider":
    """Where live and team keys' mail goes."""
    if settings.email.provider == "ses":
        from delivery.providers.ses import open_provider

        return await open_provider(settings.aws, settings.delivery.concurrency)
    from delivery.providers.outbox import OutboxProvider

    return OutboxProvider(settings.outbox.dir)


async def operations(
    settings: Settings,
    listeners: Listeners,
    listener: socket.socket,
    certificate_ends: datetime | None,
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """The ops endpoints of this machine: probes, and the metrics of all its processes together."""
    import uvicorn

    from delivery.queue.sql import SqlQueue
    from relay.http.ops import application
    from relay.http.snapshot import Snapshot

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are ours

    async with open_database(settings) as database:
        ends = None if certificate_ends is None else certificate_ends.timestamp()
        snapshot = Snapshot(database, SqlQueue(database).depth, ends, time.time)
        greeting = [socket_.getsockname() for socket_ in listeners.starttls[:1]]
        app = application(
            {"database": snapshot.database_ready, "smtp": lambda: snapshot.smtp_ready(greeting)}, snapshot.measure
        )
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=2)
        server = Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        ready()
        await stopping.wait()
        server.should_exit = True
        await serving


def wipe(directory: Path) -> Path:
    """An empty folder for prometheus_client's multiprocess files."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        file.unlink()
    return directory
