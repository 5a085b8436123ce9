"""Messages and templates as the API shows them: every field always there, null where it does not apply.

Knows no request.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from auth.principal import Service
from config.fairness import FairLock
from delivery.descriptions import provider_response, status_description, timestamp
from delivery.store.base import Found
from messages import status
from messages.email.compose import Recipe, RecipeError
from messages.message import Channel, ContentKind, Message
from messages.sms import recipe as sms
from messages.template import Template, TooLong, fill_body
from messages.text import Translate

MAX_PAGE_OCTETS = 8_000_000  # of filled bodies: 250 of the largest would take half a gigabyte
_SMALL_BYTES = 2 * 1024 * 1024  # of what is stored; of more, a portion at a time


class Templates(Protocol):
    """What the door needs of delivery.library.templates."""

    async def find(self, service_id: UUID, template_id: UUID, version: int | None = None) -> Template | None: ...

    async def list_all(self, service_id: UUID, channel: Channel | None = None) -> list[Template]: ...


class Contents(Protocol):
    """What the door needs of delivery.store.contents."""

    async def load(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]: ...


@dataclass(frozen=True, slots=True)
class Body:
    """What a message says: its filled template, and the page that ends the subscription."""

    text: str = ""
    one_click_unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Absolute URLs. `root` ends with a slash."""

    root: str

    def notification(self, message_id: UUID) -> str:
        return f"{self.root}v2/notifications/{message_id}"

    def template(self, service_id: UUID, template_id: UUID) -> str:
        return f"{self.root}services/{service_id}/templates/{template_id}"

    @property
    def docs(self) -> str:
        return f"{self.root}docs"


class Bodies:
    """Fills the templates of stored messages again."""

    def __init__(self, contents: Contents, templates: Templates) -> None:
        self._contents = contents
        self._templates = templates
        self._turn = FairLock()  # for large pages: one at a time is as fast, and needs the memory of one

    async def load(self, messages: Sequence[Message]) -> dict[UUID, Body]:
        """By message; missing where there is nothing to show: SMTP mail, or content that retention dropped."""
        unfilled = (ContentKind.RAW, ContentKind.NOTICE)
        wanted = [message for message in messages if message.content_kind not in unfilled]
        if not wanted:
            return {}
        if sum(message.content_bytes for message in wanted) <= _SMALL_BYTES:
            return await self._fill(wanted)
        async with self._turn.taken(wanted[0].service_id):
            return await self._fill(wanted)

    async def _fill(self, wanted: Sequence[Message]) -> dict[UUID, Body]:
        templates = {
            (message.template_id, message.template_version): await self._templates.find(
                message.service_id, message.template_id, message.template_version
            )
            for message in {(each.template_id, each.template_version): each for each in wanted}.values()
            if message.content_kind is ContentKind.RENDERED
        }
        found: dict[UUID, Body] = {}
        room = MAX_PAGE_OCTETS
        for portion in _portions(wanted):
            contents = await self._contents.load({message.content_id for message in portion})
            bodies = await asyncio.to_thread(_bodies, portion, contents, templates, room)
            room -= sum(len(body.text.encode()) for body in bodies.values())
            found |= bodies
            if room < 0:
                break
        return found


def _portions(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """By what is stored of them: no more is in memory at once, however many values were given for few placeholders."""
    portion: list[Message] = []
    size = 0
    for message in messages:
        if portion and size + message.content_bytes > _SMALL_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(message)
        size += message.content_bytes
    yield portion


def _bodies(
    messages: Sequence[Message],
    contents: Mapping[UUID, bytes | None],
    templates: Mapping[tuple[UUID, int], Template | None],
    room: int,
) -> dict[UUID, Body]:
    found: dict[UUID, Body] = {}
    for message in messages:
        content = contents.get(message.content_id)
        if message.content_kind in (ContentKind.TEXT, ContentKind.ANSWER):
            with contextlib.suppress(sms.RecipeError):
                found[message.id] = Body(sms.Recipe.from_json(content or b"").body)
            continue
        template = templates[message.template_id, message.template_version]
        if content is None or template is None or room < 0:
            continue
        with contextlib.suppress(RecipeError, TooLong):
            recipe = Recipe.from_json(content)
            text = fill_body(template, recipe.personalisation, recipe.sanitise_content_for)
            found[message.id] = Body(text, recipe.one_click_unsubscribe_url)
            room -= len(text.encode())
    return found


def notification(found: Found, body: Body, links: Links, translate: Translate) -> dict[str, Any]:
    message = found.message
    email = message.channel is Channel.EMAIL
    description = status_description(message.channel, message.status, found.reason)
    return {
        "id": str(message.id),
        "reference": message.reference,
        "email_address": str(message.recipient) if email else None,
        "phone_number": None if email else str(message.recipient),
        **_LETTER,
        "type": message.channel.value,
        "status": message.status.value,
        "status_description": description.render(translate),
        "provider_response": provider_response(found.reason),
        "template": template_link(message, links),
        "subject": message.subject if email else None,
        "body": body.text,
        "created_at": timestamp(message.created_at),
        "created_by_name": None,
        "sent_at": timestamp(message.sent_at),
        "completed_at": timestamp(message.completed_at if message.status in status.FINAL else None),
        "scheduled_for": timestamp(message.scheduled_for),
        "one_click_unsubscribe_url": body.one_click_unsubscribe_url,
        "cost_in_pounds": 0.0 if email else None,
        "cost_details": {} if email else _fragments(message),
        "is_cost_data_ready": email,
    }


_LETTER: Mapping[str, None] = dict.fromkeys(
    ("line_1", "line_2", "line_3", "line_4", "line_5", "line_6", "postcode", "postage")
)


def _fragments(message: Message) -> dict[str, Any]:
    """What a text costs in parts; what one costs is not known here."""
    return {
        "billable_sms_fragments": message.billable_units,
        "international_rate_multiplier": None,
        "sms_rate": None,
    }


def template_link(message: Message, links: Links) -> dict[str, Any]:
    return {
        "id": str(message.template_id),
        "version": message.template_version,
        "uri": links.template(message.service_id, message.template_id),
    }


def template(shown: Template, service: Service) -> dict[str, Any]:
    return {
        "id": str(shown.id),
        "type": shown.channel.value,
        "created_at": timestamp(shown.created_at),
        "updated_at": timestamp(shown.updated_at),
        "created_by": f"{service.email_from}@{service.domain}",
        "version": shown.version,
        "name": shown.name,
        "body": shown.body,
        "subject": shown.subject,
        "personalisation": {name: {"required": True} for name in shown.placeholders},
        "postage": None,
        "letter_contact_block": None,
    }
