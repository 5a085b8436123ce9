"""Bans, as people look at and lift them."""

from dataclasses import dataclass

from auth import keys, throttle
from auth.bans import Ban, place
from auth.principal import Key
from relay.actions.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Banned:
    """With the key whose user name failed; None: the whole address is banned, or a user name that no key has."""

    ban: Ban
    key: Key | None


async def all_bans(t: Transaction) -> list[Banned]:
    """All that last."""
    hasher, domain = t.secret.hasher(throttle.PURPOSE), t.settings.email.default_domain
    known = {
        throttle.name_hash(hasher, key.smtp_username, domain): key
        for key in await keys.list_all(t.connection, t.secret, t.limits)
    }
    found = await throttle.bans(t.connection, t.now)
    return [Banned(ban, None if ban.name is None else known.get(ban.name)) for ban in found]


async def lift(t: Transaction, address: str) -> None:
    """Forgets the failures of an address; doors follow within 2 seconds. Raises AuthError when there are none."""
    await throttle.lift(t.connection, address, t.now)
    await t.record("ban.lift", "address", place(address.strip()), {}, None)
