"""What of the queue is held, of whom and why, and what its service says of the cause; and keys that are slowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from auth.principal import Key
from delivery.guard import pace_of_keys
from delivery.guard.reputation import of_service
from delivery.queue import interventions
from delivery.queue.base import Hold, HoldReason
from delivery.store import slowing
from delivery.store.reputations import Level, reputations
from messages.message import Lane
from relay.actions.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """Lanes that wait for one reason. Of what is measured: how many messages were bad, of how many sent."""

    reason: HoldReason
    of_all: bool  # services
    lanes: Sequence[Lane]
    since_at: float
    bad: int | None = None
    sent: int | None = None
    acted_at: float | None = None  # when the service said that the cause is mended

    @property
    def share(self) -> float:
        return (self.bad or 0) / (self.sent or 1)

    @property
    def can_act(self) -> bool:
        """Whether the service must say something before it ends."""
        return self.sent is not None and self.acted_at is None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a service's messages wait for."""

    held: Sequence[Held]
    warned: Sequence[Held]
    slowed: Mapping[UUID, int]  # keys, and how many of their messages leave in an hour

    def __bool__(self) -> bool:
        return bool(self.held or self.warned or self.slowed)


async def every(t: Transaction, named: str | None) -> list[Hold]:
    """Every hold, or those that a service waits for. Raises AuthError."""
    return await interventions.held(t.connection, None if named is None else (await t.service(named)).id)


async def of(t: Transaction, service_id: UUID) -> Waiting:
    """A read."""
    judged = {each.measure.value: each for each in await of_service(t.connection, service_id)}
    lanes: dict[tuple[HoldReason, bool], list[Hold]] = {}
    for hold in await interventions.held(t.connection, service_id):
        lanes.setdefault((hold.reason, hold.service_id is None), []).append(hold)
    found = []
    for (reason, of_all), holds in lanes.items():
        about = judged.get(reason.value)
        figures = () if about is None else (*about.figures, about.acted_at)
        named = sorted((each.lane for each in holds), key=lambda lane: lane.rank)
        found.append(Held(reason, of_all, named, min(each.since for each in holds), *figures))
    warned = [
        Held(HoldReason(each.measure.value), False, (), each.since, *each.figures)
        for each in judged.values()
        if each.level is Level.WARNED
    ]
    return Waiting(found, warned, await slowing.per_hour(t.connection, service_id))


async def act(t: Transaction, named: str) -> bool:
    """Somebody of the service says that the cause is mended; whether anything waited for that. Raises AuthError."""
    service = await t.service_to_change(named)
    mine = (reputations.c.service_id == service.id, reputations.c.level == Level.HELD.value)
    waiting = (*mine, reputations.c.acted_at.is_(None))
    measures = list(await t.connection.scalars(select(reputations.c.measure).where(*waiting)))
    if measures:
        await t.connection.execute(update(reputations).where(*waiting).values(acted_at=t.now))
        after = {"mended": sorted(measures)}
        await t.record("queue.mended", "queue", service.id, None, after, service_id=service.id)
    return bool(measures)


async def unslow(t: Transaction, named: str) -> tuple[Key, bool]:
    """What the key sends leaves at once again, and counts as its habit; whether it was slowed. Raises AuthError."""
    key = await t.key_to_change(named)
    was_slowed = await pace_of_keys.unslow(t.connection, key.id, t.now)
    if was_slowed:
        await t.record("key.unslow", "key", key.id, {"slowed": True}, {"slowed": False}, service_id=key.service_id)
    return key, was_slowed
