"""From a request for an email to the 201 that answers it. Knows no HTTP."""

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from auth.principal import Principal
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, IdempotencyKey, Message, Personalised, Submission, Trace, new_id
from messages.template import fill_body
from messages.values import sanitised_content
from relay.http import errors
from relay.http.client import Client
from relay.http.errors import ApiError
from relay.http.presenting import Links, Templates
from relay.http.requests import EmailRequest, parse_time
from relay.http.submissions import Submissions

# For smoke tests of clients, as GC Notify and GOV.UK Notify have them: answered with 201, and nothing comes of it.
_SIMULATED = frozenset(
    f"simulate-delivered{number}@{domain}"
    for number in ("", "-2", "-3")
    for domain in ("notification.canada.ca", "notifications.service.gov.uk")
)


class EmailSending:
    """`now` gives seconds since the epoch."""

    def __init__(self, submissions: Submissions, templates: Templates, links: Links, now: Callable[[], float]) -> None:
        self._submissions = submissions
        self._templates = templates
        self._links = links
        self._now = now

    async def send(
        self, asked: EmailRequest, principal: Principal, client: Client, idempotency_key: str | None
    ) -> tuple[dict[str, Any], bool]:
        """The body of the 201, and whether it was given before. The message is stored. Raises ApiError."""
        if any(isinstance(value, dict) for value in asked.personalisation.values()):
            raise ApiError.of(errors.NO_DOCUMENTS)
        recipient = Address.parse(asked.email_address)
        submission = self._submission(asked, recipient, principal, client, idempotency_key)
        if asked.email_reply_to_id and submission.reply_to is None:
            await self._submissions.rehearse(submission, principal)  # what is wrong with the template is said first
            raise ApiError.of(errors.REPLY_TO_UNKNOWN, id=asked.email_reply_to_id, service_id=principal.service.id)
        if recipient.key in _SIMULATED:
            prepared = await self._submissions.rehearse(submission, principal)
            template = prepared.template_id, prepared.template_version
            simulated_id = new_id(self._now(), os.urandom(10))
            return self._answer(asked, principal, simulated_id, template, prepared.subject, prepared.body), False
        accepted = await self._submissions.submit(submission, principal)
        message, body = accepted.messages[0], accepted.body
        if body is None:
            body = await self._filled(message, asked)
        template = message.template_id, message.template_version
        return self._answer(asked, principal, message.id, template, message.subject, body), accepted.repeated

    def _submission(
        self,
        asked: EmailRequest,
        recipient: Address,
        principal: Principal,
        client: Client,
        idempotency_key: str | None,
    ) -> Submission:
        by = urlsplit(self._links.root).hostname or ""
        return Submission(
            channel=Channel.EMAIL,
            envelope=Envelope(None, (recipient,)),
            content=Personalised(
                UUID(asked.template_id),
                asked.personalisation,
                tuple(asked.sanitise_content_for or ()),
                asked.one_click_unsubscribe_url,
            ),
            trace=Trace("", client.address, "HTTP", by, client.product),
            reference=asked.reference or None,
            reply_to=principal.reply_tos.get(UUID(asked.email_reply_to_id)) if asked.email_reply_to_id else None,
            scheduled_for=parse_time(asked.scheduled_for) if asked.scheduled_for else None,
            idempotency=IdempotencyKey(idempotency_key, _hash(asked, principal)) if idempotency_key else None,
        )

    async def _filled(self, message: Message, asked: EmailRequest) -> str:
        """What an earlier, equal request was answered: filled with the template as it was then."""
        template = await self._templates.find(message.service_id, message.template_id, message.template_version)
        return fill_body(template, asked.personalisation, asked.sanitise_content_for or ()) if template else ""

    def _answer(
        self,
        asked: EmailRequest,
        principal: Principal,
        message_id: UUID,
        template: tuple[UUID, int],
        subject: str,
        body: str | None,
    ) -> dict[str, Any]:
        service = principal.service
        return {
            "id": str(message_id),
            "reference": asked.reference or None,
            "content": {
                "from_email": f"{service.email_from}@{service.domain}",
                "subject": subject,
                "body": body or "",
                "one_click_unsubscribe_url": asked.one_click_unsubscribe_url,
            },
            "uri": self._links.notification(message_id),
            "template": {
                "id": str(template[0]),
                "version": template[1],
                "uri": self._links.template(service.id, template[0]),
            },
            "scheduled_for": asked.scheduled_for,
            "sanitised_content": sanitised_content(asked.personalisation, asked.sanitise_content_for or ()),
        }


def _hash(asked: EmailRequest, principal: Principal) -> bytes:
    """Of all that is asked for, however its JSON is spelt, and the type of key: a test is no answer to a live one."""
    canonical = json.dumps(asked.model_dump(exclude_unset=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"email {principal.key.type} {canonical}".encode()).digest()
