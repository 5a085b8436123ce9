"""Who is on the way in: the session knows them, and nothing is theirs before all is proved."""

from uuid import UUID

from auth.people import users
from auth.people.users import User
from relay.site.visits import Visit


async def person_of(visit: Visit) -> User | None:
    session = visit.session
    return None if session is None or session.user_id is None else await find(visit, session.user_id)


async def find(visit: Visit, user_id: UUID) -> User | None:
    """None: there is nobody, or they are held."""
    async with visit.site.database.read() as connection:
        found = await users.find(connection, visit.site.secret, user_id)
    return found if found is not None and found.held_at is None else None
