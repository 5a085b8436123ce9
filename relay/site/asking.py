"""What this site asks a browser for a passkey with: bound to the host that the visitor sees, and to their session."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from auth.people import passkeys
from auth.people.ceremonies import Ceremonies, RelyingParty
from relay.site.visits import Visit


def ceremonies(visit: Visit) -> Ceremonies | None:
    """None: browsers know no passkeys at an IP address. No other host than ours is answered; see guard.py."""
    scheme = urlsplit(visit.site.settings.site.public_url).scheme
    host = visit.request.headers.get("host", "")
    party = RelyingParty.at(f"{scheme}://{host}", visit.site.settings.site.names[visit.language])
    return None if party is None else Ceremonies(party, visit.site.secret, visit.csrf)


async def options(visit: Visit, user_id: UUID) -> dict[str, Any] | None:
    """For a form that asks for one of this user's passkeys; None: there is nothing to ask for."""
    asked = ceremonies(visit)
    async with visit.site.database.read() as connection:
        has = await passkeys.of_user(connection, user_id)
    return asked.authentication_options(visit.now, has) if asked is not None and has else None
