"""A sign-in from a browser that was not seen before is told to its person, wherever they are."""

from uuid import uuid4

import structlog

from auth.people import devices
from auth.people.users import User
from messages.reply import Refused
from relay.failures import described
from relay.site.visits import Visit


async def welcome(visit: Visit, person: User) -> None:
    """After both factors. The first browser of an account is no news."""
    async with visit.site.database.write() as connection:
        is_first = not await devices.knows_any(connection, person.id)
        is_new = await devices.meet(connection, person.id, visit.device, visit.now)
    if not is_new or is_first:
        return
    try:
        await visit.site.codes.new_device(person, visit.device, f"device.{uuid4()}")
    except Refused as refused:  # they are in all the same
        structlog.get_logger("site").error("site.letter_refused", **described(refused))
