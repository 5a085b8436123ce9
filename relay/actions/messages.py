"""What would become of a message that came by SMTP. Nothing is changed by it, so the audit has nothing of it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from auth.domains import names, records, resolvers, spf
from auth.domains.names import Domain
from auth.principal import Principal
from auth.verify import Verifier
from config.database import Database
from config.settings import Settings
from delivery.library.brandings import Brandings
from delivery.library.letterheads import Letterheads
from delivery.library.templates import Templates
from messages.address import Address, AddressError
from messages.email.content import HeaderSection
from messages.email.line_ends import mend_line_ends
from messages.email.mailboxes import entries, read
from messages.envelope import Envelope
from messages.message import Language, Submission, Trace
from messages.recipient import Recipient
from relay.actions import suppression
from relay.actions.errors import BAD_ADDRESS, KEY_NOT_IN_FORCE, ActionError
from relay.actions.preview import Preview, World, look
from relay.actions.suppression import Suppressed
from relay.actions.transaction import Transactions
from relay.options import submission
from relay.phones import recipient_at
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer

_OF_RECIPIENTS = ["to", "cc", "bcc"]
_OF_SES = records.Record("spf", spf.SES, "TXT", "v=spf1 -all")  # it has one, whatever it says


async def preview(
    transactions: Transactions,
    letterheads: Letterheads,
    octets: bytes,
    service: str,
    *,
    key: str | None = None,
    to: Sequence[str] = (),
) -> Preview:
    """As `previewed`, and the provider is asked whether it sends to each recipient."""
    brandings = Brandings(letterheads, transactions.database, transactions.now)
    async with suppression.asked(transactions) as suppressed:
        return await previewed(transactions, brandings, octets, service, suppressed, key=key, to=to)


async def previewed(
    transactions: Transactions,
    brandings: Brandings,
    octets: bytes,
    service: str,
    suppressed: Suppressed = suppression.never,
    *,
    key: str | None = None,
    to: Sequence[str] = (),
    language: Language | None = None,
) -> Preview:
    """As the key named, else the newest in force; to those named, else to those of To, Cc and Bcc.

    `language` is that of the branding, in place of what the message asks for.

    Raises Refused for what a door refuses before anything else: line ends, no header section, X-Notify fields, a phone
    that is none. Raises a TextError for a service, key or address that is none.
    """
    settings, database, now = transactions.settings, transactions.database, transactions.now()
    principal = await _principal(transactions, service, key)
    submitted = await asyncio.to_thread(
        _submission, settings, octets, to, principal, now
    )  # it takes time as it is long
    if language is not None:
        submitted = replace(submitted, language=language)
    templates = Templates(database, transactions.now)
    preparer = EmailPreparer(brandings, templates, settings.smtp.max_message_bytes)
    texts = SmsPreparer(templates, settings.smtp.max_message_bytes)
    known = _Names(settings, database)
    world = World(known.ask, known.find, suppressed)
    return await look(submitted, principal, preparer, texts, world, settings.smtp.max_recipients, now)


def _submission(settings: Settings, octets: bytes, to: Sequence[str], principal: Principal, now: float) -> Submission:
    content = _mended(octets, settings.smtp.bare_lf)
    found = _recipients(content, to, settings.email.sms_domain)
    envelope = Envelope(None, tuple(islice(found, settings.smtp.max_recipients + 1)))  # one too many is refused as such
    trace = Trace("preview", "127.0.0.1", "ESMTPSA", settings.smtp.hostname)
    return submission(content, envelope, trace, principal, now, {})


def _mended(octets: bytes, bare: Literal["normalise", "refuse"]) -> bytes:
    return mend_line_ends(octets if octets.endswith(b"\n") else octets + b"\r\n", bare)


async def _principal(transactions: Transactions, service: str, key: str | None) -> Principal:
    """Raises a TextError."""
    settings = transactions.settings
    async with transactions.read() as t:
        owner = await t.service(service)
        asked = None if key is None else await t.key(key)
    verifier = Verifier(
        transactions.database,
        transactions.secret,
        transactions.now,
        settings.limits,
        default_domain=settings.email.default_domain,
        verified_only=settings.email.traits.needs_verified_domains,
    )
    found = await verifier.credentials(owner.id)
    await verifier.close()
    for each in (credential.principal for credential in found.keys) if found else ():
        if asked.id == each.key.id if asked else each.key.type.sends and not each.key.is_revoked(transactions.now()):
            return each
    raise ActionError(KEY_NOT_IN_FORCE, id=owner.id)


def _recipients(content: bytes, to: Sequence[str], sms_domain: str) -> Iterator[Recipient]:
    """Those that are named, else all that can be used of To, Cc and Bcc, read as the relay reads them."""
    try:
        addresses = [Address.parse(each.strip().strip("<>")) for each in to]
    except AddressError as error:
        raise ActionError(BAD_ADDRESS, reason=error.text) from None
    if not to:
        header = HeaderSection.parse(content)
        found = (entry for name in _OF_RECIPIENTS for value in header.all(name) for entry in entries(value))
        addresses = [each.address for _, tokens in found for each in read(tokens) if each.address]
    yield from (recipient_at(each, sms_domain) for each in addresses)


class _Names:
    """What is known of a domain, here and by DNS."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    async def find(self, name: str) -> Domain | None:
        async with self._database.read() as connection:
            return await names.find(connection, name)

    async def ask(self, name: str, type_: str) -> resolvers.Answer:
        settings = self._settings
        if settings.email.traits.needs_verified_domains:
            return await resolvers.configured(settings.dns)[0].ask(name, type_)
        # Nobody publishes anything for files: as it would be, were the records published that `domain show` prints.
        own = await self.find(name.partition(".")[2])
        default = names.is_default(own.name, settings.email) if own else False
        published = records.records(own, settings.aws.region, is_default=default) if own else []
        return await records.as_published([*published, _OF_SES])(name, type_)
