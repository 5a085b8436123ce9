"""Letters to somebody whose account was changed: what, when and from where, so that they can tell when it was not them.

They go through our own relay, in the language of the account. No secret is in them.
"""

from uuid import uuid4

import structlog

from auth.people import users
from messages.reply import Refused
from messages.text import Text
from relay.dates import moment
from relay.failures import described
from relay.notices.letters import as_text
from relay.site.visits import Visit

_MAX_DEVICE_CHARACTERS = 200
_SUBJECT = Text("Your account was changed")
_BODY = Text(
    "Hello {name},\n\n{what}\n\nWhen: {when}\n\nFrom: {network}, with {device}\n\nIf this was you, there is "
    "nothing to do. If it was not, choose a new password at once: {reset}\n\nThen write to us: {contact}"
)


async def tell(visit: Visit, what: Text, *, to: str | None = None) -> None:
    """To the address of the account, or to the one that it had; what was done stays done when it cannot be sent."""
    async with visit.site.database.read() as connection:
        person = await users.get(connection, visit.site.secret, visit.the_user.id)  # as it is now, after the change
    say = visit.site.words.translator(person.language)
    url = visit.site.settings.site.public_url.rstrip("/")
    values = {
        "name": as_text(person.name),
        "what": as_text(what.render(say)),
        "when": moment(visit.now, person.language),
        "network": as_text(visit.network),
        "device": as_text(" ".join(visit.device.split())[:_MAX_DEVICE_CHARACTERS]),
        "reset": url + visit.url_in(person.language, "forgot-password"),
        "contact": url + visit.url_in(person.language, "contact"),
    }
    try:
        await visit.site.codes.tell(person, f"account.{uuid4()}", _SUBJECT, Text(_BODY.source, values), to)
    except Refused as refused:
        structlog.get_logger("site").error("site.letter_refused", **described(refused))
