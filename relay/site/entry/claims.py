"""An address that somebody says is theirs, kept with their session until the code that went there comes back.

What is asked of the database, kept and answered is the same whether it has an account or not, and so is the time that
it takes: what differs is the letter, which is written behind the answer. No session knows a user before that.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.people import codes, drafts
from auth.people.codes import CodeError, Made, Purpose
from auth.people.drafts import Draft
from relay.site.parts import Site
from relay.site.visits import Visit


@dataclass(frozen=True, slots=True)
class ClaimedAddress:
    """`given`: what else was typed; of a password there is its hash alone."""

    email: str
    given: Mapping[str, str] = field(default_factory=dict, repr=False)


# Gives the id of its message; None: there is none to send.
Letter = Callable[[Site, ClaimedAddress, Made, str], Awaitable[UUID | None]]


async def begin(visit: Visit, purpose: Purpose, claim: ClaimedAddress, letter: Letter) -> None:
    """In a session of its own, so that nobody has the token who planted it. Raises CodeError."""
    secret, owner = visit.site.secret, _owner(visit, claim)
    kept = Draft({"email": [claim.email], **{name: [each] for name, each in claim.given.items()}})
    async with visit.site.database.write() as connection:
        await codes.check_pace(connection, purpose, owner, visit.now)  # before the session that there is ends
        session = await visit.begin(connection, None, {})
        issued = await codes.issue(connection, secret, purpose, owner, session.id, visit.now)
        await drafts.keep(connection, secret, session.id, _name(purpose), kept, visit.now)
    _write(visit, claim, letter, *issued)


async def again(visit: Visit, purpose: Purpose, claim: ClaimedAddress, letter: Letter) -> None:
    """Another code. Raises CodeError."""
    secret, owner = visit.site.secret, _owner(visit, claim)
    async with visit.site.database.write() as connection:
        issued = await codes.issue(connection, secret, purpose, owner, visit.the_session.id, visit.now)
    _write(visit, claim, letter, *issued)


async def find(visit: Visit, purpose: Purpose) -> ClaimedAddress | None:
    """That of this session."""
    if visit.session is None:
        return None
    async with visit.site.database.read() as connection:
        kept = await drafts.find(connection, visit.site.secret, visit.session.id, _name(purpose), visit.now)
    if kept is None:
        return None
    given = {name: values[0] for name, values in kept.fields.items()}
    return ClaimedAddress(given.pop("email"), given)


async def opened(visit: Visit, purpose: Purpose) -> Made | None:
    """The code that this session waits for."""
    claim = await find(visit, purpose)
    if claim is None:
        return None
    async with visit.site.database.read() as connection:
        return await codes.opened(connection, purpose, _owner(visit, claim), visit.the_session.id, visit.now)


async def use(
    visit: Visit, connection: AsyncConnection, purpose: Purpose, claim: ClaimedAddress, given: str
) -> CodeError | None:
    """As codes.use; the claim is gone once it is proved."""
    secret, owner, session = visit.site.secret, _owner(visit, claim), visit.the_session
    wrong = await codes.use(connection, secret, purpose, owner, session.id, given, visit.now)
    if wrong is None:
        await drafts.drop(connection, session.id, _name(purpose))
    return wrong


def _owner(visit: Visit, claim: ClaimedAddress) -> UUID:
    return codes.of_address(visit.site.secret, claim.email)


def _write(visit: Visit, claim: ClaimedAddress, letter: Letter, made: Made, code: str) -> None:
    site = visit.site

    async def write() -> None:
        message_id = await letter(site, claim, made, code)
        if message_id is not None:
            async with site.database.write() as connection:
                await codes.sent(connection, made, message_id)

    site.later.start(write)


def _name(purpose: Purpose) -> str:
    """Of the draft: of no page's form."""
    return f"#{purpose}"
