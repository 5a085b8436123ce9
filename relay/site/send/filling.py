"""The first pages of sending: which template, and to whom with what in it."""

import secrets

from starlette.responses import Response

from messages.message import Channel
from messages.reply import Refused
from messages.text import Text
from relay.dates import zone_name
from relay.site.channels import CHANNELS
from relay.site.forms import Form
from relay.site.refusals import said
from relay.site.send import kept, submitting
from relay.site.send.form import TOKEN, fields, read
from relay.site.templates import listing
from relay.site.visits import Visit

CHOOSE = "services/{service_id}/send"


async def choose(visit: Visit) -> Response:
    found, asked = await listing.search(visit)
    return visit.page(
        "send/choose.html",
        title=Text("Choose a template to send"),
        found=found.templates,
        kinds=CHANNELS,
        asked=asked,
        more=visit.url(CHOOSE, **asked, after=found.after) if found.after else "",
    )


async def fill(visit: Visit) -> Response:
    """What was typed stands there again, whether it was wrong or is to be changed once more."""
    template = await kept.usable(visit)
    before = None if visit.draft() else await kept.of_check(visit)
    typed = dict(before.fields) if before and not kept.message_of(before) else {}
    return visit.page(
        "send/fill.html",
        title=Text("Send {name}", {"name": template.name}),
        form=visit.filled(**{TOKEN: [secrets.token_hex(16)], **typed}),
        template=template,
        fields=fields(template),
        is_email=template.channel is Channel.EMAIL,
        own=own(visit, template.channel),
        zone=zone_name(visit.the_service.time_zone, visit.language),
    )


async def take(visit: Visit) -> Response:
    """To the check page, or back with all that is wrong."""
    form, template, service = await visit.form(), await kept.usable(visit), visit.the_service
    if form["own"]:
        return kept.back(visit, Form({**form.fields, "recipient": [own(visit, template.channel)]}), {})
    form = await kept.as_now(visit, template, form)
    try:
        principal = await submitting.principal_of(visit.site, service)
        filled = read(form, template, principal, visit.now)
        if filled.errors or filled.recipient is None:
            return kept.back(visit, form, filled.errors)
        submission = submitting.of_visit(visit, template, filled, form[TOKEN])
        await visit.site.acceptor.rehearse(submission, principal)
    except Refused as refused:
        return kept.back(visit, form, {"message": said(refused)})
    visit.received(form)
    return await kept.to_check(visit)


def own(visit: Visit, channel: Channel) -> str:
    """Where whoever sends can be reached themselves; empty: nowhere by this channel."""
    return visit.the_user.email if channel is Channel.EMAIL else visit.the_user.phone or ""
