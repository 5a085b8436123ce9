"""Guest lists, as people change them. Guests are people, and encrypted: the audit knows them by their rows."""

from uuid import UUID

from auth import guests
from auth.principal import Service
from config import encrypted
from relay.actions.errors import GUEST_ID_UNKNOWN, UnknownError
from relay.actions.transaction import Transaction


async def entries(t: Transaction, service: Service) -> dict[UUID, str]:
    """The guest list by the ids of its entries."""
    return await guests.entries(t.connection, encrypted.cipher(guests.guests.c.address, t.secret), service.id)


async def add(t: Transaction, service: Service, text: str) -> str:
    """Puts an address or number on the guest list; returns it as it is compared. Raises AuthError."""
    await t.service_to_change(str(service.id))  # counted before it is written: one after the other
    guest = await guests.add(t.connection, t.secret, service.id, _number_of(t, text), t.now)
    row_id = await guests.find(t.connection, t.secret, service.id, guest)
    await t.record("service.guest.add", "guest", row_id, None, {}, service_id=service.id)
    return guest


async def remove(t: Transaction, service: Service, text: str) -> str:
    """Takes an address or number off the list. Raises AuthError when it is not on it."""
    text = _number_of(t, text)
    row_id = await guests.find(t.connection, t.secret, service.id, text)
    guest = await guests.remove(t.connection, t.secret, service.id, text)
    await t.record("service.guest.remove", "guest", row_id, {}, None, service_id=service.id)
    return guest


async def remove_entry(t: Transaction, service: Service, entry_id: UUID) -> str:
    """As `remove`, by the id of the entry. Raises UnknownError when the service's list has none such."""
    found = (await entries(t, service)).get(entry_id)
    if found is None:
        raise UnknownError(GUEST_ID_UNKNOWN, id=entry_id)
    return await remove(t, service, found)


def _number_of(t: Transaction, text: str) -> str:
    """What stands for a phone in mail (+16135550100@sms.<default domain>) is listed as the number that it reaches."""
    local, _, domain = text.strip().rpartition("@")
    return local if domain.lower() == t.settings.email.sms_domain else text
