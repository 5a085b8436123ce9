"""What every channel's preparation promises: a submission's content as it is stored, and all that can be wrong with it.

What is wrong is found here, so that the sender hears of it. Knows nothing of stores or protocols.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from auth.principal import Principal
from messages import reply
from messages.address import Address
from messages.message import Channel, ContentKind, Personalised, Submission
from messages.reply import Refused
from messages.template import Template, missing


class Templates(Protocol):
    """What preparation needs of delivery.library.templates."""

    async def find(self, service_id: UUID, template_id: UUID, version: int | None = None) -> Template | None: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """Content as it is stored, and what is known of it.

    `header_from` is who will stand there; None: the channel has no such field. `body` is a filled template's, as its
    API shows it; `remarks` are what the door's log line says of a raw message.
    """

    content: bytes
    kind: ContentKind
    subject: str
    original_message_id: str | None
    template_id: UUID
    template_version: int
    header_from: Address | None = None
    billable_units: int = 0
    body: str | None = None
    remarks: Mapping[str, object] = field(default_factory=dict)


class Preparer(Protocol):
    """A channel's."""

    async def prepare(self, submission: Submission, principal: Principal, group_id: UUID, now: float) -> Prepared:
        """What of the submission goes by this channel. Raises Refused."""
        ...


async def template_of(content: Personalised, templates: Templates, service_id: UUID, channel: Channel) -> Template:
    """The template that is asked for, good for the channel and with all of its values. Raises Refused."""
    template = await templates.find(service_id, content.template_id)
    if template is None or template.hidden:
        raise Refused(reply.TEMPLATE_UNKNOWN, template_id=content.template_id)
    if template.archived:
        raise Refused(reply.TEMPLATE_ARCHIVED, template_id=content.template_id)
    if template.channel is not channel:
        raise Refused(reply.TEMPLATE_UNSUITABLE, channel=template.channel.value, wanted=channel.value)
    if names := missing(template, content.personalisation):
        raise Refused(reply.PERSONALISATION_MISSING, template_id=template.id, names=", ".join(names))
    return template
