"""A house whose relay writes to people: services, what they reach and hear, and the processes that tell."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auth import warnings
from auth.audit import Actor
from auth.notices import Kind
from auth.principal import Principal, Service
from auth.services import OWN_ID
from auth.verify import Verifier
from auth.warnings import Reached
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Settings
from config.words import Words
from delivery.feedback.answering import note_answer
from delivery.library import origination as origination_identities
from delivery.library.brandings import Brandings
from delivery.library.letterheads import Letterheads
from delivery.library.origination import Kind as Origin
from delivery.library.origination import OriginationIdentities, OriginationIdentity
from delivery.library.templates import Templates
from delivery.store.base import Found, InboundText, Search
from delivery.store.inbound import Receiving
from delivery.store.mail_answers import Asked
from messages.message import Channel, Message, Submission
from messages.sms.recipe import Recipe
from relay.accept import Accepted, Acceptor
from relay.actions import origination, services
from relay.actions.transaction import Transaction
from relay.notices import callbacks, limits
from relay.notices.acting import Acting
from relay.notices.contact import Contacts
from relay.notices.keywords import KeywordAnswers
from relay.notices.letters import Letters
from relay.notices.mail import MailAnswers
from relay.notices.senders import SenderNotices
from relay.notices.telling import Telling
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from tests.harness.store import Store

DOMAIN = "notification.example.ca"
CONTACT = "contact@city.example"
OURS, READER = "+16135550150", "+16135550100"
WORDS = Words.load()


class Counted:
    """An acceptor, and how often it was asked."""

    def __init__(self, acceptor: Acceptor) -> None:
        self._acceptor = acceptor
        self.asked = 0

    async def accept(self, submission: Submission, principal: Principal) -> Accepted:
        self.asked += 1
        return await self._acceptor.accept(submission, principal)


@dataclass
class House:
    database: Database
    secret: Keyring
    sealing: Keyring
    verifiers: list[Verifier]
    ahead_seconds: float = 0.0

    @classmethod
    @asynccontextmanager
    async def opened(cls, database: Database, keyring: Keyring, sealing: Keyring) -> AsyncIterator["House"]:
        house = cls(database, keyring, sealing, [])
        try:
            yield house
        finally:
            for verifier in house.verifiers:
                await verifier.close()

    def now(self) -> float:
        return time.time() + self.ahead_seconds

    async def do(self, action: Any, *given: Any, **named: Any) -> Any:
        async with self.database.write() as connection:
            by = Actor("operator", "ann")
            t = Transaction(connection, Settings(), self.secret, self.sealing, by, time.time())
            return await action(t, *given, **named)

    async def service(self, name: str = "permits", **of_its_own: Any) -> Service:
        made: Service = await self.do(services.create, name=name, email_from=name, live=True, **of_its_own)
        return made

    def process(self, kind: type[Contacts] = Contacts) -> tuple[Telling, Counted]:
        """What one process of a door has."""
        now, store = self.now, Store(self.database, self.secret)
        verifier = Verifier(self.database, self.secret, now, Limits(), default_domain=DOMAIN)
        self.verifiers.append(verifier)
        brandings = Brandings(Letterheads(None, None, Settings().branding.names), self.database, now)
        templates = Templates(self.database, now)
        email, sms = EmailPreparer(brandings, templates, 1 << 20), SmsPreparer(templates, 1 << 20)
        preparers = {Channel.EMAIL: email, Channel.SMS: sms}
        parts = (
            store.putting,
            store.idempotency,
            store.searching,
            verifier,
            preparers,
            store.suppressions,
            store.pressure,
        )
        acceptor = Counted(Acceptor(*parts, max_recipients=10, now=now))
        acting = Acting(self.database, verifier, acceptor)
        contacts = kind(acting)
        worded = {Kind.LIMIT: limits.letter, Kind.CALLBACK: callbacks.letter}
        letters = {each: Letters(self.database, contacts, Limits(), WORDS, words) for each, words in worded.items()}
        senders = OriginationIdentities(self.database, now)
        ways = letters | {
            Kind.KEYWORD: KeywordAnswers(self.database, store.received, senders, acting, Limits(), WORDS, now),
            Kind.SENDER: SenderNotices(self.database, store.searching, acting, self.secret, Settings(), WORDS, now),
            Kind.MAIL: MailAnswers(self.database, Asked(self.database, self.secret), acting, Limits(), WORDS, now),
        }
        return Telling(self.database, ways, now), acceptor

    async def reach(self, service: Service, percent: int = 80, channel: Channel = Channel.EMAIL) -> None:
        reached = Reached(service.id, channel, 2026, percent, 5_000, percent * 50, time.time())
        async with self.database.write() as connection:
            await connection.run_sync(warnings.note, [reached])

    async def sender(self, service: Service | None = None, **options: Any) -> OriginationIdentity:
        """A number where we answer keywords."""
        options = {"self_managed_opt_outs": True} | options
        named = None if service is None else str(service.id)
        made: OriginationIdentity = await self.do(origination.add, Origin.LONG_CODE, OURS, named, **options)
        return made

    async def hears(self, words: str, source: str = READER, name: str = "in-1") -> None:
        """As the process that hears from providers."""
        managed, answer = origination_identities.self_managed, [note_answer]
        owners = origination_identities.owners
        receiving = Receiving(self.database, self.secret, owners, managed=managed, answer=answer)
        await receiving.take([InboundText(name, source, OURS, words, None)], self.now())

    async def texts(self, service_id: UUID) -> list[tuple[Message, str]]:
        """What a service has texted, newest first, with what it says."""
        store = Store(self.database, self.secret)
        found = [each.message for each in await store.searching.find(Search(service_id=service_id), 100)]
        contents = await store.contents.load({each.content_id for each in found})
        return [(each, Recipe.from_json(contents[each.content_id]).text) for each in found]

    async def letters(self) -> list[Found]:
        store = Store(self.database, self.secret)
        return await store.searching.find(Search(service_id=OWN_ID), 100)

    async def became(self, service: Service) -> list[tuple[int, bool, UUID | None]]:
        async with self.database.read() as connection:
            found = await warnings.of_year(connection, service.id, 2026)
        return [(each.reached.percent, each.ended_at is not None, each.message_id) for each in found]
