"""What the doors have in common."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from prometheus_client import REGISTRY

from auth.notices import Kind
from auth.throttle import Throttle
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Settings
from config.words import Words
from delivery.backlog.measuring import Measuring
from delivery.backlog.pressure import Pressure
from delivery.callbacks.feed import Feed
from delivery.callbacks.sources import Sources
from delivery.library.brandings import Brandings
from delivery.library.origination import OriginationIdentities
from delivery.library.templates import Templates
from delivery.store.contents import Contents
from delivery.store.idempotency import Idempotency
from delivery.store.inbound import Received
from delivery.store.mail_answers import Asked
from delivery.store.putting import Putting
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from delivery.store.suppressed import Suppressions
from messages.message import Channel
from relay.accept import Acceptor
from relay.metrics import DoorMetrics
from relay.notices import callbacks as callback_changed
from relay.notices import limits as limit_reached
from relay.notices.acting import Acting
from relay.notices.contact import Contacts
from relay.notices.keywords import KeywordAnswers
from relay.notices.letters import Letters
from relay.notices.mail import MailAnswers
from relay.notices.reputation import ToOwnersAndOperators
from relay.notices.senders import SenderNotices
from relay.notices.telling import Telling, Way
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from relay.wiring import announced, load_letterheads, open_database, secret_keyring


class DoorParts(NamedTuple):
    """What every door is made of."""

    database: Database
    verifier: Verifier
    searching: Searching
    contents: Contents
    received: Received
    templates: Templates
    brandings: Brandings
    acceptor: Acceptor
    metrics: DoorMetrics
    words: Words
    throttle: Throttle
    feed: Feed
    senders: OriginationIdentities
    contacts: Contacts
    pressure: Pressure


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
        received = Received(database, keyring)
        brandings = Brandings(load_letterheads(settings), database, now)
        email = EmailPreparer(brandings, templates, settings.smtp.max_message_bytes)
        pressure = Pressure(database, now)
        acceptor = Acceptor(
            putting,
            Idempotency(database, codec),
            searching,
            verifier,
            {Channel.EMAIL: email, Channel.SMS: SmsPreparer(templates, settings.smtp.max_message_bytes)},
            Suppressions(database, keyring, now),
            pressure,
            max_recipients=settings.smtp.max_recipients,
            now=now,
        )
        words = Words.load(f"{settings.http.public_url}smtp")
        senders, acting = OriginationIdentities(database, now), Acting(database, verifier, acceptor)
        contacts = Contacts(acting)
        told = SenderNotices(database, searching, acting, keyring, settings, words, now)
        answers = MailAnswers(database, Asked(database, keyring), acting, settings.limits, words, now)
        ways: dict[Kind, Way] = {Kind.SENDER: told, Kind.MAIL: answers}
        telling = _telling(database, keyring, received, senders, acting, contacts, ways, settings.limits, words, now)
        running = (verifier.run(), throttle.run(), telling.run(), pressure.run(), Measuring(database, now).run())
        beside = [asyncio.create_task(each) for each in running]
        try:
            yield DoorParts(
                database,
                verifier,
                searching,
                Contents(database, codec),
                received,
                templates,
                brandings,
                acceptor,
                DoorMetrics(REGISTRY),
                words,
                throttle,
                Feed(database, Sources(searching, received)),
                senders,
                contacts,
                pressure,
            )
            await putting.drain()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


def _telling(
    database: Database,
    keyring: Keyring,
    received: Received,
    senders: OriginationIdentities,
    acting: Acting,
    contacts: Contacts,
    others: Mapping[Kind, Way],
    limits: Limits,
    words: Words,
    now: Callable[[], float],
) -> Telling:
    """Each kind of notice in its own way."""
    return Telling(
        database,
        {
            Kind.LIMIT: Letters(database, contacts, limits, words, limit_reached.letter),
            Kind.CALLBACK: Letters(database, contacts, limits, words, callback_changed.letter),
            Kind.REPUTATION: ToOwnersAndOperators(database, keyring, contacts, limits, words),
            Kind.KEYWORD: KeywordAnswers(database, received, senders, acting, limits, words, now),
            **others,
        },
        now,
    )
