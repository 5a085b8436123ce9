"""Templates, as people change them. Their bodies stay in their versions, which never change: the audit names those."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from delivery.library import templates
from messages import reply
from messages.message import Channel
from messages.reply import Refused
from messages.template import Template, missing
from messages.values import Personalisation
from relay.actions import text_preview
from relay.actions.errors import NOTHING_NAMED, TEMPLATE_UNKNOWN, ActionError, UnknownError
from relay.actions.text_preview import TextPreview
from relay.actions.transaction import Transaction
from relay.plain import plain
from relay.preparation import email


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with values in it. `subject` is None where the channel has none, `text` where it is no text."""

    template: Template
    subject: str | None
    body: str
    text: TextPreview | None = None


async def create(
    t: Transaction,
    service: str,
    *,
    channel: Channel,
    name: str,
    subject: str | None,
    body: str,
    template_id: UUID | None = None,
) -> Template:
    """A new template in its first version. Raises a TextError."""
    owner = await t.service(service)
    made = await templates.create(
        t.connection,
        owner.id,
        t.now,
        channel=channel,
        name=name,
        subject=subject,
        body=body,
        template_id=template_id,
        sender=owner.sms_sender,
        author=t.actor,
    )
    await _record(t, "create", None, made)
    return made


async def copy(t: Transaction, service_id: UUID, template_id: UUID, *, name: str, to: UUID | None = None) -> Template:
    """A service's template anew under another name, or in another service: who asks may make templates there.

    Raises UnknownError where the service has none such, and a TextError.
    """
    original = await of_service(t, service_id, template_id)
    owner = await t.service(str(to or service_id))
    made = await templates.create(
        t.connection,
        owner.id,
        t.now,
        channel=original.channel,
        name=name,
        subject=original.subject,
        body=original.body,
        sender=owner.sms_sender,
        author=t.actor,
    )
    after = _told(made) | {"copied_from": str(original.id), "copied_version": original.version}
    await t.record("template.copy", "template", made.id, None, after, service_id=owner.id)
    return made


async def list_all(t: Transaction, service_id: UUID) -> list[Template]:
    """Those in use, by name."""
    return await templates.list_all(t.connection, service_id)


async def of_service(t: Transaction, service_id: UUID, template_id: UUID) -> Template:
    """A service's template in its latest version, archived or not. Raises UnknownError when it has none such."""
    found = await templates.find_any(t.connection, template_id)
    if found is None or found.service_id != service_id or found.hidden:
        raise UnknownError(TEMPLATE_UNKNOWN, id=template_id)
    return found


async def versions(t: Transaction, service_id: UUID, template_id: UUID) -> list[Template]:
    """All versions of a service's template, the latest first. Raises UnknownError when it has none such."""
    await of_service(t, service_id, template_id)
    return await templates.versions(t.connection, template_id)


async def update(t: Transaction, template_id: UUID, **texts: str | None) -> Template:
    """A new version with the name, subject or body that is given; messages keep theirs. Raises a TextError."""
    if all(text is None for text in texts.values()):
        raise ActionError(NOTHING_NAMED)  # not a version that says the same
    before = await templates.find(t.connection, template_id)
    sender = (await t.service(str(before.service_id))).sms_sender
    after = await templates.update(t.connection, template_id, t.now, sender=sender, author=t.actor, **texts)
    await _record(t, "update", before, after)
    return after


async def archive(t: Transaction, template_id: UUID) -> Template:
    """Doors take no more messages of it; those accepted are sent. Raises TemplateError."""
    before = await templates.find(t.connection, template_id)
    after = await templates.archive(t.connection, template_id)
    await _record(t, "archive", before, after)
    return after


async def restore(t: Transaction, template_id: UUID) -> Template:
    """Doors take messages of it again. Raises TemplateError."""
    before = await templates.find(t.connection, template_id)
    after = await templates.restore(t.connection, template_id)
    await _record(t, "restore", before, after)
    return after


async def preview(t: Transaction, template_id: UUID, personalisation: Personalisation) -> Filled:
    """The latest version, filled with values. Changes nothing. Raises a TextError, and Refused as a door does."""
    template = await templates.find(t.connection, template_id)
    service = await t.service(str(template.service_id))
    if names := missing(template, personalisation):
        raise Refused(reply.PERSONALISATION_MISSING, template_id=template.id, names=", ".join(names))
    if template.channel is Channel.SMS:
        text = text_preview.of_template(template, personalisation, service)
        return Filled(template, None, text.body, text)
    return Filled(template, *email.filled(template, personalisation))


async def _record(t: Transaction, action: str, before: Template | None, after: Template) -> None:
    old = None if before is None else _told(before)
    await t.record(f"template.{action}", "template", after.id, old, _told(after), service_id=after.service_id)


def _told(template: Template) -> dict[str, Any]:
    fields = plain(template)
    del fields["body"]
    return fields
