"""A code on its way: sent, sent again, and how its message fares, in words."""

from contextlib import suppress

import structlog

from auth.people import codes
from auth.people.codes import CodeError, Made, Purpose
from auth.people.sessions import Factor
from auth.people.users import User
from messages import reasons
from messages.phone import PhoneNumber
from messages.reply import Refused
from messages.status import Status
from messages.text import Text
from relay.dates import moment
from relay.failures import described
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
_TAKEN_SECONDS = 30.0  # within which our own relay takes a message
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
        log = structlog.get_logger("site")
        log.error("site.code_not_sent", **described(refused))
        raise Unavailable from refused
    async with visit.site.database.write() as connection:
        await codes.sent(connection, made, message_id)


async def try_to_send(visit: Visit, person: User, purpose: Purpose, by: Factor = Factor.EMAIL) -> None:
    """As `send`; where one was sent a moment ago, that one is good, or another is asked for on the next page."""
    with suppress(CodeError):
        await send(visit, person, purpose, by)


async def opened(visit: Visit, purpose: Purpose) -> Made | None:
    """The code that this session waits for."""
    session = visit.session
    if session is None or session.user_id is None:
        return None
    async with visit.site.database.read() as connection:
        return await codes.opened(connection, purpose, session.user_id, session.id, visit.now)


async def way(visit: Visit, made: Made | None) -> Factor:
    """How it travels: to the mailbox or to the phone."""
    history = await visit.site.searching.history(made.message_id) if made and made.message_id else None
    return Factor.TEXT if history and isinstance(history.message.recipient, PhoneNumber) else Factor.EMAIL


async def delivery(visit: Visit, made: Made | None) -> tuple[Text, bool] | None:
    """How the code's own message fares, and whether there is more to come; None: it is not known."""
    if made is None:
        return None
    if made.message_id is None:  # it is on its way to our own relay, which may not have taken it
        return (_WAITS, True) if visit.now - made.made_at < _TAKEN_SECONDS else (_TROUBLE, False)
    history = await visit.site.searching.history(made.message_id)
    if history is None:
        return None
    message, is_text = history.message, isinstance(history.message.recipient, PhoneNumber)
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
