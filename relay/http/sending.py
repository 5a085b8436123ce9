"""From a request for a message to the 201 that answers it, whatever its channel. Knows no HTTP."""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from auth.principal import Principal, Service
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, Door, IdempotencyKey, Personalised, Submission, Trace, new_id
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.text import Text
from messages.values import sanitised_content
from relay.http import errors
from relay.http.client import Client
from relay.http.errors import ApiError, Rejection
from relay.http.presenting import Bodies, Links
from relay.http.requests import NOT_EMAIL, EmailRequest, SmsRequest, parse_time
from relay.http.submissions import Submissions

# For smoke tests of clients, as GC Notify and GOV.UK Notify have them: answered with 201, and nothing comes of it.
_SIMULATED = frozenset(
    (
        *(
            f"simulate-delivered{number}@{domain}"
            for number in ("", "-2", "-3")
            for domain in ("notification.canada.ca", "notifications.service.gov.uk")
        ),
        *("+16132532222", "+16132532223", "+16132532224", "+447700900000", "+447700900111", "+447700900222"),
    )
)

Asked = TypeVar("Asked", EmailRequest, SmsRequest)


class Senders(Protocol):
    """What texts need of delivery.library.origination."""

    async def find(self, service_id: UUID, identity_id: UUID) -> object | None: ...

    async def number(self, service_id: UUID, country: str, asked: UUID | None) -> str | None: ...


class Sending(ABC, Generic[Asked]):
    """A channel's. `now` gives seconds since the epoch."""

    channel: ClassVar[Channel]
    summary: ClassVar[str]

    def __init__(self, submissions: Submissions, bodies: Bodies, links: Links, now: Callable[[], float]) -> None:
        self._submissions = submissions
        self._bodies = bodies
        self._links = links
        self._now = now

    @abstractmethod
    def _recipient(self, asked: Asked) -> Recipient: ...

    @abstractmethod
    def _personalised(self, asked: Asked) -> Personalised: ...

    @abstractmethod
    async def _unknown(self, asked: Asked, principal: Principal) -> tuple[str, Rejection] | None:
        """The id of a sender, or of an address for replies, that the service does not have; and how it is refused."""

    def _reply_to(self, asked: Asked, principal: Principal) -> str | None:
        """Where answers go, where the message names it."""
        return None

    def _sender_id(self, asked: Asked) -> UUID | None:
        """What it leaves from, where the message names it."""
        return None

    @abstractmethod
    async def _content(self, asked: Asked, service: Service, subject: str, body: str) -> dict[str, Any]: ...

    async def send(
        self, asked: Asked, principal: Principal, client: Client, idempotency_key: str | None
    ) -> tuple[dict[str, Any], bool]:
        """The body of the 201, and whether it was given before. The message is stored. Raises ApiError."""
        if any(isinstance(value, dict) for value in asked.personalisation.values()):
            raise ApiError.of(errors.NO_DOCUMENTS)
        recipient = self._recipient(asked)
        submission = self._submission(asked, recipient, principal, client, idempotency_key)
        if unknown := await self._unknown(asked, principal):
            unknown_id, rejection = unknown
            await self._submissions.rehearse(submission, principal)  # what is wrong with the template is said first
            raise ApiError.of(rejection, id=unknown_id, service_id=principal.service.id)
        if recipient.key in _SIMULATED:
            prepared = await self._submissions.rehearse(submission, principal)
            template = prepared.template_id, prepared.template_version
            simulated_id = new_id(self._now(), os.urandom(10))
            answer = await self._answer(asked, principal, simulated_id, template, prepared.subject, prepared.body)
            return answer, False
        accepted = await self._submissions.submit(submission, principal)
        message, body = accepted.messages[0], accepted.body
        if body is None and (shown := await self._bodies.load([message])):
            body = shown[message.id].text  # what an earlier, equal request was answered
        template = message.template_id, message.template_version
        answer = await self._answer(asked, principal, message.id, template, message.subject, body)
        return answer, accepted.repeated

    def _submission(
        self, asked: Asked, recipient: Recipient, principal: Principal, client: Client, idempotency_key: str | None
    ) -> Submission:
        by = urlsplit(self._links.root).hostname or ""
        return Submission(
            envelope=Envelope(None, (recipient,)),
            content=self._personalised(asked),
            trace=Trace("", client.address, "HTTP", by, client.product),
            door=Door.HTTP,
            reference=asked.reference or None,
            reply_to=self._reply_to(asked, principal),
            sender_id=self._sender_id(asked),
            scheduled_for=parse_time(asked.scheduled_for) if asked.scheduled_for else None,
            idempotency=IdempotencyKey(idempotency_key, self._hash(asked, principal)) if idempotency_key else None,
        )

    async def _answer(
        self,
        asked: Asked,
        principal: Principal,
        message_id: UUID,
        template: tuple[UUID, int],
        subject: str,
        body: str | None,
    ) -> dict[str, Any]:
        service = principal.service
        sanitised = self._personalised(asked).sanitised
        return {
            "id": str(message_id),
            "reference": asked.reference or None,
            "content": await self._content(asked, service, subject, body or ""),
            "uri": self._links.notification(message_id),
            "template": {
                "id": str(template[0]),
                "version": template[1],
                "uri": self._links.template(service.id, template[0]),
            },
            "scheduled_for": asked.scheduled_for,
            "sanitised_content": sanitised_content(asked.personalisation, sanitised),
        }

    def _hash(self, asked: Asked, principal: Principal) -> bytes:
        """Of all that is asked for, however its JSON is spelt, and the type of key: a test answers no live one."""
        canonical = json.dumps(asked.model_dump(exclude_unset=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(f"{self.channel.value} {principal.key.type} {canonical}".encode()).digest()


class EmailSending(Sending[EmailRequest]):
    """Send an email made of a template. It is stored when this is answered."""

    channel = Channel.EMAIL
    summary = "Send an email"

    def __init__(
        self, submissions: Submissions, bodies: Bodies, links: Links, now: Callable[[], float], sms_domain: str
    ) -> None:
        super().__init__(submissions, bodies, links, now)
        self._sms_domain = sms_domain  # at which nobody has a mailbox: by SMTP it stands for phones

    def _recipient(self, asked: EmailRequest) -> Recipient:
        address = Address.parse(asked.email_address)
        if address.domain == self._sms_domain:
            raise ApiError.invalid([Text(NOT_EMAIL.source, {"field": "email_address"})])
        return address

    def _personalised(self, asked: EmailRequest) -> Personalised:
        sanitised = tuple(asked.sanitise_content_for or ())
        url = asked.one_click_unsubscribe_url
        return Personalised(UUID(asked.template_id), asked.personalisation, sanitised, url)

    async def _unknown(self, asked: EmailRequest, principal: Principal) -> tuple[str, Rejection] | None:
        asked_id = asked.email_reply_to_id
        return (asked_id, errors.REPLY_TO_UNKNOWN) if asked_id and not self._reply_to(asked, principal) else None

    def _reply_to(self, asked: EmailRequest, principal: Principal) -> str | None:
        return principal.reply_tos.get(UUID(asked.email_reply_to_id)) if asked.email_reply_to_id else None

    async def _content(self, asked: EmailRequest, service: Service, subject: str, body: str) -> dict[str, Any]:
        return {
            "from_email": f"{service.email_from}@{service.domain}",
            "subject": subject,
            "body": body,
            "one_click_unsubscribe_url": asked.one_click_unsubscribe_url,
        }


class SmsSending(Sending[SmsRequest]):
    """Send a text message made of a template. It is stored when this is answered."""

    channel = Channel.SMS
    summary = "Send a text message"

    def __init__(
        self, submissions: Submissions, bodies: Bodies, links: Links, now: Callable[[], float], senders: Senders
    ) -> None:
        super().__init__(submissions, bodies, links, now)
        self._senders = senders

    def _recipient(self, asked: SmsRequest) -> Recipient:
        return PhoneNumber(asked.phone_number)  # checked by the request

    def _personalised(self, asked: SmsRequest) -> Personalised:
        return Personalised(UUID(asked.template_id), asked.personalisation)

    async def _unknown(self, asked: SmsRequest, principal: Principal) -> tuple[str, Rejection] | None:
        asked_id = self._sender_id(asked)
        if asked_id is None or await self._senders.find(principal.service.id, asked_id):
            return None
        return asked.sms_sender_id, errors.SENDER_UNKNOWN

    def _sender_id(self, asked: SmsRequest) -> UUID | None:
        return UUID(asked.sms_sender_id) if asked.sms_sender_id else None

    async def _content(self, asked: SmsRequest, service: Service, subject: str, body: str) -> dict[str, Any]:
        country = PhoneNumber(asked.phone_number).region
        return {"from_number": await self._senders.number(service.id, country, self._sender_id(asked)), "body": body}
