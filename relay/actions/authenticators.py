"""How somebody signs in, as they change it themselves: apps, passkeys, recovery codes.

Each change ends their other sessions (ASVS 5.0 7.4.3): whoever got in before is out. The audit has no secret.
"""

from uuid import UUID

from auth.errors import LAST_STRONG_FACTOR, AuthError
from auth.people import authenticators, memberships, recovery, sessions, totp, users
from auth.people.ceremonies import Ceremonies
from auth.people.passkeys import Passkey
from auth.people.permissions import Permission
from auth.people.recovery import Made
from auth.people.sessions import Factor, Session
from auth.people.totp import App
from auth.people.users import User
from relay.actions.transaction import Fields, Transaction


async def begin_app(t: Transaction, session: Session, name: str) -> App:
    """Counts for nothing yet. Raises AuthError."""
    await _me(t, session)
    return await totp.begin(t.connection, t.secret, _user_id(session), name, t.now)


async def prove_app(t: Transaction, session: Session, code: str) -> App | None:
    """The app that was begun, which counts from now on; None: the code is not its own, or nothing was begun."""
    await _me(t, session)
    app = await totp.beginning(t.connection, t.secret, _user_id(session), t.now)
    if app is None or not await totp.prove(t.connection, app, code, t.now):
        return None
    await _changed(t, session, "totp.add", None, {"name": app.name})
    return app


async def add_passkey(t: Transaction, session: Session, ceremonies: Ceremonies, name: str, answer: str) -> Passkey:
    """Raises AuthError."""
    await _me(t, session)
    made = await ceremonies.register(t.connection, _user_id(session), name, answer, t.now)
    await _changed(t, session, "passkey.add", None, {"name": made.name})
    return made


async def rename(t: Transaction, session: Session, authenticator_id: UUID, name: str) -> None:
    """Raises AuthError. Changes nothing of how one signs in, and ends no session."""
    found = await authenticators.get(t.connection, t.secret, _user_id(session), authenticator_id)
    await authenticators.rename(t.connection, found, name)
    await t.record(f"user.{found.factor}.rename", "user", _user_id(session), {"name": found.name}, {"name": name})


async def remove(t: Transaction, session: Session, authenticator_id: UUID) -> Session:
    """The session, worth what it was proved with that there still is.

    Raises AuthError: who operates the relay, or holds keys, keeps one.
    """
    me = await _me(t, session)
    mine = await authenticators.of_user(t.connection, t.secret, me.id)
    found = await authenticators.get(t.connection, t.secret, me.id, authenticator_id)
    if len(mine) == 1 and (me.operator or await _holds_keys(t, me.id)):
        raise AuthError(LAST_STRONG_FACTOR)
    await authenticators.remove(t.connection, found)
    await _changed(t, session, f"{found.factor}.remove", {"name": found.name}, None)
    if any(each.factor is found.factor for each in mine if each.id != found.id):
        return session
    return await sessions.unprove(t.connection, session, found.factor)


async def put_recovery_codes(t: Transaction, session: Session, made: Made) -> None:
    """In place of those that there were."""
    await _me(t, session)
    await recovery.put(t.connection, _user_id(session), made, t.now)
    await _changed(t, session, f"{Factor.RECOVERY}.make", None, {"codes": len(made.codes)})


async def _me(t: Transaction, session: Session) -> User:
    """Nobody else changes how they sign in before the transaction ends: of two removals at once one sees the other."""
    return await users.get(t.connection, t.secret, _user_id(session), to_change=True)


async def _holds_keys(t: Transaction, user_id: UUID) -> bool:
    teams = await memberships.of_user(t.connection, t.limits, user_id)
    return any(Permission.MANAGE_API_KEYS in membership.permissions for _, membership in teams)


async def _changed(t: Transaction, session: Session, what: str, before: Fields | None, after: Fields | None) -> None:
    await sessions.end_all(t.connection, _user_id(session), but=session.id)
    await t.record(f"user.{what}", "user", _user_id(session), before, after)


def _user_id(session: Session) -> UUID:
    assert session.user_id is not None
    return session.user_id
