"""Why nothing is sent to one person: asked by POST and kept as the form's draft, so that no URL names them."""

from starlette.responses import Response

from auth.people.permissions import Permission
from messages.text import Text, TextError
from relay import dates
from relay.actions import suppressions
from relay.actions.suppressions import Entry
from relay.site.activity.recipients import BAD, EMPTY
from relay.site.routing import Route
from relay.site.suppressions.listing import PATH
from relay.site.visits import Visit

FIND = PATH + "/recipient"


async def show(visit: Visit) -> Response:
    form = visit.filled()
    asked = not form.errors and form.value("recipient")
    found: list[Entry] = []
    if asked:
        async with visit.reading() as t:
            found = await suppressions.about(t, asked, visit.the_service.id)
    return visit.page(
        "suppressions/recipient.html",
        title=Text("Find a recipient on the suppression list"),
        form=form,
        asked=asked,
        found=[(each, in_words(visit, each)) for each in found],
    )


async def search(visit: Visit) -> Response:
    form = await visit.form()
    if not form.line("recipient"):
        return visit.invalid(FIND, {"recipient": EMPTY})
    try:
        async with visit.reading() as t:
            suppressions.key_of(t, form["recipient"])
    except TextError:
        return visit.invalid(FIND, {"recipient": BAD})
    visit.keep(form)
    return visit.to(FIND)


def in_words(visit: Visit, entry: Entry) -> Text:
    return suppressions.in_words(entry, lambda at: dates.moment(at, visit.language, visit.the_service.time_zone))


ROUTES = (
    Route("GET", FIND, show, Permission.MANAGE_SERVICE),
    Route("POST", FIND, search, Permission.MANAGE_SERVICE),
)
