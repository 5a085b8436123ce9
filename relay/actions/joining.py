"""Joining a team, as the invited do it. The audit knows the invitation by its id."""

from uuid import UUID

from auth.people import invitations
from auth.people.memberships import Membership
from messages.address import Address
from relay.actions import members
from relay.actions.transaction import Transaction


async def accept(t: Transaction, user_id: UUID, address: str, code: str) -> Membership:
    """They are of the team from now on. Raises AuthError unless it is their address that was invited, or when it is
    over.
    """
    found = await invitations.by_code(t.connection, t.secret, code, Address.parse(address), t.now)
    service_id = found.service_id
    await t.service_to_change(str(service_id))  # before the invitation, as whoever ends it does
    await invitations.end(t.connection, found, t.now)
    made = await members.add(t, str(service_id), user_id, found.permissions)
    held = {"permissions": sorted(found.permissions)}
    await t.record("service.invitation.accept", "invitation", found.id, held, None, service_id=service_id)
    return made
