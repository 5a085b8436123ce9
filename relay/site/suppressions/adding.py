"""Somebody is put on the list by hand, for ever or until the end of a day."""

from starlette.responses import Response

from auth.people.permissions import Permission
from messages.text import Text, TextError
from relay.actions import suppressions
from relay.actions.errors import SUPPRESSION_ENDS_BEFORE, SUPPRESSIONS_FULL
from relay.site import days
from relay.site.activity.recipients import BAD, EMPTY
from relay.site.routing import Route
from relay.site.suppressions.listing import PATH
from relay.site.visits import Visit

NEW = PATH + "/new"


async def show(visit: Visit) -> Response:
    title = Text("Put a recipient on the suppression list")
    return visit.page("suppressions/new.html", title=title, form=visit.filled())


async def add(visit: Visit) -> Response:
    form, service = await visit.form(), visit.the_service
    wrong: dict[str, Text] = {} if form.line("recipient") else {"recipient": EMPTY}
    until = None
    if form.line("last_day"):
        try:
            until = days.end(form.line("last_day"), service.time_zone)
        except ValueError:
            wrong["last_day"] = days.BAD
    if wrong:
        return visit.invalid(NEW, wrong)
    try:
        async with visit.writing() as t:
            added = await suppressions.add(t, str(service.id), form["recipient"], until)
    except TextError as error:
        return visit.invalid(NEW, _said(error))
    return visit.to(PATH, notice=Text("Nothing more is sent to {recipient}", {"recipient": added.recipient}))


def _said(error: TextError) -> dict[str, Text]:
    """What the action refused, by the field that it was typed in."""
    if error.text.source == SUPPRESSION_ENDS_BEFORE:
        return {"last_day": days.OVER}
    return {"recipient": error.text if error.text.source == SUPPRESSIONS_FULL else BAD}


ROUTES = (
    Route("GET", NEW, show, Permission.MANAGE_SERVICE),
    Route("POST", NEW, add, Permission.MANAGE_SERVICE),
)
