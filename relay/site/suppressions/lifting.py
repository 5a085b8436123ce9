"""One entry ends, once whoever asks has read what follows; what the recipient asked for, only with their consent."""

from collections.abc import Mapping

from starlette.responses import Response

from auth.people.permissions import Permission
from messages.message import parse_id
from messages.text import Text
from relay.actions import suppressions
from relay.actions.suppressions import Entry, Reason
from relay.actions.transaction import Transaction
from relay.site.errors import Missing
from relay.site.routing import Route
from relay.site.suppressions.finding import in_words
from relay.site.suppressions.listing import PATH
from relay.site.visits import Visit

LIFT = PATH + "/{suppression_id}/lift"
_FOLLOWS: Mapping[Reason, Text] = {
    Reason.BOUNCE: Text(
        "New messages to this address leave again. One more that comes back puts it on the list again, and mail to "
        "addresses that do not exist makes mail servers trust all of your messages less. Make sure that the address "
        "is right first."
    ),
    Reason.COMPLAINT: Text(
        "This person reported a message of the service as spam. If one more is reported, mail servers may take all of "
        "your messages for spam. Send to this address again only if the person asked you to."
    ),
    Reason.OPT_OUT: Text(
        "This person answered STOP. Text this number again only if the person asked you to: the law on commercial "
        "messages may forbid it, and the carrier may still stop what you send until they answer START."
    ),
    Reason.BY_HAND: Text("New messages to this recipient leave again."),
}
_ASKED = (Reason.COMPLAINT, Reason.OPT_OUT)  # the recipient wanted it
_NOT_SURE = Text("Confirm that the person asked you to send to them again")
_OFF = Text("{recipient} is off the suppression list")
_STILL_ON = Text("{recipient} is still on the list for another reason")


async def ask(visit: Visit) -> Response:
    async with visit.reading() as t:
        entry = await _entry(visit, t)
    return visit.page(
        "suppressions/lift.html",
        title=Text("Send to {recipient} again?", {"recipient": entry.recipient}),
        form=visit.filled(),
        why=in_words(visit, entry),
        follows=_FOLLOWS[entry.reason],
        was_asked=entry.reason in _ASKED,
    )


async def lift(visit: Visit) -> Response:
    is_sure = (await visit.form())["sure"] == "yes"
    service_id = visit.the_service.id
    async with visit.writing() as t:
        entry = await _entry(visit, t)
        if may := is_sure or entry.reason not in _ASKED:
            await suppressions.remove_entry(t, service_id, entry.id)
            others = await suppressions.about(t, entry.recipient, service_id)
    if not may:
        return visit.invalid(LIFT, {"sure": _NOT_SURE})
    told = _STILL_ON if others else _OFF
    return visit.to(PATH, notice=Text(told.source, {"recipient": entry.recipient}))


async def _entry(visit: Visit, t: Transaction) -> Entry:
    """Raises Missing or UnknownError when it is not one of this service."""
    entry_id = parse_id(visit.request.path_params["suppression_id"])
    if entry_id is None:
        raise Missing
    return await suppressions.of_service(t, visit.the_service.id, entry_id)


ROUTES = (
    Route("GET", LIFT, ask, Permission.MANAGE_SERVICE),
    Route("POST", LIFT, lift, Permission.MANAGE_SERVICE),
)
