"""What was typed, between the pages of sending: kept as the draft of the check page, until its message is sent and for
a while after, so that a second press finds that message.
"""

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response

from auth.people import drafts
from auth.people.drafts import Draft
from auth.people.permissions import Permission
from messages.message import parse_id
from messages.template import Template
from messages.text import Text
from relay.site.activity.rows import MESSAGE
from relay.site.errors import Missing
from relay.site.forms import Form
from relay.site.send.form import VERSION, fields
from relay.site.templates.finding import read
from relay.site.visits import Visit

FILL = "services/{service_id}/send/{template_id}"
CHECK = "services/{service_id}/send/{template_id}/check"
SENT = "services/{service_id}/send/sent/{message_id}"

_SENT = "sent"
_ACCEPTED = Text("We accepted your message. What becomes of it stands here.")
_MAX_DIGITS = 5


async def usable(visit: Visit) -> Template:
    """The template that the path names. Raises Missing where nothing can be sent of it."""
    template = await read(visit)
    if template.archived:
        raise Missing
    return template


async def of_check(visit: Visit) -> Draft | None:
    """What the check page has, on another one."""
    owner = visit.standing.owner
    assert owner is not None
    async with visit.site.database.read() as connection:
        return await drafts.find(connection, visit.site.secret, owner, _path(visit, CHECK), visit.now)


async def to_check(visit: Visit) -> Response:
    """The form that was sent goes on to the check page, and is not shown as wrong any more."""
    owner = visit.standing.owner
    assert owner is not None
    async with visit.site.database.write() as connection:
        await drafts.drop(connection, owner, _path(visit, FILL))
    return visit.invalid(CHECK, {})


def back(visit: Visit, form: Form, errors: Mapping[str, Text]) -> Response:
    """To where it was filled in, with all that was typed."""
    visit.received(form)
    return visit.invalid(FILL, errors)


def message_of(draft: Draft) -> UUID | None:
    """The message that was made of it; None: it is not sent yet."""
    return parse_id(next(iter(draft.fields.get(_SENT, ())), None))


def keep_sent(visit: Visit, draft: Draft, message_id: UUID) -> Response:
    visit.kept = (visit.path, Draft({**draft.fields, _SENT: [str(message_id)]}))
    return to_sent(visit, message_id)


def to_sent(visit: Visit, message_id: UUID) -> Response:
    """Where it is told what becomes of it, to who may view that."""
    if visit.allows(Permission.VIEW_ACTIVITY):
        return visit.to(MESSAGE, notice=_ACCEPTED, message_id=message_id)
    return visit.to(SENT, message_id=message_id)


async def as_now(visit: Visit, template: Template, form: Form) -> Form:
    """A form of an earlier version as one of the latest: each placeholder keeps its value."""
    number = form[VERSION]
    if number == str(template.version) or not (number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS):
        return form
    old = await visit.site.templates.find(visit.the_service.id, template.id, int(number))
    before, now = fields(old) if old else {}, fields(template)
    rest = {name: values for name, values in form.fields.items() if not name.startswith("value-")}
    values = {field: form.many(before[name]) for name, field in now.items() if name in before}
    return Form({**rest, **values, VERSION: [str(template.version)]})


def _path(visit: Visit, path: str) -> str:
    return path.format_map(visit.request.path_params)
