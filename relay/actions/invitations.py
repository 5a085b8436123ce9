"""Invitations into a team, as people make and cancel them. The audit knows them by their ids."""

from collections.abc import Collection
from uuid import UUID

from auth.errors import ADDRESS_NOT_ALLOWED, MEMBER_TAKEN, AuthError
from auth.people import invitations, memberships, organisations, users
from auth.people.invitations import Invitation
from auth.people.permissions import Permission
from messages.address import Address, AddressError
from relay.actions import services
from relay.actions.errors import BAD_ADDRESS, ActionError
from relay.actions.transaction import Transaction


async def invite(
    t: Transaction, service: str, address: str, permissions: Collection[Permission], by: UUID
) -> tuple[Invitation, str]:
    """The invitation and its code, for the mail alone. Raises a TextError."""
    owner = await t.service_to_change(service)
    parsed = _parse(address)
    if await organisations.of_address(t.connection, str(parsed)) is None:
        raise AuthError(ADDRESS_NOT_ALLOWED)
    known = await users.by_email(t.connection, t.secret, str(parsed))
    if known is not None and await memberships.find(t.connection, owner.id, known.id) is not None:
        raise AuthError(MEMBER_TAKEN)
    made, code = await invitations.add(
        t.connection, t.secret, t.now, service_id=owner.id, address=parsed, permissions=permissions, invited_by=by
    )
    await _record(t, "add", made)
    await services.ensure_own(t)  # it writes the letter
    return made, code


async def cancel(t: Transaction, service: str, invitation_id: UUID) -> Invitation:
    """Raises AuthError when it is over already."""
    owner = await t.service_to_change(service)
    found = await invitations.of_id(t.connection, t.secret, owner.id, invitation_id, t.now)
    await invitations.end(t.connection, found, t.now)
    await _record(t, "cancel", found)
    return found


async def end_all_by(t: Transaction, service_id: UUID, user_id: UUID) -> None:
    """Who may invite nobody any more has invited nobody: what they sent lets nobody in."""
    for each in await invitations.of_service(t.connection, t.secret, service_id, t.now):
        if each.invited_by == user_id:
            await invitations.end(t.connection, each, t.now)
            await _record(t, "cancel", each)


def _parse(text: str) -> Address:
    try:
        return Address.parse(text.strip())
    except AddressError as error:
        raise ActionError(BAD_ADDRESS, reason=error.text) from None


async def _record(t: Transaction, action: str, invitation: Invitation) -> None:
    held = {"permissions": sorted(invitation.permissions)}
    before, after = (None, held) if action == "add" else (held, None)
    await t.record(
        f"service.invitation.{action}",
        "invitation",
        invitation.id,
        before,
        after,
        service_id=invitation.service_id,
    )
