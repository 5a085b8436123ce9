"""Registered senders, as people change them."""

from auth import senders
from relay.actions.transaction import Transaction


async def add(t: Transaction, service: str, text: str) -> str:
    """Registers an address, or a domain as @domain; returns it as it is compared. Raises AuthError."""
    service_id = (await t.service(service)).id
    sender = await senders.add(t.connection, service_id, text, t.now)
    await t.record("service.sender.add", "sender", sender, None, {"sender": sender}, service_id=service_id)
    return sender


async def remove(t: Transaction, service: str, text: str) -> str:
    """Raises AuthError when it is not registered."""
    service_id = (await t.service(service)).id
    sender = await senders.remove(t.connection, service_id, text)
    await t.record("service.sender.remove", "sender", sender, {"sender": sender}, None, service_id=service_id)
    return sender
