"""Guest lists, as people change them. Guests are people, and encrypted: the audit knows them by their rows."""

from auth import guests
from relay.actions.transaction import Transaction


async def add(t: Transaction, service: str, text: str) -> str:
    """Puts an address or number on the guest list; returns it as it is compared. Raises AuthError."""
    service_id = (await t.service(service)).id
    guest = await guests.add(t.connection, t.secret, service_id, text, t.now)
    row_id = await guests.find(t.connection, t.secret, service_id, guest)
    await t.record("service.guest.add", "guest", row_id, None, {}, service_id=service_id)
    return guest


async def remove(t: Transaction, service: str, text: str) -> str:
    """Takes an address or number off the list. Raises AuthError when it is not on it."""
    service_id = (await t.service(service)).id
    row_id = await guests.find(t.connection, t.secret, service_id, text)
    guest = await guests.remove(t.connection, t.secret, service_id, text)
    await t.record("service.guest.remove", "guest", row_id, {}, None, service_id=service_id)
    return guest
