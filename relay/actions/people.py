"""Accounts of the web site, as people make and change them. The audit knows people by their ids."""

from typing import Any
from uuid import UUID

from auth.errors import ADDRESS_NOT_ALLOWED, AuthError
from auth.people import memberships, organisations, sessions, users
from auth.people.users import User
from messages.message import Language
from relay.actions import invitations, services
from relay.actions.errors import ACCOUNT_MANAGES, ACCOUNT_OF_OPERATOR, LastManagerError, OperatorError
from relay.actions.transaction import Fields, Transaction
from relay.plain import plain

_TOLD = ("id", "language", "operator", "created_at", "verified_at", "held_at")  # the rest is encrypted where it is


async def create(
    t: Transaction, *, email: str, name: str, language: Language = Language.EN, operator: bool = False
) -> User:
    """An account whose address whoever asks vouches for; its password is set by a code to it. Raises a TextError."""
    made = await users.create(
        t.connection, t.secret, t.now, email=email, name=name, language=language, operator=operator, verified=True
    )
    await services.ensure_own(t)  # the codes come from it
    await _record(t, "create", None, made)
    return made


async def register(t: Transaction, *, email: str, name: str, language: Language, password: str) -> User | None:
    """The account of who proved the address; None: somebody has one with it. `password` is encoded.

    Raises AuthError for an address of no organisation.
    """
    if await organisations.of_address(t.connection, email.strip()) is None:
        raise AuthError(ADDRESS_NOT_ALLOWED)
    known = await users.by_email(t.connection, t.secret, email)
    if known is not None and not gives_way(known):
        return None
    if known is not None:
        await users.drop(t.connection, known)
    made = await users.create(
        t.connection,
        t.secret,
        t.now,
        email=email,
        name=name,
        language=language,
        operator=False,
        password=password,
        verified=True,
    )
    await _record(t, "register", None, made)
    return made


def gives_way(known: User) -> bool:
    """Nobody proved the address of this account: it stands in nobody's way."""
    return known.verified_at is None and known.held_at is None


async def set_password(t: Transaction, user_id: UUID, password: str, *, session: UUID | None = None) -> User:
    """`password` is encoded. Ends all sessions but the one named (ASVS 7.4.3). Raises AuthError."""
    before = await users.get(t.connection, t.secret, user_id, to_change=True)
    after = await users.change(t.connection, t.secret, before, password=password)
    await t.record("user.password.set", "user", user_id, {}, {})
    await sessions.end_all(t.connection, user_id, but=session)
    return after


async def rehash(t: Transaction, user: User, password: str) -> None:
    """The same password by today's rules: nobody changed anything."""
    await users.change(t.connection, t.secret, user, password=password)


async def update(t: Transaction, user_id: UUID, **changes: Any) -> User:
    """Of name, language, email and phone what changes; an address or number was proved before. Raises AuthError."""
    return await _change(t, "update", user_id, **changes)


async def hold(t: Transaction, named: str) -> User:
    """Nobody signs in to it, and who is in is out at once. Raises AuthError."""
    found = await users.named(t.connection, t.secret, named)
    await sessions.end_all(t.connection, found.id)
    for service, _ in await memberships.of_user(t.connection, t.limits, found.id):
        await t.service_to_change(str(service.id))
        await invitations.end_all_by(t, service.id, found.id)
    return await _change(t, "hold", found.id, held_at=found.held_at or t.now)


async def close(t: Transaction, person: User) -> User:
    """As its owner can: not an operator's, nor that of who manages a service alone. Raises ActionError."""
    if person.operator:
        raise OperatorError(ACCOUNT_OF_OPERATOR)
    for service, _ in await memberships.of_user(t.connection, t.limits, person.id):
        await t.service_to_change(str(service.id))  # of two who manage it and leave at once, one stays
        mine = await memberships.find(t.connection, service.id, person.id)
        if mine is not None and not await memberships.is_managed_without(t.connection, mine):
            raise LastManagerError(ACCOUNT_MANAGES, service=service.name)
    return await hold(t, str(person.id))


async def release(t: Transaction, named: str) -> User:
    """Raises AuthError."""
    found = await users.named(t.connection, t.secret, named)
    return await _change(t, "release", found.id, held_at=None)


async def _change(t: Transaction, action: str, user_id: UUID, **changes: Any) -> User:
    before = await users.get(t.connection, t.secret, user_id, to_change=True)
    after = await users.change(t.connection, t.secret, before, **changes)
    await _record(t, action, before, after)
    return after


async def _record(t: Transaction, action: str, before: User | None, after: User) -> None:
    await t.record(f"user.{action}", "user", after.id, None if before is None else _told(before), _told(after))


def _told(user: User) -> Fields:
    fields = plain(user)
    return {name: fields[name] for name in _TOLD}
