"""A code on its way: sent, sent again, and how its message fares, in words."""

from contextlib import suppress
from uuid import UUID

from auth.people import codes
from auth.people.codes import CodeError, Made, Purpose
from auth.people.sessions import Factor
from auth.people.users import User
from messages.reply import Refused
from messages.status import Status
from messages.text import Text
from relay.actions import reasons
from relay.dates import moment
from relay.site.errors import Unavailable
from relay.site.visits import Visit

_WAITS = Text("It waits to be sent.")
_HANDED = Text("It was handed to the mail service, {when}.")
_DELIVERED = Text("Your mail server accepted it, {when}. If you do not see it, look among unwanted mail.")
_HANDED_TEXT = Text("It was handed to the carrier, {when}.")
_DELIVERED_TEXT = Text("Your phone received it, {when}.")
_FAILED = Text(
    "It could not be delivered: {reason}. Check the address or number, or ask whoever looks after your mail."
)
_TROUBLE = Text("It could not be sent: the fault is ours. Ask for another one in a minute.")


async def send(visit: Visit, person: User, purpose: Purpose, by: Factor = Factor.EMAIL) -> None:
    """A new code. Raises CodeError where it is too soon, Unavailable where our own relay does not take it."""
    async with visit.site.database.write() as connection:
        made, code = await codes.issue(
            connection, visit.site.secret, purpose, person.id, visit.the_session.id, visit.now
        )
    try:
        if by is Factor.TEXT:
            message_id = await visit.site.codes.by_text(person, code, made)
        else:
            message_id = await visit.site.codes.by_email(person, code, made, purpose)
    except Refused as refused:
        raise Unavailable from refused
    await note(visit, made, message_id)


async def pretend(visit: Visit, purpose: Purpose) -> None:
    """A code that goes nowhere: what is typed, or asked for again, is answered as if one had. Raises CodeError."""
    session = visit.session
    assert session is not None
    assert session.user_id is not None
    async with visit.site.database.write() as connection:
        await codes.issue(connection, visit.site.secret, purpose, session.user_id, session.id, visit.now)


async def try_to_send(visit: Visit, person: User, purpose: Purpose) -> None:
    """As `send`; where one was sent a moment ago, that one is good, or another is asked for on the next page."""
    with suppress(CodeError):
        await send(visit, person, purpose)


async def note(visit: Visit, made: Made, message_id: UUID) -> None:
    """By which message it travels."""
    async with visit.site.database.write() as connection:
        await codes.sent(connection, made, message_id)


async def opened(visit: Visit, purpose: Purpose) -> Made | None:
    """The code that this session waits for."""
    session = visit.session
    if session is None or session.user_id is None:
        return None
    async with visit.site.database.read() as connection:
        return await codes.opened(connection, purpose, session.user_id, session.id, visit.now)


async def delivery(visit: Visit, made: Made | None) -> tuple[Text, bool] | None:
    """How the code's own message fares, and whether there is more to come; None: it is not known."""
    if made is None or made.message_id is None:
        return None
    history = await visit.site.searching.history(made.message_id)
    if history is None:
        return None
    message, is_text = history.message, "@" not in history.message.recipient.key
    when = {"when": moment(message.completed_at or message.sent_at or made.made_at, visit.language)}
    if message.status is Status.DELIVERED:
        return Text((_DELIVERED_TEXT if is_text else _DELIVERED).source, when), False
    if message.status is Status.SENDING:
        return Text((_HANDED_TEXT if is_text else _HANDED).source, when), True
    if message.status is Status.CREATED:
        return _WAITS, True
    if message.status is Status.TECHNICAL_FAILURE:
        return _TROUBLE, False
    return Text(_FAILED.source, {"reason": reasons.words(history.reason)}), False
