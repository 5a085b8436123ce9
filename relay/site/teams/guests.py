"""The guest list: whom the service reaches in trial, and its team keys at any time, beside the team itself."""

from starlette.responses import Response

from auth.guests import MAX_GUESTS
from auth.people.permissions import Permission
from messages.message import parse_id
from messages.text import Text, TextError
from relay.actions import guests
from relay.site.routing import Route
from relay.site.visits import Visit

HOME = "services/{service_id}/guests"
_NO_GUEST = Text("Enter an email address or a phone number")


async def show(visit: Visit) -> Response:
    async with visit.reading() as t:
        found = await guests.entries(t, visit.the_service)
    return visit.page(
        "teams/guests.html",
        title=Text("Guest list"),
        form=visit.filled(),
        found=sorted(found.items(), key=lambda pair: pair[1]),
        most=MAX_GUESTS,
    )


async def change(visit: Visit) -> Response:
    form = await visit.form()
    if form["remove"]:
        if (entry_id := parse_id(form["remove"])) is None:
            return visit.to(HOME)
        async with visit.writing() as t:
            gone = await guests.remove_entry(t, visit.the_service, entry_id)
        return visit.to(HOME, notice=Text("{guest} is off the guest list", {"guest": gone}))
    if not form.line("guest"):
        return visit.invalid(HOME, {"guest": _NO_GUEST})
    try:
        async with visit.writing() as t:
            added = await guests.add(t, visit.the_service, form.line("guest"))
    except TextError as error:
        return visit.invalid(HOME, {"guest": error.text})
    return visit.to(HOME, notice=Text("{guest} is on the guest list", {"guest": added}))


ROUTES = (
    Route("GET", HOME, show, Permission.MANAGE_API_KEYS),
    Route("POST", HOME, change, Permission.MANAGE_API_KEYS),
)
