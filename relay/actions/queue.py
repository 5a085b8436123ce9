"""The queue, as people hold it, release it, try again and cancel: what they mean of it, or all.

What meets many messages is done in portions, each with its entry in the audit: broken off and begun again, it goes on.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, true

from config import encrypted
from delivery.followers import followers
from delivery.queue import interventions
from delivery.queue.selecting import Counted, Selecting, Selection
from delivery.store.tables import messages
from messages.address import parse_domain
from messages.message import Lane
from relay.actions.transaction import Fields, Transaction, Transactions

_MOVED_AT_ONCE = 500
_CANCELLED_AT_ONCE = 100  # each is counted and told


@dataclass(frozen=True, slots=True)
class Meant:
    """Messages that wait, as people name them; what is None is no condition."""

    service: str | None = None  # by its id or its name
    lane: Lane | None = None
    domain: str | None = None  # of the recipient
    older_than_seconds: float = 0
    message_ids: frozenset[UUID] | None = None
    key: str | None = None  # that they were sent with, by its id or its user name


@dataclass(frozen=True, slots=True)
class Found:
    """What was meant, and how much it is."""

    selection: Selection
    counted: Counted

    @property
    def messages(self) -> int:
        return self.counted.lanes.total()


async def hold(t: Transaction, named: str | None, lane: Lane | None = None) -> UUID | None:
    """Sends nothing more, of all lanes or one; mail is still accepted. Returns the service's id. Raises AuthError."""
    owner = await _owner(t, named)
    new = await interventions.hold(t.connection, owner, t.now, _lanes(lane))
    await _record(t, "hold", owner, {"held": not new}, {"held": True, **_of_lane(lane)})
    return owner


async def release(t: Transaction, named: str | None, lane: Lane | None = None) -> UUID | None:
    """Sends again, whatever the reason was. Returns the service's id. Raises AuthError."""
    owner = await _owner(t, named)
    was_held = await interventions.release(t.connection, owner, _lanes(lane))
    await _record(t, "release", owner, {"held": was_held}, {"held": False, **_of_lane(lane)})
    return owner


async def waiting(asking: Transactions, meant: Meant) -> Found:
    """All that is in the queue: what a hold of a lane is about. Raises a TextError."""
    return await _find(asking, meant, true())


async def to_be_held(asking: Transactions, meant: Meant) -> Found:
    """What can be held apart. Raises a TextError."""
    return await _find(asking, meant, interventions.to_be_held())


async def to_be_released(asking: Transactions, meant: Meant) -> Found:
    """What is held apart. Raises a TextError."""
    return await _find(asking, meant, interventions.to_be_released())


async def to_be_retried(asking: Transactions, meant: Meant) -> Found:
    """Raises a TextError."""
    return await _find(asking, meant, interventions.to_be_retried(asking.now()))


async def to_be_cancelled(asking: Transactions, meant: Meant) -> Found:
    """Raises a TextError."""
    return await _find(asking, meant, interventions.to_be_cancelled())


async def hold_apart(asking: Transactions, selection: Selection) -> int:
    """What waits now stays, until it is released; how many. What comes later is sent."""

    async def portion(t: Transaction, ids: list[UUID]) -> int:
        count = await interventions.hold_apart(t.connection, ids)
        await _record(t, "hold", selection.service_id, {"messages": 0}, {"messages": count, **_named(t, selection)})
        return count

    return await _in_portions(asking, selection, interventions.to_be_held(), _MOVED_AT_ONCE, portion)


async def release_apart(asking: Transactions, selection: Selection) -> int:
    """What is held apart is sent; how many."""

    async def portion(t: Transaction, ids: list[UUID]) -> int:
        count = await interventions.release_apart(t.connection, t.now, ids)
        await _record(t, "release", selection.service_id, {"messages": count}, {"messages": 0, **_named(t, selection)})
        return count

    return await _in_portions(asking, selection, interventions.to_be_released(), _MOVED_AT_ONCE, portion)


async def retry(asking: Transactions, selection: Selection) -> int:
    """Deferred messages are due now; how many."""

    async def portion(t: Transaction, ids: list[UUID]) -> int:
        count = await interventions.retry(t.connection, t.now, ids)
        await _record(t, "retry", selection.service_id, {"deferred": count}, {"deferred": 0, **_named(t, selection)})
        return count

    which = interventions.to_be_retried(asking.now())
    return await _in_portions(asking, selection, which, _MOVED_AT_ONCE, portion)


async def cancel(asking: Transactions, selection: Selection) -> int:
    """What waits is sent no more, and its services are told; how many. What is under way is left."""

    async def portion(t: Transaction, ids: list[UUID]) -> int:
        count = len(await interventions.cancel(t.connection, ids, t.now, followers(t.secret)))
        await _record(t, "cancel", selection.service_id, {"waiting": count}, {"waiting": 0, **_named(t, selection)})
        return count

    return await _in_portions(asking, selection, interventions.to_be_cancelled(), _CANCELLED_AT_ONCE, portion)


async def _in_portions(
    asking: Transactions,
    selection: Selection,
    which: ColumnElement[bool],
    at_once: int,
    portion: Callable[[Transaction, list[UUID]], Awaitable[int]],
) -> int:
    done = 0
    async for found in Selecting(asking.database, asking.secret).walk(selection, which, asking.now()):
        ids = [each.message_id for each in found]
        for start in range(0, len(ids), at_once):
            async with asking.write() as t:
                done += await portion(t, ids[start : start + at_once])
    return done


async def _find(asking: Transactions, meant: Meant, which: ColumnElement[bool]) -> Found:
    async with asking.read() as t:
        owner = await _owner(t, meant.service)
        key = None if meant.key is None else await t.key(meant.key)
    domain = None if meant.domain is None else parse_domain(meant.domain.removeprefix("@"))
    if key is not None and owner is None:
        owner = key.service_id
    age, key_id = meant.older_than_seconds, None if key is None else key.id
    selection = Selection(owner, meant.lane, domain, age, meant.message_ids, key_id)
    counted = await Selecting(asking.database, asking.secret).count(selection, which, asking.now())
    return Found(selection, counted)


def _named(t: Transaction, selection: Selection) -> Fields:
    """The conditions for the audit; a domain may name a person, and stands there by its keyed hash."""
    hasher = encrypted.hasher(messages.c.recipient, t.secret)
    conditions = {
        "lane": selection.lane and selection.lane.value,
        "domain_hash": selection.domain and hasher.hash(selection.domain).hex(),
        "older_than_seconds": selection.older_than_seconds or None,
        "key_id": selection.key_id and str(selection.key_id),
    }
    return {name: value for name, value in conditions.items() if value is not None}


def _lanes(lane: Lane | None) -> Collection[Lane]:
    return tuple(Lane) if lane is None else (lane,)


def _of_lane(lane: Lane | None) -> Fields:
    return {} if lane is None else {"lane": lane.value}


async def _owner(t: Transaction, named: str | None) -> UUID | None:
    return None if named is None else (await t.service(named)).id


async def _record(t: Transaction, action: str, owner: UUID | None, before: Fields, after: Fields) -> None:
    await t.record(f"queue.{action}", "queue", owner or "all", before, after, service_id=owner)
