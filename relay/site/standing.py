"""Who a visitor is, and whether a route is for them: one read for each request, before its handler.

What somebody may not see is as if it were not there. Knows no page.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import services
from auth.errors import AuthError
from auth.people import drafts, sessions
from auth.people.drafts import Draft
from auth.people.permissions import Permission
from auth.people.sessions import Session, State
from auth.people.users import User
from auth.principal import Service
from config.keyring import Keyring
from config.settings import Limits
from messages.message import parse_id
from relay.site.errors import Missing
from relay.site.routing import Needs, Route

FRESH_SECONDS = 10 * 60.0
SERVICE_ID = "service_id"


class People(Protocol):
    """Who there is, and what each may do in a service."""

    async def user(self, connection: AsyncConnection, user_id: UUID) -> User | None: ...

    async def permissions(
        self, connection: AsyncConnection, user_id: UUID, service_id: UUID
    ) -> Collection[Permission] | None:
        """None: no member."""
        ...

    async def services(
        self, connection: AsyncConnection, limits: Limits, user_id: UUID
    ) -> Sequence[tuple[Service, Collection[Permission]]]:
        """Those that somebody is a member of, by name, and what they may do in each."""
        ...


class Hurdle(Enum):
    """What stands between a visitor and a page that may be theirs: the path where it is taken."""

    SIGN_IN = "sign-in"
    UNLOCK = "unlock"
    STEP_UP = "step-up"


@dataclass(frozen=True, slots=True)
class Standing:
    """`user` is None unless somebody is signed in and there."""

    token: str | None = None
    session: Session | None = None
    user: User | None = None
    service: Service | None = None
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    draft: Draft | None = None  # of the page's form
    is_locked: bool = False

    @property
    def owner(self) -> UUID | None:
        """Whose drafts are theirs; of a locked session still its user's."""
        if self.session is None:
            return None
        return self.session.user_id if self.session.is_signed_in else self.session.id


async def find(connection: AsyncConnection, people: People, token: str | None, now: float) -> Standing:
    """Of whoever has the token; without service and draft."""
    session = await sessions.find(connection, token, now) if token else None
    if session is None:
        return Standing(token)
    if not session.is_signed_in or session.user_id is None:
        return Standing(token, session)
    user = await people.user(connection, session.user_id)
    if user is None or user.held_at is not None:
        return Standing()
    is_locked = session.state(now) is State.LOCKED
    return Standing(token, session, None if is_locked else user, is_locked=is_locked)


async def at(
    connection: AsyncConnection,
    people: People,
    limits: Limits,
    standing: Standing,
    route: Route,
    parameters: Mapping[str, str],
) -> tuple[Service | None, frozenset[Permission]]:
    """The service that the path names, and what they may do there. Raises Missing where the route is not for them."""
    assert standing.user is not None
    if route.needs is Needs.OPERATOR and not standing.user.operator:
        raise Missing
    if SERVICE_ID not in parameters:
        return None, frozenset()
    service_id = parse_id(parameters[SERVICE_ID])
    if service_id is None:
        raise Missing
    try:
        service = await services.find(connection, limits, service_id)
    except AuthError:
        raise Missing from None
    held = await people.permissions(connection, standing.user.id, service_id)
    if held is None and route.needs is not Needs.OPERATOR:
        raise Missing
    if isinstance(route.needs, Permission) and route.needs not in (held or ()):
        raise Missing
    return service, frozenset(held or ())


async def draft(
    connection: AsyncConnection, secret: Keyring, standing: Standing, form: str, now: float
) -> Draft | None:
    owner = standing.owner
    return None if owner is None else await drafts.find(connection, secret, owner, form, now)


def hurdle(standing: Standing, route: Route, now: float) -> Hurdle | None:
    """What a visitor has to do before a page that may be theirs; None: it is."""
    if route.needs is Needs.NOBODY:
        return None
    if standing.user is None:
        return Hurdle.UNLOCK if standing.is_locked else Hurdle.SIGN_IN
    assert standing.session is not None
    is_weak = route.is_strong and not standing.session.is_strong
    is_stale = route.fresh and not standing.session.proved_within(FRESH_SECONDS, now)
    return Hurdle.STEP_UP if is_weak or is_stale else None
