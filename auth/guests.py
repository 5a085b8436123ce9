"""Guest lists: whom a team key or a trial service may reach.

Guests are people: their addresses and numbers are encrypted, and found by keyed hash. Knows nothing of keys.
"""

from uuid import UUID, uuid4

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Column, Double, ForeignKey, LargeBinary, Table, UniqueConstraint, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import BAD_GUEST, GUEST_TAKEN, GUEST_UNKNOWN, GUESTS_FULL, AuthError
from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Cipher, Keyring
from messages.address import Address, AddressError
from messages.phone import PhoneNumber, PhoneNumberError

MAX_GUESTS = 200  # per service: all are decrypted when a key is looked up, about 1 ms

guests = Table(
    "guests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, ForeignKey("services.id"), nullable=False),
    Column("address", Encrypted("guest", found_by="address_hash"), nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("service_id", "address_hash", name="guests_address"),
)


async def add(connection: AsyncConnection, keyring: Keyring, service_id: UUID, text: str, now: float) -> str:
    """Puts an address or number on the list; returns it as it is compared. Raises AuthError."""
    guest = parse(text)
    present = await load(connection, cipher(guests.c.address, keyring), service_id)
    if guest in present:
        raise AuthError(GUEST_TAKEN)
    if len(present) >= MAX_GUESTS:
        raise AuthError(GUESTS_FULL, limit=MAX_GUESTS)
    guest_id = uuid4()
    await connection.execute(
        insert(guests).values(
            id=guest_id,
            service_id=service_id,
            address=cipher(guests.c.address, keyring).encrypt(guest.encode(), row_id(guest_id)),
            address_hash=hasher(guests.c.address, keyring).hash(guest),
            created_at=now,
        )
    )
    return guest


async def remove(connection: AsyncConnection, keyring: Keyring, service_id: UUID, text: str) -> str:
    """Takes an address or number off the list. Raises AuthError when it is not on it."""
    guest = _stored(text)
    hashes = hasher(guests.c.address, keyring).candidates(guest)
    gone = await connection.execute(
        delete(guests).where(guests.c.service_id == service_id, guests.c.address_hash.in_(hashes))
    )
    if not gone.rowcount:
        raise _unknown(text)
    return guest


async def find(connection: AsyncConnection, keyring: Keyring, service_id: UUID, text: str) -> UUID:
    """The id of the entry of an address or number. Raises AuthError when it is not on the list."""
    hashes = hasher(guests.c.address, keyring).candidates(_stored(text))
    statement = select(guests.c.id).where(guests.c.service_id == service_id, guests.c.address_hash.in_(hashes))
    found: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    if found is None:
        raise _unknown(text)
    return found


async def load(connection: AsyncConnection, by: Cipher, service_id: UUID) -> frozenset[str]:
    """The whole list, as addresses are compared. Raises KeyringError when an entry does not open."""
    return frozenset((await entries(connection, by, service_id)).values())


async def entries(connection: AsyncConnection, by: Cipher, service_id: UUID) -> dict[UUID, str]:
    """The same by the ids of the entries."""
    rows = await connection.execute(select(guests.c.id, guests.c.address).where(guests.c.service_id == service_id))
    return {row.id: by.decrypt(row.address, row_id(row.id)).decode() for row in rows}


def parse(text: str) -> str:
    """`Recipient.key` of a mail address, or of a number like +16135550100. Raises AuthError."""
    text = text.strip()
    try:
        if "@" not in text:
            return PhoneNumber.parse(text).key
        validate_email(text, check_deliverability=False)
        return Address.parse(text).key
    except (EmailNotValidError, AddressError, PhoneNumberError):
        raise AuthError(BAD_GUEST) from None


def _stored(text: str) -> str:
    """As it may be on the list: a number that was one when it was added can have ceased to be."""
    try:
        return parse(text)
    except AuthError:
        return text.strip()


def _unknown(text: str) -> AuthError:
    """Raises AuthError for what can be on no list."""
    parse(text)
    return AuthError(GUEST_UNKNOWN)
