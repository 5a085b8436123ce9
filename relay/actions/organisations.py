"""Organisations, as operators change them: whose people may have an account, and who approves their services."""

from typing import Any
from uuid import UUID

from auth.people import organisations
from auth.people.organisations import Organisation
from delivery.library import brandings
from relay.actions import services
from relay.actions.transaction import Transaction
from relay.plain import plain

_ITS_OWN = ("id", "name", "name_fr", "language", "branding")


async def create(t: Transaction, **options: Any) -> Organisation:
    """`options` are those of auth.people.organisations.create; the branding may be named. Raises a TextError."""
    if options.get("branding"):
        options["branding"] = str(await brandings.usable(t.connection, None, options["branding"]))
    made = await organisations.create(t.connection, t.now, **options)
    after = {name: plain(made)[name] for name in _ITS_OWN}
    await t.record("organisation.create", "organisation", made.id, None, after)
    return made


async def add_domain(t: Transaction, named: str, domain: str) -> Organisation:
    """Whoever has an address there, or at what ends under it, may have an account. Raises AuthError."""
    found = await organisations.named(t.connection, named)
    added = await organisations.add_domain(t.connection, found, domain, t.now)
    await services.ensure_own(t)  # the codes of those who register come from it
    await t.record("organisation.domain.add", "organisation", found.id, None, {"domain": added})
    return await organisations.named(t.connection, str(found.id))


async def remove_domain(t: Transaction, named: str, domain: str) -> Organisation:
    """Who has an account keeps it. Raises AuthError."""
    found = await organisations.named(t.connection, named)
    gone = await organisations.remove_domain(t.connection, found, domain)
    await t.record("organisation.domain.remove", "organisation", found.id, {"domain": gone}, None)
    return await organisations.named(t.connection, str(found.id))


async def add_approver(t: Transaction, named: str, user_id: UUID) -> Organisation:
    """They decide which of its services go live. Raises AuthError."""
    found = await organisations.named(t.connection, named)
    await organisations.add_approver(t.connection, found, user_id, t.now)
    await t.record("organisation.approver.add", "organisation", found.id, None, {"user": str(user_id)})
    return await organisations.named(t.connection, str(found.id))


async def remove_approver(t: Transaction, named: str, user_id: UUID) -> Organisation:
    """Raises AuthError when they are none."""
    found = await organisations.named(t.connection, named)
    await organisations.remove_approver(t.connection, found, user_id)
    await t.record("organisation.approver.remove", "organisation", found.id, {"user": str(user_id)}, None)
    return await organisations.named(t.connection, str(found.id))
