"""A key's secret between the form that made the key and the page that shows it: never in an address or in the clear.

It is kept as drafts are, encrypted under the root secret and bound to its row, for the session that made the key and
nobody else: until that says that it has the secret, or for five minutes, so that neither a reload nor the other
language loses it.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.keys import Issued
from auth.people import drafts
from auth.people.drafts import KEPT_SECONDS, Draft
from relay.site.visits import Visit

SHOWN_SECONDS = 300.0


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    api_key: str
    smtp_password: str


def _form(key_id: UUID) -> str:
    return f"secret of {key_id}"  # no path: no page is given it as its draft


async def keep(connection: AsyncConnection, visit: Visit, issued: Issued) -> None:
    """In the transaction that makes the key."""
    draft = Draft({"api_key": [issued.api_key], "smtp_password": [issued.smtp_password]})
    as_if_kept_at = visit.now - KEPT_SECONDS + SHOWN_SECONDS  # then it is over, and swept, as other drafts are in a day
    await drafts.keep(connection, visit.site.secret, _owner(visit), _form(issued.key.id), draft, as_if_kept_at)


async def find(connection: AsyncConnection, visit: Visit, key_id: UUID) -> Shown | None:
    """None: it was shown, or somebody else made the key."""
    draft = await drafts.find(connection, visit.site.secret, _owner(visit), _form(key_id), visit.now)
    if draft is None:
        return None
    return Shown(draft.fields["api_key"][0], draft.fields["smtp_password"][0])


async def drop(connection: AsyncConnection, visit: Visit, key_id: UUID) -> None:
    await drafts.drop(connection, _owner(visit), _form(key_id))


def _owner(visit: Visit) -> UUID:
    return visit.the_session.id
