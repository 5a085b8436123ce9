"""What was sent to one address or number: asked by POST and kept as the form's draft, so that no URL names a person."""

from starlette.responses import Response

from auth.people.permissions import Permission
from delivery.store.base import Page, Search
from messages.address import Address, AddressError
from messages.message import parse_id
from messages.phone import PhoneNumber, PhoneNumberError
from messages.text import Text
from relay.site.activity import rows
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/activity/recipient"
_TITLE = Text("Messages to one recipient")
EMPTY = Text("Enter an email address or a phone number")
BAD = Text("Enter a whole email address, like name@example.ca, or a phone number with its area code")


async def show(visit: Visit) -> Response:
    service = visit.the_service
    form = visit.filled()
    key = None if form.errors else recipient(form.value("recipient"))
    older_than, page = parse_id(visit.request.query_params.get("older")), Page(())
    if key is not None:
        search = Search(service_id=service.id, recipient=key)
        page = await visit.site.listing.page(search, rows.PAGE, older_than)
    return visit.page(
        "activity/recipient.html",
        title=_TITLE,
        form=form,
        asked=key is not None,
        found=rows.rows(visit, page.found, service.time_zone),
        newest=visit.url(PATH) if older_than else "",
        older=visit.url(PATH, older=page.older_than) if page.older_than else "",
        page=page,
        zone=service.time_zone,
    )


async def search(visit: Visit) -> Response:
    form = await visit.form()
    text = form.line("recipient")
    if not text:
        return visit.invalid(PATH, {"recipient": EMPTY})
    if recipient(text) is None:
        return visit.invalid(PATH, {"recipient": BAD})
    visit.keep(form)
    return visit.to(PATH)


def recipient(text: str) -> str | None:
    """`Recipient.key` of what somebody typed."""
    text = " ".join(text.split())
    try:
        return Address.parse(text.strip("<>")).key if "@" in text else PhoneNumber.parse(text).key
    except (AddressError, PhoneNumberError):
        return None


ROUTES = (
    Route("GET", PATH, show, Permission.VIEW_ACTIVITY),
    Route("POST", PATH, search, Permission.VIEW_ACTIVITY),
)
