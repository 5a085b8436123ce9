"""Every encrypted column survives a rotation, with a value that its own writer wrote and its own reader reads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import LargeBinary, select

from auth import guests, keys, services
from auth.domains import names
from auth.people import drafts, enquiries, invitations, sessions, totp, users
from auth.people.drafts import Draft
from auth.people.permissions import Permission
from auth.principal import Service
from auth.services import OWN_ID
from auth.verify import Credential, Verifier
from config import encrypted
from config.database import Database
from config.encrypted import Root
from config.keyring import Keyring
from config.settings import Email
from delivery import rotation
from delivery.all_tables import metadata
from delivery.callbacks import urls
from delivery.store.base import CallbackKind, Event, EventKind, History, InboundMail, InboundText, Search
from delivery.store.inbound import inbound_texts
from delivery.store.mail_answers import Asked, mail_answers
from messages.address import Address
from messages.message import Dsn, KeyType, Language, Message
from tests.fakes.auth import DEFAULTS, DOMAIN
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

# Octets that are no column's own to re-encrypt.
NOT_ENCRYPTED = {
    # Hashes: renewed with the column that they find, or left under every root.
    *(
        "messages.recipient_hash",
        "sent_index.recipient_hash",
        "guests.address_hash",
        "keys.secret_hash",
        "logins.username_hash",
    ),
    *("suppressions.recipient_hash", "inbound_texts.source_hash", "mail_answers.sender_hash"),
    *("invitations.code_hash", "reply_to_codes.code_hash"),
    *("idempotency.key_hash", "idempotency.recipient_hash", "idempotency.body_hash"),
    *("recovery_codes.salt", "recovery_codes.hash", "spent_challenges.seal"),
    *("passkeys.credential_id", "passkeys.public_key"),  # worth nothing without the device
    *("invitations.code_hash", "invitations.address_hash", "reply_to_codes.code_hash", "users.email_hash"),
    *("codes.code_hash", "devices.device_hash"),  # of what is over in ten minutes; of a browser's name, without a key
    "brandings.logo",  # public
    "sessions.token_hash",  # of a random token, without a key
    "roots.proof",  # renewed last: test_rotation
}

NUMBER = "+16135550100"
SESSION = "t" * sessions.TOKEN_CHARACTERS


@dataclass(frozen=True)
class Written:
    service: Service
    issued: keys.Issued
    message: Message


@dataclass(frozen=True)
class House:
    """Those who write and read, with these roots."""

    database: Database
    secret: Keyring
    sealing: Keyring

    @property
    def store(self) -> Store:
        return Store(self.database, self.secret)

    async def write(self) -> Written:
        async with self.database.write() as c:
            await names.ensure(c, self.sealing, DOMAIN, NOW)
            service = await services.create(c, DEFAULTS, NOW, name="S", email_from="s", domain=DOMAIN, live=True)
            terms = keys.Terms(allowed_from=["ann@dept.example.ca"])
            issued = await keys.create(c, self.secret, DEFAULTS, service, NOW, name="k", type=KeyType.NORMAL, **terms)
            await guests.add(c, self.secret, service.id, "Guest@example.com", NOW)
            lily, held = Address.parse("Lily@example.com"), {Permission.VIEW_ACTIVITY}
            named = {"service_id": service.id, "address": lily, "permissions": held, "invited_by": service.id}
            await invitations.add(c, self.secret, NOW, **named)
            await totp.begin(c, self.secret, service.id, "Telephone", NOW)
            url, token = "https://example.org/told", "a-token-of-a-service"
            clerk = {"reason": "ask", "name": "Zoë", "address": "zoe@example.org", "words": "Bonjour"}
            ann: dict[str, Any] = {"email": "Ann@dept.gc.ca", "name": "Ann", "language": Language.FR, "operator": False}
            made = await users.create(c, self.secret, NOW, password="$argon2id$", **ann)
            await users.change(c, self.secret, made, phone=NUMBER)
            await enquiries.add(c, self.secret, NOW, language=Language.FR, **clerk)
            session = await sessions.begin(c, SESSION, NOW)
            await sessions.put_notice(c, self.secret, session.id, {"source": "Bonjour"})
            await drafts.keep(c, self.secret, service.id, "contact", Draft({"message": ["Bonjour"]}), NOW)
            await urls.put(c, self.secret, service.id, NOW, url=url, bearer_token=token, allow_private=False)
        sent = message(service_id=service.id, dsn=Dsn(envid="file 31"), subject="Décision")
        await self.store.putting.put(group_of((sent,), b"x" * 600_000))
        words = "550 no such user <reader@example.org>"
        told = Event(uuid4(), EventKind.DELAY, "ses", "p-1", sent.id, None, NOW, detail=words)
        await self.store.settling.learn([told], NOW)
        stop = InboundText("in-1", NUMBER, "+16135550150", "STOP", "p-1")
        await self.store.receiving.take([stop], NOW)
        async with self.database.write() as c:
            own = {"service_id": OWN_ID, "name": "Own", "email_from": "own", "domain": DOMAIN}
            await services.create(c, DEFAULTS, NOW, **own)
        mail = InboundMail((f"s@{DOMAIN}",), Address.parse("Reader@example.org"), "<31@example.org>", None)
        await self.store.answering.take([mail], NOW)
        return Written(service, issued, sent)

    async def history(self, written: Written) -> History:
        found = await self.store.searching.history(written.message.id)
        assert found is not None
        return found

    async def receiver(self, written: Written) -> urls.Receiver | None:
        found = await self.database.query(lambda c: urls.load(c, self.secret, [written.service.id]))
        return found[written.service.id, CallbackKind.STATUS]

    async def credential(self, written: Written) -> Credential:
        verifier = Verifier(self.database, self.secret, lambda: NOW, DEFAULTS, default_domain=DOMAIN)
        try:
            await verifier.verify(written.issued.key.smtp_username, written.issued.smtp_password)
            found = await verifier.credentials(written.service.id)
        finally:
            await verifier.close()
        assert found is not None
        return found.keys[0]


async def content(house: House, written: Written) -> object:
    return await house.store.contents.load([written.message.content_id])


async def reverse_path(house: House, written: Written) -> object:
    return (await house.history(written)).message.reverse_path


async def recipient(house: House, written: Written) -> object:
    found = await house.store.searching.find(Search(recipient=written.message.recipient.key), 2)  # by its hash
    return [each.message.recipient for each in found]


async def subject(house: House, written: Written) -> object:
    return (await house.history(written)).message.subject


async def dsn(house: House, written: Written) -> object:
    return (await house.history(written)).message.dsn


async def detail(house: House, written: Written) -> object:
    return [event.detail for event in (await house.history(written)).events]


async def bearer_token(house: House, written: Written) -> object:
    return (receiver := await house.receiver(written)) and receiver.bearer_token


async def signing_secret(house: House, written: Written) -> object:
    return (receiver := await house.receiver(written)) and receiver.signing_secret


async def secret(house: House, written: Written) -> object:
    return (await house.credential(written)).secret


async def allowed_senders(house: House, written: Written) -> object:
    return (await house.credential(written)).principal.key.allowed_from


async def guest(house: House, written: Written) -> object:
    async with house.database.read() as connection:
        row_id = await guests.find(connection, house.secret, written.service.id, "guest@example.com")  # by its hash
    return row_id, (await house.credential(written)).principal.guests


async def invited(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        return await invitations.of_address(connection, house.secret, Address.parse("lily@example.com"), NOW)


async def private_key(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        key = await names.signing_key(connection, house.sealing, DOMAIN, Email())
    return key and key.private.private_numbers()


async def opt_out(house: House, written: Written) -> object:
    return await house.store.suppressions.opted_out(written.service.id, [NUMBER])  # by its hash


async def inbound(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        ids = list(await connection.scalars(select(inbound_texts.c.id)))
    return await house.store.received.load(ids)


async def wrote(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        (id_,) = await connection.scalars(select(mail_answers.c.id))
    return await Asked(house.database, house.secret).find(id_)


async def app_secret(house: House, written: Written) -> object:
    async with house.database.read() as connection:
        return await totp.beginning(connection, house.secret, written.service.id, NOW)


async def draft(house: House, written: Written) -> object:
    async with house.database.read() as connection:
        found = await drafts.find(connection, house.secret, written.service.id, "contact", NOW)
    return found and found.fields


async def notice(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        found = await sessions.find(connection, SESSION, NOW)
    return found and sessions.notice_of(found, house.secret)


async def enquiry(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        return await enquiries.newest(connection, house.secret)


async def user(house: House, _: Written) -> object:
    async with house.database.read() as connection:
        return await users.by_email(connection, house.secret, "ann@dept.gc.ca")


# A new encrypted column gets its value in `House.write`, and its reader here.
READERS: dict[str, Callable[[House, Written], Awaitable[object]]] = {
    "contents.data": content,
    "suppressions.recipient": opt_out,
    "inbound_texts.source": inbound,
    "inbound_texts.content": inbound,
    "mail_answers.sender": wrote,
    "mail_answers.message_id": wrote,
    "messages.reverse_path": reverse_path,
    "messages.recipient": recipient,
    "messages.subject": subject,
    "messages.dsn": dsn,
    "events.detail": detail,
    "callback_urls.bearer_token": bearer_token,
    "callback_urls.signing_secret": signing_secret,
    "keys.secret": secret,
    "keys.allowed_senders": allowed_senders,
    "guests.address": guest,
    "totps.secret": app_secret,
    "invitations.address": invited,
    "drafts.content": draft,
    "sessions.notice": notice,
    "enquiries.content": enquiry,
    "users.email": user,
    "users.name": user,
    "users.phone": user,
    "users.password": user,
    "dkim_keys.private_key": private_key,
}


def test_every_encrypted_column_is_read_here() -> None:
    assert {str(column) for column in encrypted.columns(metadata)} == READERS.keys()


def test_octets_that_no_rotation_finds_are_known() -> None:
    octets = (each for table in metadata.sorted_tables for each in table.columns if isinstance(each.type, LargeBinary))
    assert {str(column) for column in octets} == NOT_ENCRYPTED


async def test_every_encrypted_column_survives_a_rotation(database: Database) -> None:
    old_secret, new_secret, old_sealing, new_sealing = (Keyring.generate() for _ in range(4))
    old = House(database, Keyring.parse(old_secret), Keyring.parse(old_sealing))
    both = House(database, Keyring.parse(f"{new_secret},{old_secret}"), Keyring.parse(f"{new_sealing},{old_sealing}"))
    new = House(database, Keyring.parse(new_secret), Keyring.parse(new_sealing))
    written = await old.write()
    before = {name: await read(old, written) for name, read in READERS.items()}
    assert all(before.values())
    under_old = await prefixes(old)

    await rotation.rotate(database, both.secret, both.sealing, lambda: NOW)

    assert {name: await read(new, written) for name, read in READERS.items()} == before
    assert under_old == keys_of(old)
    assert await prefixes(new) == keys_of(new)


def keys_of(house: House) -> dict[str, set[bytes]]:
    """The id of the key that encrypts each column, as it stands in front of every value."""
    return {str(each): {encrypted.cipher(each, keyring_of(house, each)).id} for each in encrypted.columns(metadata)}


def keyring_of(house: House, column: Any) -> Keyring:
    return house.sealing if encrypted.declared(column).root is Root.SEALING else house.secret


async def prefixes(house: House) -> dict[str, set[bytes]]:
    """The ids that do stand there; values that are not there have none."""
    async with house.database.read() as connection:
        return {
            str(each): {value[:4] for value in await connection.scalars(select(each).where(each.is_not(None)))}
            for each in encrypted.columns(metadata)
        }
