"""What a service is told, by call and in its feed: the fields of Notify's contract. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from delivery.descriptions import provider_response, status_description, timestamp
from delivery.store.base import CallbackKind, InboundText
from messages.message import Message
from messages.status import Status

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told, as its row has it. The message may have moved on since."""

    id: UUID
    kind: CallbackKind
    message_id: UUID | None  # None: of an inbound text
    source_id: UUID | None  # the complaint, or the inbound text
    status: Status | None
    reason: str | None
    at: float


def encoded(fields: Fields) -> bytes:
    """The same octets each time it is told."""
    return json.dumps(fields, ensure_ascii=False).encode()


def of_message(told: Told, message: Message) -> Fields:
    return _complaint(told, message) if told.kind is CallbackKind.COMPLAINT else _status(told, message)


def _status(told: Told, message: Message) -> Fields:
    status = told.status or message.status  # it has one
    return {
        "id": str(message.id),
        "reference": message.reference,
        "to": str(message.recipient),
        "status": status.value,
        "status_description": str(status_description(message.channel, status, told.reason)),
        "provider_response": provider_response(told.reason),
        "created_at": timestamp(message.created_at),
        "completed_at": timestamp(told.at),
        "sent_at": timestamp(message.sent_at),
        "notification_type": message.channel.value,
        "template_id": str(message.template_id),
        "template_version": message.template_version,
        "original_message_id": message.original_message_id,  # SES gives the mail another one
    }


def _complaint(told: Told, message: Message) -> Fields:
    # It ended the message: the provider never sent it, and the complaint is about an earlier one to that address.
    suppressed = told.status is not None
    return {
        "notification_id": str(message.id),
        "complaint_id": str(told.source_id),
        "reference": message.reference,
        "to": None if suppressed else str(message.recipient),
        "complaint_date": timestamp(told.at),
    }


def of_retired(told: Told) -> Fields:
    """A complaint about a message whose row is gone: that is all that is known of it."""
    return {
        "notification_id": str(told.message_id),
        "complaint_id": str(told.source_id),
        "reference": None,
        "to": None,
        "complaint_date": timestamp(told.at),
    }


def of_text(told: Told, text: InboundText) -> Fields:
    return {
        "id": str(text.id),
        "source_number": text.source_number,
        "destination_number": text.destination_number,
        "message": text.message,
        "date_received": timestamp(told.at),
    }
