"""Origination identities, as people change them: what texts come from. On the command line they are senders."""

from typing import Any

from delivery.library import origination
from delivery.library.origination import Kind, OriginationIdentity
from delivery.queue import lines
from relay.actions.errors import NOTHING_NAMED, ActionError
from relay.actions.services import ensure_own
from relay.actions.transaction import Transaction
from relay.plain import plain


async def add(t: Transaction, kind: Kind, identity: str, service: str | None, **options: Any) -> OriginationIdentity:
    """Shared, unless a service is named. `options` are those of origination.add. Raises a TextError."""
    service_id = None if service is None else (await t.service(service)).id
    if service_id is None:
        await ensure_own(t)  # it answers who asks for help at a number that nobody texted from
    made = await origination.add(t.connection, t.now, kind=kind, identity=identity, service_id=service_id, **options)
    await _record(t, "add", None, made)
    return made


async def update(t: Transaction, named: str, **changes: Any) -> OriginationIdentity:
    """Changes what is named; who waits for it chooses again. Raises a TextError."""
    if not changes:
        raise ActionError(NOTHING_NAMED)
    before = await origination.find(t.connection, named)
    after = await origination.change(t.connection, before.id, **changes)
    await t.connection.execute(lines.dissolved(before.id, t.now))
    await _record(t, "update", before, after)
    return after


async def remove(t: Transaction, named: str) -> OriginationIdentity:
    """Texts leave from it no more; who waits for it chooses again. Raises a TextError."""
    before = await origination.find(t.connection, named)
    await origination.remove(t.connection, before.id)
    await t.connection.execute(lines.dissolved(before.id, t.now))
    await _record(t, "remove", before, None)
    return before


async def _record(
    t: Transaction, action: str, before: OriginationIdentity | None, after: OriginationIdentity | None
) -> None:
    of = before or after
    assert of is not None
    old, new = (None if each is None else plain(each) for each in (before, after))
    await t.record(f"sender.{action}", "sender", of.id, old, new, service_id=of.service_id)
