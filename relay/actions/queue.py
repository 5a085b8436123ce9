"""The queue, as people hold it, release it and try again: of one service, or of all."""

from uuid import UUID

from delivery.queue import interventions
from relay.actions.transaction import Fields, Transaction


async def hold(t: Transaction, named: str | None) -> UUID | None:
    """Sends nothing more; mail is still accepted. Returns the service's id. Raises AuthError."""
    owner = await _owner(t, named)
    new = await interventions.hold(t.connection, owner, t.now)
    await _record(t, "hold", owner, {"held": not new}, {"held": True})
    return owner


async def release(t: Transaction, named: str | None) -> UUID | None:
    """Sends again. Returns the service's id. Raises AuthError."""
    owner = await _owner(t, named)
    was_held = await interventions.release(t.connection, owner)
    await _record(t, "release", owner, {"held": was_held}, {"held": False})
    return owner


async def retry(t: Transaction, named: str | None) -> tuple[int, UUID | None]:
    """Deferred messages are due now; how many, and the service's id. Raises AuthError."""
    owner = await _owner(t, named)
    count = await interventions.retry(t.connection, t.now, owner)
    await _record(t, "retry", owner, {"deferred": count}, {"deferred": 0})
    return count, owner


async def _owner(t: Transaction, named: str | None) -> UUID | None:
    return None if named is None else (await t.service(named)).id


async def _record(t: Transaction, action: str, owner: UUID | None, before: Fields, after: Fields) -> None:
    await t.record(f"queue.{action}", "queue", owner or "all", before, after, service_id=owner)
