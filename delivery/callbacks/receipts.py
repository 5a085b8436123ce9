"""A delivery receipt as a service gets it: the JSON of Notify's contract, and headers that prove who sends it. Pure.

A receiver checks `X-Notify-Signature` over the timestamp and the very octets of the body, refuses an old timestamp, and
drops what it was told before by `X-Notify-Callback-Id`.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from delivery.descriptions import provider_response, status_description, timestamp
from messages.message import Message
from messages.status import Status


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """What is told: a status that the message had. It may have moved on since."""

    callback_id: UUID
    status: Status
    reason: str | None
    at: float


def body(receipt: DeliveryReceipt, message: Message) -> bytes:
    """The same octets each time the receipt is sent."""
    told = {
        "id": str(message.id),
        "reference": message.reference,
        "to": str(message.recipient),
        "status": receipt.status.value,
        "status_description": str(status_description(message.channel, receipt.status, receipt.reason)),
        "provider_response": provider_response(receipt.reason),
        "created_at": timestamp(message.created_at),
        "completed_at": timestamp(receipt.at),
        "sent_at": timestamp(message.sent_at),
        "notification_type": message.channel.value,
        "template_id": str(message.template_id),
        "template_version": message.template_version,
        "original_message_id": message.original_message_id,  # SES gives the mail another one
    }
    return json.dumps(told, ensure_ascii=False).encode()


def headers(receipt: DeliveryReceipt, body: bytes, bearer_token: str, secret: bytes, now: float) -> Mapping[str, str]:
    """`now` is the time of this attempt, in seconds since the epoch."""
    seconds = str(int(now))
    return {
        "Authorization": f"Bearer {bearer_token}",  # RFC 6750 2.1
        "Content-Type": "application/json",
        "User-Agent": "notify-relay",
        "X-Notify-Callback-Id": str(receipt.callback_id),
        "X-Notify-Timestamp": seconds,
        "X-Notify-Signature": f"v1={signature(secret, seconds, body)}",
    }


def signature(secret: bytes, seconds: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104), hexadecimal. The timestamp is part of it: a recorded call can not be sent again later."""
    return hmac.digest(secret, seconds.encode() + b"." + body, "sha256").hex()
