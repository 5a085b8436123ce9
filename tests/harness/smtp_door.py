"""A whole SMTP door for tests: real listeners on loopback, real TLS, real keys and messages in SQLite.

`Gate` stands in front of `accept()`: it notes what comes in, can hold it back, and can fail as code of ours might.
"""

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trustme
import uvloop
from prometheus_client import CollectorRegistry

from auth import guests, keys, services
from auth.bans import Rules
from auth.domains import names
from auth.principal import Option, Principal
from auth.throttle import Throttle
from auth.verify import Verifier
from auth.watches import Watches
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Smtp
from delivery.backlog.pressure import Pressure
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from messages.message import Channel, KeyType, Lane, Language, Submission
from relay.accept import Accepted, Acceptor
from relay.metrics import DoorMetrics
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from relay.smtp.intake import PACE, Pace
from relay.smtp.listeners import SmtpDoor
from relay.tls import Certificates
from tests.harness.clock import Clock
from tests.harness.kept import Kept
from tests.harness.listening import loopback
from tests.harness.migrated import migrated
from tests.harness.store import Store
from tests.harness.words import words

HOST = "mail.example.ca"
DOMAIN = "notification.example.ca"
GUEST = "guest@example.org"
QUICK = Rules(first_delay_seconds=0.001, longest_delay_seconds=0.01)  # of who failed to log in, so that no test waits
LIMITED: dict[str, keys.Terms] = {
    "small": {"max_recipients": 2, "max_message_bytes": 5000},
    "distant": {"networks": ["192.0.2.0/24"]},
    "strict": {"allowed_from": ["app@example.org", "@team.example"], "lane": Lane.BULK, "fixed": [Option.LANE]},
}
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Gate:
    def __init__(self, acceptor: Acceptor) -> None:
        self._acceptor = acceptor
        self.submissions: list[Submission] = []
        self.accepted: list[Accepted] = []
        self.open = asyncio.Event()
        self.open.set()
        self.reached = asyncio.Event()
        self.error: Exception | None = None

    async def accept(self, submission: Submission, principal: Principal) -> Accepted:
        self.reached.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        accepted = await self._acceptor.accept(submission, principal)
        self.submissions.append(submission)
        self.accepted.append(accepted)
        return accepted


@dataclass(slots=True)
class Door:
    door: SmtpDoor
    gate: Gate
    kept: Kept
    registry: CollectorRegistry
    client_context: ssl.SSLContext
    port: int
    tls_port: int
    devices_port: int
    database: Database
    issued: dict[str, keys.Issued]
    clock: Clock
    clients: "list[Client]"
    keyring: Keyring
    watches: Watches
    pressure: Pressure

    def login(self, name: str = "normal") -> tuple[str, str]:
        issued = self.issued[name]
        return issued.key.smtp_username, issued.smtp_password

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def revoke(self, name: str) -> None:
        async with self.database.write() as connection:
            await keys.revoke(connection, self.keyring, Limits(), self.issued[name].key.id, time.time())


@asynccontextmanager
async def running_door(folder: Path, rules: Rules = QUICK, pace: Pace = PACE, **settings: Any) -> AsyncIterator[Door]:
    """In the setting `devices`, {normal} stands for that key's user name."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    certificate = authority.issue_cert(HOST, "localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA)
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the system's authorities take 30 ms to read
    authority.configure_trust(client_context)

    contents, keyring, issued = _template()
    (folder / "relay.db").write_bytes(contents)
    url = f"sqlite+aiosqlite:///{folder}/relay.db"
    database = Database(url, synchronous="OFF", pool_size=2)
    clock = Clock()
    verifier = Verifier(database, keyring, clock, Limits(), default_domain=DOMAIN)
    usernames = {name: each.key.smtp_username for name, each in issued.items()}
    settings["devices"] = settings.get("devices", "").format(**usernames)
    smtp = Smtp.model_validate({"hostname": HOST, **settings})
    store = Store(database, keyring)
    acceptor = Acceptor(
        store.putting,
        store.idempotency,
        store.searching,
        verifier,
        {
            Channel.EMAIL: EmailPreparer(Brandings(), Templates(database, time.time), smtp.max_message_bytes),
            Channel.SMS: SmsPreparer(Templates(database, time.time), smtp.max_message_bytes),
        },
        store.suppressions,
        store.pressure,
        max_recipients=smtp.max_recipients,
        now=time.time,
    )
    gate = Gate(acceptor)
    registry = CollectorRegistry()
    context = Certificates([(folder / "tls.pem", folder / "tls.pem")]).context
    throttle = Throttle(database, keyring, clock, default_domain=DOMAIN, rules=rules)
    watches = Watches(database, clock, default_domain=DOMAIN)
    door = SmtpDoor(
        smtp,
        context,
        verifier,
        gate,
        DoorMetrics(registry),
        words(),
        throttle,
        watches,
        store.pressure,
        sms_domain=f"sms.{DOMAIN}",
        pace=pace,
    )
    sharing = asyncio.create_task(throttle.run())
    listening = [loopback() for _ in range(3)]
    ports = [sock.getsockname()[1] for sock in listening]
    await door.start(*([sock] for sock in listening))
    clients: list[Client] = []
    kept = Kept(url, database, keyring)
    try:
        yield Door(
            door,
            gate,
            kept,
            registry,
            client_context,
            *ports,
            database,
            issued,
            clock,
            clients,
            keyring,
            watches,
            store.pressure,
        )
    finally:
        gate.open.set()
        for client in clients:
            client.writer.transport.abort()
        await door.drain(0.2)
        await store.putting.drain()
        sharing.cancel()
        await asyncio.gather(sharing, return_exceptions=True)
        await verifier.close()
        await database.close()


@cache
def _template() -> tuple[bytes, Keyring, dict[str, keys.Issued]]:
    """A database with services and keys, made once: its domain takes an RSA key, and tests want many doors."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as apart:
        keyring, path = Keyring.parse(Keyring.generate()), Path(folder, "relay.db")
        issued = apart.submit(asyncio.run, _issue_keys(path, keyring)).result()
        return path.read_bytes(), keyring, issued


async def _issue_keys(path: Path, keyring: Keyring) -> dict[str, keys.Issued]:
    database = await migrated(f"sqlite+aiosqlite:///{path}", synchronous="OFF")
    now, limits, issued = time.time(), Limits(), {}
    async with database.write() as connection:
        await names.ensure(connection, Keyring.parse(Keyring.generate()), DOMAIN, now)
        for mode, types in (("live", tuple(KeyType)), ("trial", (KeyType.NORMAL,))):
            service = await services.create(
                connection, limits, now, name=f"Service {mode}", email_from=mode, domain=DOMAIN, live=mode == "live"
            )
            await guests.add(connection, keyring, service.id, GUEST, now)
            for kind in types:
                name = mode if mode == "trial" else str(kind)
                issued[name] = await keys.create(connection, keyring, limits, service, now, name=name, type=kind)
            for name, terms in LIMITED.items() if mode == "live" else ():
                issued[name] = await keys.create(
                    connection, keyring, limits, service, now, name=name, type=KeyType.NORMAL, **terms
                )
        options: dict[str, Any] = {"domain": DOMAIN, "live": True, "language": Language.FR}
        service = await services.create(connection, limits, now, name="Service fr", email_from="fr", **options)
        for name, language in (("french", None), ("both", Language.BOTH)):
            issued[name] = await keys.create(
                connection, keyring, limits, service, now, name=name, type=KeyType.NORMAL, language=language
            )
    await database.close()
    return issued


def run_on(loop: str, test: Coroutine[Any, Any, None]) -> None:
    """Runs a test on the named kind of event loop."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(test)


class Client:
    """A plain socket that speaks lines; what a test needs and mail libraries will not do."""

    def __init__(self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.door = door
        self.reader = reader
        self.writer = writer
        door.clients.append(self)

    @classmethod
    async def connect(cls, door: Door, *, tls: bool, port: int | None = None) -> "Client":
        options: dict[str, Any] = {"ssl": door.client_context, "server_hostname": HOST} if tls else {}
        port = port or (door.tls_port if tls else door.port)
        return cls(door, *await asyncio.open_connection("127.0.0.1", port, limit=2**20, **options))

    async def reply(self) -> list[str]:
        """The lines of one reply; empty: the server has closed."""
        lines: list[str] = []
        async with asyncio.timeout(60):
            while True:
                try:
                    line = await self.reader.readline()
                except ConnectionError:
                    return lines
                if not line:
                    return lines
                assert line.endswith(b"\r\n"), line
                lines.append(line[:-2].decode())
                if line[3:4] != b"-":
                    return lines

    async def ask(self, command: str | bytes) -> str:
        """The last line of the reply to a command."""
        self.send(command.encode() + b"\r\n" if isinstance(command, str) else command)
        lines = await self.reply()
        return lines[-1] if lines else ""

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def start_tls(self) -> None:
        await self.writer.start_tls(self.door.client_context, server_hostname=HOST)

    async def log_in(self, name: str = "normal") -> None:
        assert (await self.reply())[0].startswith("220 ")
        await self.ask("EHLO client.example.org")
        assert (await self.ask(f"AUTH PLAIN {plain(*self.door.login(name))}")).startswith("235 2.7.0 ")

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


def plain(username: str, password: str) -> str:
    return base64.b64encode(f"\0{username}\0{password}".encode()).decode()
