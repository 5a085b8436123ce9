"""A whole HTTP door for tests: a real server on loopback, real keys, templates and messages in a real database."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import jwt
from prometheus_client import CollectorRegistry

from auth import guests, keys, services
from auth.principal import Service
from auth.throttle import Throttle
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from config.settings import Callbacks, Limits, Settings
from delivery.callbacks.feed import Feed
from delivery.library import templates
from delivery.library.brandings import Brandings
from delivery.library.letterheads import Letterheads
from delivery.library.origination import OriginationIdentities
from delivery.library.templates import Templates
from delivery.store.tables import messages
from messages.message import Channel, KeyType
from messages.template import Template
from relay.accept import Acceptor
from relay.http.application import application
from relay.http.errors import refusals
from relay.metrics import DoorMetrics
from relay.notices.acting import Acting
from relay.notices.contact import Contacts
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from relay.serving import serve
from tests.harness import adapters, domains
from tests.harness.aged import number
from tests.harness.clock import Clock
from tests.harness.listening import loopback
from tests.harness.store import Store
from tests.harness.words import words

DOMAIN = "notification.example.ca"
GUEST = "guest@example.org"
READER = "reader@example.org"
ROOT = "http://api.example.ca/"
_CALLBACKS = Callbacks()
_SEALING = Keyring.parse(Keyring.generate())
ARTWORK = Path(__file__).parents[1] / "data/branding/artwork"
adapters.remember()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Of a failure, which has Notify's shape and nothing else."""
        assert set(self.body) == {"status_code", "errors"}, self.body
        assert self.body["status_code"] == self.status
        assert all(set(each) == {"error", "message"} for each in self.body["errors"])
        return [(each["error"], each["message"]) for each in self.body["errors"]]


@dataclass(slots=True)
class Door:
    port: int
    database: Database
    store: Store
    registry: CollectorRegistry
    clock: Clock
    service: Service
    issued: dict[str, keys.Issued]
    template: Template
    session: aiohttp.ClientSession
    keyring: Keyring
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stored(self) -> int:
        """How many messages."""
        return await number(self.database, messages)

    def bearer(self, name: str = "normal", *, issued_at: object = None, secret: str | None = None) -> dict[str, str]:
        issued = self.issued[name]
        claims = {"iss": str(issued.key.service_id), "iat": int(self.clock()) if issued_at is None else issued_at}
        return {"Authorization": "Bearer " + jwt.encode(claims, secret or issued.secret, algorithm="HS256")}

    def key(self, name: str = "normal") -> dict[str, str]:
        return {"Authorization": f"ApiKey-v1 {self.issued[name].api_key}"}

    def email(self, **changes: object) -> dict[str, object]:
        asked = {
            "email_address": READER,
            "template_id": str(self.template.id),
            "personalisation": {"name": "Amala"},
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not ...}

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        async with self.session.request(method, self.url + path, headers=headers, **options) as answer:
            octets = await answer.read()
            body = json.loads(octets) if octets and answer.content_type == "application/json" else octets
            return Answer(answer.status, answer.headers, body)

    async def send(self, name: str = "normal", headers: Mapping[str, str] | None = None, **changes: object) -> Answer:
        headers = {**self.key(name), **(headers or {})}
        return await self.ask("POST", "/v2/notifications/email", headers, json=self.email(**changes))

    async def get(self, path: str, name: str = "normal", **headers: str) -> Answer:
        return await self.ask("GET", path, {**self.key(name), **headers})

    def metric(self, metric: str, **labels: str) -> float:
        return self.registry.get_sample_value(metric, labels) or 0.0


@asynccontextmanager
async def running_door(
    database: Database,
    *,
    per_minute: int = 100_000,
    per_day: int = 100_000,
    callbacks: Callbacks = _CALLBACKS,
    **options: Any,
) -> AsyncIterator[Door]:
    """On a database that has the schema."""
    keyring, clock, registry = Keyring.parse(Keyring.generate()), Clock(), CollectorRegistry()
    limits = Limits(per_minute=per_minute, live_per_day=per_day)
    service, issued, template = await _make(database, keyring, limits)
    verifier = Verifier(database, keyring, clock, limits, default_domain=DOMAIN)
    throttle = Throttle(database, keyring, clock, default_domain=DOMAIN)
    store, found = Store(database, keyring), Templates(database, clock)
    brandings = Brandings(letterheads=Letterheads(ARTWORK), database=database, now=clock)
    preparer = EmailPreparer(brandings, found, 1 << 20)
    acceptor = Acceptor(
        store.putting,
        store.idempotency,
        store.searching,
        verifier,
        {Channel.EMAIL: preparer, Channel.SMS: SmsPreparer(found, 1 << 20)},
        store.suppressions,
        store.pressure,
        max_recipients=10,
        now=clock,
    )
    app = application(
        public_url=ROOT,
        sms_domain=f"sms.{DOMAIN}",
        verifier=verifier,
        throttle=throttle,
        acceptor=acceptor,
        pressure=store.pressure,
        searching=store.searching,
        contents=store.contents,
        received_=store.received,
        templates_=found,
        brandings=brandings,
        senders=OriginationIdentities(database, clock),
        contacts=Contacts(Acting(database, verifier, acceptor)),
        database=database,
        settings=Settings(limits=limits, callbacks=callbacks),
        secret=keyring,
        feed=Feed(database, store.sources),
        metrics=DoorMetrics(registry),
        words=words(),
        now=clock,
    )
    listener = loopback()
    port = listener.getsockname()[1]
    # Idle connections are not kept until the door ends them: a request may meet the end.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=1)) as session:
        door = Door(port, database, store, registry, clock, service, issued, template, session, keyring)
        serving = asyncio.create_task(serve(app, listener, door.stopping, refusals=refusals(), **options))
        try:
            yield door
        finally:
            await session.close()
            door.stopping.set()
            await serving
            await store.putting.drain()
            await verifier.close()


async def _make(
    database: Database, keyring: Keyring, limits: Limits
) -> tuple[Service, dict[str, keys.Issued], Template]:
    now, issued = time.time(), {}
    async with database.write() as connection:
        await domains.ensure(connection, _SEALING, DOMAIN, now)
        for mode, kinds in (("trial", (KeyType.NORMAL,)), ("live", tuple(KeyType))):
            service = await services.create(
                connection, limits, now, name=f"Service {mode}", email_from=mode, domain=DOMAIN, live=mode == "live"
            )
            await templates.create_hidden(connection, service.email_template_id, service.id, now)
            await templates.create_hidden(connection, service.sms_template_id, service.id, now, Channel.SMS)
            await guests.add(connection, keyring, service.id, GUEST, now)
            for kind in kinds:
                name = mode if mode == "trial" else str(kind)
                issued[name] = await keys.create(connection, keyring, limits, service, now, name=name, type=kind)
        template = await make_template(connection, service.id)
    return service, issued, template


async def make_template(
    connection: Any,
    service_id: UUID,
    *,
    name: str = "Greeting",
    subject: str = "Hi ((name))",
    body: str = "Hello ((name))",
) -> Template:
    return await templates.create(
        connection, service_id, time.time(), channel=Channel.EMAIL, name=name, subject=subject, body=body
    )
