"""Sessions of somebody, as they end them themselves."""

from uuid import UUID

from auth.people import sessions
from auth.people.sessions import Session
from relay.actions.transaction import Transaction


async def end(t: Transaction, mine: Session, session_id: UUID) -> bool:
    """One that the same user has elsewhere; whether there is such a one."""
    assert mine.user_id is not None
    found = [each for each in await sessions.of_user(t.connection, mine.user_id, t.now) if each.id == session_id]
    for each in found:
        await sessions.end(t.connection, each.id)
        await t.record("user.session.end", "user", mine.user_id, {"device": each.device}, None)
    return bool(found)


async def end_others(t: Transaction, mine: Session) -> int:
    """How many that were."""
    assert mine.user_id is not None
    count = await sessions.end_all(t.connection, mine.user_id, but=mine.id)
    await t.record("user.session.end-others", "user", mine.user_id, {"sessions": count}, None)
    return count
