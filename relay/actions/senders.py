"""Registered senders, as people change them."""

from auth import senders
from auth.principal import Service
from relay.actions.transaction import Transaction


async def add(t: Transaction, service: Service, text: str) -> str:
    """Registers an address, or a domain as @domain; returns it as it is compared. Raises AuthError."""
    await t.service_to_change(str(service.id))  # counted before it is written: one after the other
    sender = await senders.add(t.connection, service.id, text, t.now)
    await t.record("service.sender.add", "sender", sender, None, {"sender": sender}, service_id=service.id)
    return sender


async def remove(t: Transaction, service: Service, text: str) -> str:
    """Raises AuthError when it is not registered."""
    sender = await senders.remove(t.connection, service.id, text)
    await t.record("service.sender.remove", "sender", sender, {"sender": sender}, None, service_id=service.id)
    return sender
