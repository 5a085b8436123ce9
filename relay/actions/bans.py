"""Bans, as people lift them."""

from auth import throttle
from auth.bans import place
from relay.actions.transaction import Transaction


async def lift(t: Transaction, address: str) -> None:
    """Forgets the failures of an address; doors follow within 2 seconds. Raises AuthError when there are none."""
    await throttle.lift(t.connection, address, t.now)
    await t.record("ban.lift", "address", place(address.strip()), {}, None)
