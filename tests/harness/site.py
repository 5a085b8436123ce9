"""A whole web site for tests: a real server on loopback, real parts on a real database; and browsers to visit it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import services
from auth.audit import Actor
from auth.domains import names
from auth.people import sessions, users
from auth.people.passwords import Passwords
from auth.people.permissions import Permission
from auth.people.sessions import Factor
from auth.people.users import User
from auth.principal import Service
from auth.throttle import Throttle
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Settings
from config.words import Words
from delivery.figures.reading import CountReader
from delivery.library import templates
from delivery.library.brandings import Brandings
from delivery.library.letterheads import Letterheads
from delivery.library.origination import OriginationIdentities
from delivery.library.templates import Templates
from delivery.store.listing import Listing
from delivery.store.rows import Codec
from delivery.store.totals import Totals
from messages.message import Channel, Language
from relay.accept import Acceptor
from relay.actions.sent_content import SentContent
from relay.actions.transaction import Transaction
from relay.journal import Journal
from relay.metrics import DoorMetrics
from relay.pace import Pace
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from relay.serving import serve
from relay.site.application import application
from relay.site.dashboard.live import Live
from relay.site.parts import Site
from relay.site.people import Accounts
from relay.site.public.activity import MONTHS
from relay.site.remembered import Remembered
from relay.site.routes import ROUTES
from relay.site.routing import Route
from relay.site.visits import COOKIE
from tests.harness import domains, hashes
from tests.harness.browser import Browser, Page
from tests.harness.clock import Clock
from tests.harness.listening import loopback
from tests.harness.store import Store
from tests.harness.words import words

DOMAIN = "notification.example.ca"
# Pages that can be opened by who knows a service's id and nothing more.
OPENABLE = sorted(
    route.path
    for route in ROUTES
    if route.method == "GET" and not route.live and "{" not in route.path.replace("{service_id}", "")
)
_NAME = "007"  # no letters: what people name is in no catalogue
_SEALING = Keyring.parse(Keyring.generate())


@dataclass(frozen=True, slots=True)
class Person:
    name: str = "Amala Okafor"
    phone: str | None = None
    language: Language = Language.EN
    operator: bool = False
    held_at: float | None = None
    id: UUID = field(default_factory=uuid4)
    email: str = field(default_factory=lambda: f"{uuid4().hex}@dept.gc.ca")


class Known:
    """Who there is, and what each may do: what a test says, else what their rows say."""

    def __init__(self, secret: Keyring) -> None:
        self.accounts = Accounts(secret)
        self.members: dict[tuple[UUID, UUID], frozenset[Permission]] = {}

    async def user(self, connection: AsyncConnection, user_id: UUID) -> User | None:
        return await self.accounts.user(connection, user_id)

    async def permissions(
        self, connection: AsyncConnection, user_id: UUID, service_id: UUID
    ) -> Collection[Permission] | None:
        found = self.members.get((user_id, service_id))
        return await self.accounts.permissions(connection, user_id, service_id) if found is None else found

    async def services(
        self, connection: AsyncConnection, limits: Limits, user_id: UUID
    ) -> list[tuple[Service, Collection[Permission]]]:
        held = {service_id: given for (member, service_id), given in self.members.items() if member == user_id}
        found = [(await services.find(connection, limits, service_id), given) for service_id, given in held.items()]
        return sorted(found, key=lambda each: each[0].name)


@dataclass(slots=True)
class RunningSite:
    """`database` is an owner's: what tests and other processes do there is no matter of the site's user."""

    url: str
    database: Database
    site: Site
    store: Store
    clock: Clock
    people: Known
    stack: AsyncExitStack

    @asynccontextmanager
    async def writing(self, actor: Actor) -> AsyncIterator[Transaction]:
        """For relay/actions as the operator's commands and other processes call them."""
        async with self.database.write() as connection:
            yield Transaction(connection, self.site.settings, self.site.secret, None, actor, self.clock())

    async def service(self, name: str, email_from: str) -> UUID:
        async with self.database.write() as connection:
            made = await services.create(
                connection,
                self.site.settings.limits,
                self.clock(),
                name=name,
                email_from=email_from,
                domain=DOMAIN,
                live=False,
            )
            await templates.create_hidden(connection, made.email_template_id, made.id, self.clock())
        return made.id

    async def browser(self, **options: Any) -> Browser:
        """Nobody's yet; closed with the site."""
        return await self.stack.enter_async_context(Browser(self.url, **options))

    async def signed_in(
        self,
        person: Person | None = None,
        factors: Collection[Factor] = (Factor.PASSWORD, Factor.TOTP),
        **options: Any,
    ) -> Browser:
        """A browser of somebody who has a session already."""
        person = person or Person()
        browser, token, now = await self.browser(**options), sessions.new_token(), self.clock()
        async with self.database.write() as connection:
            if await users.find(connection, self.site.secret, person.id) is None:
                await self._create(connection, person)
            await sessions.begin(
                connection, token, now, user_id=person.id, factors=dict.fromkeys(factors, now), device=browser.agent
            )
        browser.set_cookie(COOKIE[self.site.settings.site.is_secure], token)
        return browser

    async def _create(self, connection: AsyncConnection, person: Person) -> None:
        made = await users.create(
            connection,
            self.site.secret,
            self.clock(),
            email=person.email,
            name=person.name,
            language=person.language,
            operator=person.operator,
            verified=True,
            user_id=person.id,
        )
        more = {"phone": person.phone, "held_at": person.held_at}
        await users.change(connection, self.site.secret, made, **more)


@dataclass(frozen=True, slots=True)
class Visitor:
    """An operator who may do everything in a service."""

    browser: Browser
    service_id: UUID

    def path(self, language: str, path: str) -> str:
        return f"/{language}/{path.replace('{service_id}', str(self.service_id))}".rstrip("/")

    async def open(self, language: str, path: str) -> Page:
        return await self.browser.open(self.path(language, path))


async def visitor_of(site: RunningSite) -> Visitor:
    person, service_id = Person(name=_NAME, operator=True), await site.service(_NAME, f"s{uuid4().hex}")
    site.people.members[person.id, service_id] = frozenset(Permission)
    return Visitor(await site.signed_in(person), service_id)


@asynccontextmanager
async def running_site(
    database: Database,
    *,
    own: Database | None = None,
    routes: Sequence[Route] = ROUTES,
    spoken: Words | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> AsyncIterator[RunningSite]:
    """On a database that has the schema; `own` is that of the site's user there, where it has one."""
    listener = loopback()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    settings = settings or Settings(limits=Limits(per_minute=100_000), **_at(url))
    keyring, clock = Keyring.parse(Keyring.generate()), Clock()
    async with database.write() as connection:
        if await names.find(connection, DOMAIN) is None:
            await domains.ensure(connection, _SEALING, DOMAIN, clock())
    own = own or database
    store, its, people = Store(database, keyring), Store(own, keyring), Known(keyring)
    site = _site(own, settings, keyring, clock, its, people, spoken or words())
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(application(site, routes), listener, stopping, **options))
    watching = asyncio.create_task(site.live.run(stopping))
    async with AsyncExitStack() as stack:
        try:
            yield RunningSite(url, database, site, store, clock, people, stack)
        finally:
            await stack.aclose()
            stopping.set()
            await asyncio.gather(serving, watching)
            await asyncio.gather(store.putting.drain(), its.putting.drain())
            await site.verifier.close()


def _at(url: str) -> dict[str, Any]:
    return {"site": {"public_url": url, "contact": "operator@example.ca"}, "callbacks": {"allow_private": True}}


def _site(
    database: Database, settings: Settings, keyring: Keyring, clock: Clock, store: Store, people: Known, spoken: Words
) -> Site:
    verifier = Verifier(database, keyring, clock, settings.limits, default_domain=DOMAIN)
    found, brandings = Templates(database, clock), Brandings(Letterheads(), database, clock)
    preparers = {
        Channel.EMAIL: EmailPreparer(brandings, found, 1 << 20),
        Channel.SMS: SmsPreparer(found, 1 << 20),
    }
    acceptor = Acceptor(
        store.putting,
        store.idempotency,
        store.searching,
        verifier,
        preparers,
        store.suppressions,
        store.pressure,
        max_recipients=10,
        now=clock,
    )
    return Site(
        database=database,
        settings=settings,
        secret=keyring,
        words=spoken,
        verifier=verifier,
        throttle=Throttle(database, keyring, clock, default_domain=DOMAIN),
        acceptor=acceptor,
        searching=store.searching,
        listing=Listing(database, Codec(keyring)),
        sent=SentContent(store.contents, found, brandings),
        templates=found,
        brandings=brandings,
        senders=OriginationIdentities(database, clock),
        people=people,
        journal=Journal(DoorMetrics(CollectorRegistry())),
        activity=Remembered(lambda: Totals(database).read(MONTHS, clock()), 3600, clock),
        counts=CountReader(database),
        live=Live(database, spoken, clock),
        pace=Pace(clock),
        passwords=Passwords(hashes.hasher()),
        now=clock,
    )
