"""An email as its reader would get it, made as the exit makes it. Nothing is stored by it, so the audit has nothing of
it.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from auth.principal import Service
from delivery.library.brandings import Brandings
from messages import reply
from messages.address import Address
from messages.email import mime
from messages.email.compose import Recipe, compose
from messages.email.mime import Part
from messages.message import Language
from messages.reply import Refused
from messages.template import Template, missing
from messages.values import Personalisation
from relay.preparation import email

_READER = Address("reader", "example.ca")


@dataclass(frozen=True, slots=True)
class Letter:
    """`html` is a whole document that needs nothing from elsewhere."""

    subject: str
    sender: Address
    reply_to: str | None
    html: str
    text: str


async def look(
    template: Template, personalisation: Personalisation, service: Service, language: Language, brandings: Brandings
) -> Letter:
    """Of a template and its values. Raises Refused as a door does."""
    if names := missing(template, personalisation):
        raise Refused(reply.PERSONALISATION_MISSING, template_id=template.id, names=", ".join(names))
    subject, _ = email.filled(template, personalisation)
    variant = await email.variant_of(brandings, service.id, service.branding)
    branding = brandings.embedded(variant, service.name, language)
    sender = Address(service.email_from, service.domain)
    recipe = Recipe(service.name, sender, service.reply_to_address, str(variant.id), language, 0.0, personalisation)
    content = await asyncio.to_thread(compose, recipe, template, branding, _READER, UUID(int=0))
    html, text = (_part(mime.parse(content), kind) for kind in ("text/html", "text/plain"))
    return Letter(subject, sender, service.reply_to_address, html, text)


def _part(root: Part, kind: str) -> str:
    found = next(part for part in root.children if str(part.type) == kind)
    return (found.decode() or b"").decode()
