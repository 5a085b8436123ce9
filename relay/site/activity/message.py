"""One message: what it is, what happened to it in words, and what it says, as it left."""

from typing import Any
from uuid import UUID

from starlette.responses import HTMLResponse, Response

from auth import keys
from auth.errors import AuthError
from auth.people.permissions import Permission
from delivery.store.base import Found, History, Search
from messages.message import Channel, Message, parse_id
from messages.text import Text, clean
from relay import dates
from relay.actions import suppressions
from relay.actions.sent_content import Said
from relay.actions.suppressions import Entry
from relay.actions.timeline import Clock, Sender, state, steps
from relay.site import layout
from relay.site.activity import rows
from relay.site.channels import CHANNELS
from relay.site.errors import Missing
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = rows.MESSAGE
CONTENT = PATH + "/content"
# A mail's own styles stand in its elements. Nothing in it runs, and nothing is loaded but what it carries.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox"
)


async def show(visit: Visit) -> Response:
    history = await _history(visit)
    message, service = history.message, visit.the_service
    said = await visit.site.sent.of(message)

    def clock(at: float) -> str:
        return dates.moment(at, visit.language, service.time_zone)

    sender = await _sender(visit, message)
    word, mark = state(message, history.reason)
    return visit.page(
        "activity/message.html",
        title=CHANNELS[message.channel],
        message=message,
        about=rows.about(visit, Found(message, history.reason)),
        word=word,
        mark=mark,
        steps=steps(history, sender, clock),
        facts=_facts(visit, message, sender, clock(message.created_at)),
        suppressed=await _suppressed(visit, message, clock),
        said=said,
        is_email=message.channel is Channel.EMAIL,
        content_url=visit.url(CONTENT) if said.problem is None else "",
        zone=service.time_zone,
    )


async def content(visit: Visit) -> Response:
    """A document of its own, for a frame: it may be hostile, and its policy lets it do nothing."""
    said = await visit.site.sent.of((await _history(visit)).message)
    return HTMLResponse(_document(visit, said), headers={"Content-Security-Policy": POLICY})


def _document(visit: Visit, said: Said) -> str:
    if said.problem is None and said.shown.html is not None:
        return said.shown.html
    words = visit.site.words.translator(visit.language)
    text = visit.say(said.problem) if said.problem else said.shown.text or ""
    return layout.render("activity/text.html", visit.language, words, text=text)


async def _history(visit: Visit) -> History:
    """Of a message of this service; another's is as if there were none."""
    message_id = parse_id(visit.request.path_params["message_id"])
    search = Search(message_id=message_id, service_id=visit.the_service.id)
    if message_id is None or not await visit.site.searching.find(search, 1):
        raise Missing
    history = await visit.site.searching.history(message_id)
    if history is None:
        raise Missing
    return history


async def _sender(visit: Visit, message: Message) -> Sender:
    site = visit.site
    async with site.database.read() as connection:
        try:
            key = (await keys.find(connection, site.secret, site.settings.limits, message.key_id)).name
        except AuthError:  # the service's hidden one
            key = None
        person = await _person(visit, connection, message)
    return Sender(message.door, key, person)


async def _person(visit: Visit, connection: Any, message: Message) -> str | None:
    """Who of the site's people sent it."""
    author: UUID | None = message.created_by
    user = await visit.site.people.user(connection, author) if author else None
    return user.name if user else None


async def _suppressed(visit: Visit, message: Message, clock: Clock) -> list[tuple[Entry, Text]]:
    """Of the service's own list alone: what others wrote to that person is no business of it."""
    async with visit.reading() as t:
        found = await suppressions.about(t, message.recipient.key, visit.the_service.id)
    return [(each, suppressions.in_words(each, clock)) for each in found]


def _facts(visit: Visit, message: Message, sender: Sender, accepted: str) -> list[tuple[str, str]]:
    said: list[tuple[Text, str | None]] = [
        (Text("To"), str(message.recipient)),
        (Text("Subject"), message.subject or None),
        (Text("Accepted"), accepted),
        (Text("Key"), sender.key),
        (Text("Reference"), message.reference),
        (Text("Parts"), str(message.billable_units) if message.channel is Channel.SMS else None),
        (Text("Message id"), str(message.id)),
        (Text("Id of the messages sent together"), str(message.group_id)),
        (Text("Message-ID"), message.original_message_id),
        (Text("Id at the provider"), message.provider_id),
    ]
    return [(visit.say(label), clean(value)) for label, value in said if value]


ROUTES = (
    Route("GET", PATH, show, Permission.VIEW_ACTIVITY),
    Route("GET", CONTENT, content, Permission.VIEW_ACTIVITY),
)
