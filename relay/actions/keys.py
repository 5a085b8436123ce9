"""Keys, as people change them: their terms are checked against what this relay's doors take."""

from typing import Any

from auth import keys
from auth.principal import Key
from messages.message import KeyType
from relay.actions.errors import KEY_EXPIRES_BEFORE, MAX_BYTES_BEYOND, NOTHING_NAMED, ActionError
from relay.actions.services import with_branding
from relay.actions.transaction import Transaction
from relay.plain import plain

_SEALED = frozenset({"allowed_from"})  # people's addresses


async def create(
    t: Transaction,
    service: str,
    *,
    name: str,
    type: KeyType,  # noqa: A002 - the word of the interface
    **terms: Any,
) -> keys.Issued:
    """A key with its secret, which is seen this once; `terms` are auth.keys.Terms. Raises a TextError."""
    owner = await t.service(service)
    terms = await with_branding(t, owner.id, _kept(t, terms))
    issued = await keys.create(t.connection, t.secret, t.limits, owner, t.now, name=name, type=type, **terms)
    await _record(t, "create", None, issued.key)
    return issued


async def update(t: Transaction, named: str, **changes: Any) -> Key:
    """Changes what is named: terms, and the name. Raises a TextError."""
    changes = _kept(t, changes)
    if not changes:
        raise ActionError(NOTHING_NAMED)
    before = await t.key_to_change(named)
    changes = await with_branding(t, before.service_id, changes)
    after = await keys.update(t.connection, t.secret, t.limits, before.id, **changes)
    await _record(t, "update", before, after)
    return after


async def revoke(t: Transaction, named: str) -> Key:
    """Ends a key for good, within 5 seconds. Raises AuthError."""
    before = await t.key_to_change(named)
    after = await keys.revoke(t.connection, t.secret, t.limits, before.id, t.now)
    await _record(t, "revoke", before, after)
    return after


async def rotate(t: Transaction, named: str, *, overlap_seconds: float = keys.OVERLAP_SECONDS) -> keys.Issued:
    """A new key with the same settings; the old one ends after the overlap. Raises AuthError."""
    old = await t.key_to_change(named)
    issued = await keys.rotate(t.connection, t.secret, t.limits, old.id, t.now, overlap_seconds=overlap_seconds)
    ending = await keys.find(t.connection, t.secret, t.limits, old.id)
    before, after = ({"expires_at": plain(each)["expires_at"], "successor": None} for each in (old, ending))
    after["successor"] = str(issued.key.id)
    await t.record("key.rotate", "key", old.id, before, after, service_id=old.service_id)
    return issued


def _kept(t: Transaction, terms: dict[str, Any]) -> dict[str, Any]:
    """The terms. Raises ActionError for what this relay's doors would not keep."""
    if terms.get("expires_at") and terms["expires_at"] <= t.now:
        raise ActionError(KEY_EXPIRES_BEFORE)
    if (terms.get("max_message_bytes") or 0) > t.settings.smtp.max_message_bytes:
        raise ActionError(MAX_BYTES_BEYOND, limit=t.settings.smtp.max_message_bytes)
    return terms


async def _record(t: Transaction, action: str, before: Key | None, after: Key) -> None:
    old = None if before is None else plain(before)
    await t.record(f"key.{action}", "key", after.id, old, plain(after), service_id=after.service_id, sealed=_SEALED)
