"""Domains, as people add, rotate, check and register them. Nobody waits for DNS or SES within a transaction."""

import asyncio
from dataclasses import dataclass
from typing import Any

from auth.domains import inspection, names, resolvers
from auth.domains.inspection import Finding, Result
from auth.domains.names import Domain
from relay.actions import identities
from relay.actions.transaction import Transaction, Transactions
from relay.plain import plain


@dataclass(frozen=True, slots=True)
class Checked:
    """What DNS and SES have of a domain; `usable`: services may send from it."""

    domain: Domain
    findings: tuple[Finding, ...]
    usable: bool

    @property
    def complete(self) -> bool:
        """Whether all is there that the domain needs."""
        return _is_complete(self.findings)


@dataclass(frozen=True, slots=True)
class Registered:
    """What SES has of a domain with the key of this selector; nothing, where mail goes to the outbox."""

    domain: Domain
    selector: str
    findings: tuple[Finding, ...]


async def add(t: Transaction, name: str) -> Domain:
    """A new domain with its first key. Raises AuthError."""
    name = names.parse_name(name)
    needs_dns = names.needs_dns(name, t.settings.email)
    made = await names.add(t.connection, t.sealing, name, t.now, needs_dns=needs_dns)
    await _record(t, "add", None, made)
    return made


async def rotate(t: Transaction, name: str | None) -> Domain:
    """The domain, or the default one, with its next key. Raises AuthError."""
    email = t.settings.email
    before = await names.named(t.connection, t.sealing, name, email, t.now)
    needs_dns = email.traits.needs_verified_domains
    after = await names.rotate(t.connection, t.sealing, before, t.now, needs_dns=needs_dns)
    await _record(t, "rotate", before, after)
    return after


async def check(transactions: Transactions, name: str | None) -> Checked:
    """Looks for all that the domain, or the default one, needs; once all is there it can be used. Raises AuthError."""
    settings = transactions.settings
    async with transactions.write() as t:
        domain = await names.named(t.connection, t.sealing, name, settings.email, t.now)
    asked, began = resolvers.configured(settings.dns), transactions.now()
    findings, looks, identity = await asyncio.gather(
        inspection.inspect(asked, domain, settings.aws.region),
        inspection.look_at_keys(asked, domain),
        identities.ask(transactions, domain.name),
    )
    async with transactions.write() as t:
        before = domain = await names.get(t.connection, domain.name)
        if settings.email.traits.needs_verified_domains:  # where nobody looks, no key is withdrawn
            trusted = names.is_default(domain.name, settings.email)
            domain, _ = await names.observe(t.connection, domain, looks, began, trusted=trusted)
        findings.append(inspection.signing(domain))
        if settings.email.traits.registers_domains:
            findings.append(identities.judged(domain, identity))
        if _is_complete(findings):
            domain = await names.verified(t.connection, domain, began)
        if _told(domain) != _told(before):  # to look is no change
            await _record(t, "check", before, domain)
    return Checked(domain, tuple(findings), names.is_usable(domain, settings.email))


async def register(transactions: Transactions, name: str | None) -> Registered:
    """Gives SES the domain, or the default one, with the key that signs, else the newest. Raises a TextError."""
    settings = transactions.settings
    async with transactions.write() as t:
        domain = await names.named(t.connection, t.sealing, name, settings.email, t.now)
        key = await names.shown_key(t.connection, t.sealing, domain)
    if not settings.email.traits.registers_domains:
        return Registered(domain, key.selector, ())
    finding = await identities.register(transactions, domain, key)
    # After the answer: SES is not waited for within a transaction, and an entry made before would tell of what it may
    # refuse. Where this fails, so does the action, aloud; done again it tells SES the same, and is entered.
    async with transactions.write() as t:
        await t.record("domain.register", "domain", domain.id, {}, {"registered_selector": key.selector})
    return Registered(domain, key.selector, (finding,))


def _is_complete(findings: list[Finding] | tuple[Finding, ...]) -> bool:
    return all(each.result is Result.FOUND for each in findings if each.needed)


async def _record(t: Transaction, action: str, before: Domain | None, after: Domain) -> None:
    await t.record(f"domain.{action}", "domain", after.id, None if before is None else _told(before), _told(after))


def _told(domain: Domain) -> dict[str, Any]:
    """Of each key the selector, its state and whether it signs."""
    keys = [{"selector": key.selector, "state": key.life.state.value, "signs": key.signs} for key in domain.keys]
    fields = plain(domain)
    return {
        "name": domain.name,
        "created_at": fields["created_at"],
        "verified": domain.verified_at is not None,
        "keys": keys,
    }
