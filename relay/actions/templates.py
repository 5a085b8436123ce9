"""Templates, as people change them. Their bodies stay in their versions, which never change: the audit names those."""

from typing import Any
from uuid import UUID

from delivery.library import templates
from messages.message import Channel
from messages.template import Template
from relay.actions.errors import NOTHING_NAMED, TEMPLATE_EMAIL_ONLY, TEMPLATE_UNKNOWN, ActionError, UnknownError
from relay.actions.transaction import Transaction
from relay.plain import plain


def check_channel(channel: Channel) -> None:
    """Raises ActionError where nothing is sent of such a template yet."""
    if channel is not Channel.EMAIL:
        raise ActionError(TEMPLATE_EMAIL_ONLY)


async def create(
    t: Transaction, service: str, *, channel: Channel, name: str, subject: str | None, body: str
) -> Template:
    """A new template in its first version. Raises a TextError."""
    check_channel(channel)
    service_id = (await t.service(service)).id
    made = await templates.create(
        t.connection, service_id, t.now, channel=channel, name=name, subject=subject, body=body
    )
    await _record(t, "create", None, made)
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
    after = await templates.update(t.connection, template_id, t.now, **texts)
    await _record(t, "update", before, after)
    return after


async def archive(t: Transaction, template_id: UUID) -> Template:
    """Doors take no more messages of it; those accepted are sent. Raises TemplateError."""
    before = await templates.find(t.connection, template_id)
    after = await templates.archive(t.connection, template_id)
    await _record(t, "archive", before, after)
    return after


async def _record(t: Transaction, action: str, before: Template | None, after: Template) -> None:
    old = None if before is None else _told(before)
    await t.record(f"template.{action}", "template", after.id, old, _told(after), service_id=after.service_id)


def _told(template: Template) -> dict[str, Any]:
    fields = plain(template)
    del fields["body"]
    return fields
