"""The last pages of sending: what would leave, and what is left of the limits; then it is sent, once."""

from collections.abc import Iterable, Mapping

from starlette.responses import Response

from auth import usage
from auth.usage import Usage
from messages.message import Channel, parse_id
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.reply import Refused
from messages.template import Template
from messages.text import Text
from relay.actions import text_preview
from relay.site.errors import Missing
from relay.site.forms import Form
from relay.site.refusals import said
from relay.site.send import kept, submitting
from relay.site.send.form import TOKEN, VERSION, Filled, fields, read
from relay.site.send.kept import CHECK, FILL
from relay.site.templates import frames
from relay.site.templates.frames import Look
from relay.site.visits import Visit

_CHANGED = Text("The template was changed since you filled it in. Check what you typed, then go on.")
_LEFT: Mapping[tuple[str, str], Text] = {
    ("day", "emails"): Text("Emails left today"),
    ("year", "emails"): Text("Emails left this fiscal year"),
    ("day", "parts"): Text("Parts of text messages left today"),
    ("year", "parts"): Text("Parts of text messages left this fiscal year"),
}


async def check(visit: Visit) -> Response:
    template, draft, service = await kept.usable(visit), visit.draft(), visit.the_service
    if draft is None:
        return visit.to(FILL)
    if sent_before := kept.message_of(draft):
        return kept.to_sent(visit, sent_before)
    form = Form(draft.fields)
    try:
        filled = read(form, template, await submitting.principal_of(visit.site, service), visit.now)
    except Refused as refused:
        return kept.back(visit, form, {"message": said(refused)})
    if back := await _back(visit, template, form, filled):
        return back
    assert filled.recipient is not None
    text = text_preview.of_template(template, filled.values, service) if template.channel is Channel.SMS else None
    async with visit.site.database.read() as connection:
        used = await usage.of_service(connection, service, visit.now)
    return visit.page(
        "send/check.html",
        title=Text("Check and send"),
        form=visit.filled(),
        template=template,
        filled=filled,
        text=text,
        sender=await _sender(visit, filled.recipient),
        left=_left(used, template.channel),
    )


async def preview(visit: Visit) -> Response:
    """The message of the check page, for its frame."""
    template, draft = await kept.usable(visit), await kept.of_check(visit)
    if draft is None:
        raise Missing
    form = Form(draft.fields)
    values = {name: form[each] for name, each in fields(template).items()}
    return await frames.frame(visit, template, values, Look.of(visit.request.query_params, visit.the_service))


async def send(visit: Visit) -> Response:
    """Once for each form, however often it is pressed."""
    template, draft = await kept.usable(visit), visit.draft()
    if draft is None:
        return visit.to(FILL)
    if sent_before := kept.message_of(draft):
        return kept.keep_sent(visit, draft, sent_before)
    form = Form(draft.fields)
    try:
        principal = await submitting.principal_of(visit.site, visit.the_service)
        filled = read(form, template, principal, visit.now)
        if back := await _back(visit, template, form, filled):
            return back
        submission = submitting.of_visit(visit, template, filled, form[TOKEN])
        accepted = await submitting.submit(visit.site, principal, submission)
    except Refused as refused:
        visit.received(form)
        return visit.invalid(CHECK, {"send": said(refused)})
    return kept.keep_sent(visit, draft, accepted.message_ids[0])


async def sent(visit: Visit) -> Response:
    """To whoever sent it."""
    message_id = parse_id(visit.request.path_params["message_id"])
    found = await visit.site.searching.load([message_id]) if message_id else {}
    message = next(iter(found.values()), None)
    if message is None or message.service_id != visit.the_service.id or message.created_by != visit.the_user.id:
        raise Missing
    title = Text("Your message is scheduled") if message.scheduled_for else Text("Your message is on its way")
    return visit.page("send/sent.html", title=title, message=message, zone=visit.the_service.time_zone)


async def _back(visit: Visit, template: Template, form: Form, filled: Filled) -> Response | None:
    """Where the template or the time is another one by now, to where it was filled in."""
    if form[VERSION] != str(template.version):
        return kept.back(visit, await kept.as_now(visit, template, form), {"message": _CHANGED})
    return kept.back(visit, form, filled.errors) if filled.errors else None


async def _sender(visit: Visit, recipient: Recipient) -> str:
    """Who it says it is from; of a text the number, where one is known."""
    service = visit.the_service
    if isinstance(recipient, PhoneNumber):
        return await visit.site.senders.number(service.id, recipient.region, None) or ""
    return f"{service.name} <{service.email_from}@{service.domain}>"


def _left(used: Iterable[Usage], channel: Channel) -> list[tuple[Text, int]]:
    counted = "parts" if channel is Channel.SMS else "emails"
    return [
        (_LEFT[each.period, each.counts], max(0, each.limit - each.used)) for each in used if each.counts == counted
    ]
