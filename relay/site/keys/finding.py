"""The key that a page is about: one of the service in the path, or none at all."""

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import keys
from auth.errors import AuthError
from auth.principal import Key
from messages.message import parse_id
from relay.site.errors import Missing
from relay.site.visits import Visit


async def key_of(visit: Visit, connection: AsyncConnection) -> Key:
    """Raises Missing."""
    key_id = parse_id(visit.request.path_params["key_id"])
    if key_id is None:
        raise Missing
    try:
        found = await keys.find(connection, visit.site.secret, visit.site.settings.limits, key_id)
    except AuthError:
        raise Missing from None
    if found.service_id != visit.the_service.id:
        raise Missing
    return found


async def current_key(visit: Visit, connection: AsyncConnection) -> Key:
    """One that has not ended: what is to be changed. Raises Missing."""
    found = await key_of(visit, connection)
    if found.is_revoked(visit.now):
        raise Missing
    return found
