"""Brandings, as people change them: what a service's messages look like. The audit names a logo by its content."""

from typing import Any
from uuid import UUID

from delivery.library import brandings
from messages.variant import Variant
from relay.actions.errors import NOTHING_NAMED, ActionError
from relay.actions.transaction import Transaction
from relay.plain import plain


async def create(t: Transaction, service: str | None = None, **fields: Any) -> Variant:
    """A new branding, of one service or of all; `fields` are delivery.library.brandings.FIELDS. Raises a TextError."""
    owner = None if service is None else (await t.service(service)).id
    made = await brandings.create(t.connection, owner, t.now, **fields)
    await _record(t, "create", None, made)
    return made


async def update(t: Transaction, named: str, **changes: Any) -> Variant:
    """A new version with what is named; messages accepted before keep theirs. Raises a TextError."""
    if not changes:
        raise ActionError(NOTHING_NAMED)
    before = await _find(t, named)
    after = await brandings.update(t.connection, _id(before), t.now, **changes)
    await _record(t, "update", before, after)
    return after


async def archive(t: Transaction, named: str) -> Variant:
    """Doors take no more messages with it; those accepted are sent. Raises VariantError."""
    before = await _find(t, named)
    after = await brandings.archive(t.connection, _id(before))
    await _record(t, "archive", before, after)
    return after


async def _find(t: Transaction, named: str) -> Variant:
    return await brandings.find(t.connection, await brandings.named(t.connection, named))


def _id(variant: Variant) -> UUID:
    assert isinstance(variant.id, UUID)  # the built-in ones are not found by `named`
    return variant.id


async def _record(t: Transaction, action: str, before: Variant | None, after: Variant) -> None:
    old = None if before is None else _told(before)
    await t.record(f"branding.{action}", "branding", _id(after), old, _told(after), service_id=after.service_id)


def _told(variant: Variant) -> dict[str, Any]:
    return plain(variant) | {"logo": variant.logo and variant.logo.name}
