"""A service's team, as people change it. The audit knows people by their ids: their addresses are encrypted."""

from collections.abc import Collection
from uuid import UUID

from auth.people import memberships
from auth.people.memberships import Membership
from auth.people.permissions import Permission
from relay.actions import invitations as inviting
from relay.actions.transaction import Fields, Transaction

EVERYTHING = frozenset(Permission)


async def add(
    t: Transaction, service: str, user_id: UUID, permissions: Collection[Permission] = EVERYTHING
) -> Membership:
    """Raises AuthError when they are of the team already."""
    owner = await t.service_to_change(service)
    made = await memberships.add(t.connection, owner.id, user_id, permissions, t.now)
    await record(t, "add", made, None, _plain(made))
    return made


async def change(t: Transaction, service: str, user_id: UUID, permissions: Collection[Permission]) -> Membership:
    """They may do this from now on, and nothing else. Raises AuthError: somebody has to manage the service."""
    owner = await t.service_to_change(service)
    before = await memberships.get(t.connection, owner.id, user_id)
    after = await memberships.change(t.connection, owner.id, user_id, permissions)
    if not after.manages:
        await inviting.end_all_by(t, owner.id, user_id)
    await record(t, "change", after, _plain(before), _plain(after))
    return after


async def remove(t: Transaction, service: str, user_id: UUID) -> Membership:
    """Raises AuthError as `change` does."""
    owner = await t.service_to_change(service)
    gone = await memberships.remove(t.connection, owner.id, user_id)
    await inviting.end_all_by(t, owner.id, user_id)
    await record(t, "remove", gone, _plain(gone), None)
    return gone


async def record(t: Transaction, action: str, member: Membership, before: Fields | None, after: Fields | None) -> None:
    service_id = member.service_id
    await t.record(f"service.member.{action}", "user", member.user_id, before, after, service_id=service_id)


def _plain(member: Membership) -> Fields:
    return {"permissions": sorted(member.permissions)}
