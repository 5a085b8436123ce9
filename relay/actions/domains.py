"""Domains, as people change them. The audit tells of each key its selector, state and whether it signs."""

from typing import Any

from auth.domains import names
from auth.domains.names import Domain
from relay.actions.transaction import Transaction
from relay.plain import plain


async def add(t: Transaction, name: str) -> Domain:
    """A new domain with its first key. Raises AuthError."""
    name = names.parse_name(name)
    needs_dns = names.needs_dns(name, t.settings.email)
    made = await names.add(t.connection, t.sealing, name, t.now, needs_dns=needs_dns)
    await record(t, "add", None, made)
    return made


async def rotate(t: Transaction, name: str | None) -> Domain:
    """The domain, or the default one, with its next key. Raises AuthError."""
    email = t.settings.email
    before = await names.named(t.connection, t.sealing, name, email, t.now)
    after = await names.rotate(t.connection, t.sealing, before, t.now, needs_dns=email.provider != "outbox")
    await record(t, "rotate", before, after)
    return after


async def record(t: Transaction, action: str, before: Domain | None, after: Domain) -> None:
    """Writes an action on a domain into the audit."""
    await t.record(f"domain.{action}", "domain", after.id, None if before is None else _told(before), _told(after))


def _told(domain: Domain) -> dict[str, Any]:
    keys = [{"selector": key.selector, "state": key.life.state.value, "signs": key.signs} for key in domain.keys]
    fields = plain(domain)
    return {name: fields[name] for name in ("name", "created_at", "verified_at")} | {"keys": keys}
