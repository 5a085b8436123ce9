"""What AWS End User Messaging tells of a text it took, in its own shapes, and when. Pure."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.fakes.sigv4 import REGION
from tests.fakes.sms import ACCOUNT, Text, is_gsm


@dataclass(frozen=True)
class TextStep:
    """One event, `after` seconds after AWS took the text."""

    type: str  # as in eventType
    after: float = 0.05
    final: bool = True
    description: str = ""
    more: tuple[tuple[str, Any], ...] = ()  # fields that differ from the usual ones
    times: int = 1
    bridged: bool = False  # by EventBridge
    only_by: str | None = None  # "sqs" or "sns"


TAKEN = TextStep("TEXT_SUCCESSFUL", 0.0, final=False, description="Message has been accepted by phone carrier")
DELIVERED = (TAKEN, TextStep("TEXT_DELIVERED", description="Message has been accepted by phone"))
SUCCESSFUL = (TextStep("TEXT_SUCCESSFUL", description="Message has been accepted by phone carrier"),)
INVALID = (TextStep("TEXT_INVALID", description="Phone number is invalid"),)
UNREACHABLE = (TAKEN, TextStep("TEXT_UNREACHABLE", description="Phone is currently unreachable/unavailable"))
CARRIER_UNREACHABLE = (TextStep("TEXT_CARRIER_UNREACHABLE", description="Phone carrier is unreachable"),)
EXPIRED = (TextStep("TEXT_TTL_EXPIRED", description="Delivery TTL has expired"),)
SPAM = (TextStep("TEXT_SPAM", description="Message is marked as spam by carrier"),)
BLOCKED = (TextStep("TEXT_BLOCKED", description="Message has been blocked by phone carrier"),)
SILENCE: tuple[TextStep, ...] = ()


def bridged(steps: Sequence[TextStep]) -> tuple[TextStep, ...]:
    """The same, as EventBridge wraps it."""
    return tuple(replace(step, bridged=True) for step in steps)


def tell(step: TextStep, text: Text) -> str:
    """The JSON of one event."""
    at = text.at + step.after
    event: dict[str, Any] = {
        "eventType": step.type,
        "eventVersion": "1.0",
        "eventTimestamp": int(at * 1000),
        "isFinal": step.final,
        "originationPhoneNumber": text.origin,
        "destinationPhoneNumber": text.to,
        "isoCountryCode": "CA",
        "mcc": "302",
        "mnc": "720",
        "carrierName": "Rogers",
        "messageId": text.message_id,
        "messageRequestTimestamp": int(text.at * 1000),
        "messageEncoding": "GSM" if is_gsm(text.body) else "Unicode",
        "messageType": "TRANSACTIONAL",
        "messageStatus": step.type.removeprefix("TEXT_"),
        "messageStatusDescription": step.description,
        "context": text.context,
        "totalMessageParts": text.parts,
        "totalMessagePrice": round(0.00581 * text.parts, 5),
        "totalCarrierFee": round(0.00256 * text.parts, 5),
        **dict(step.more),
    }
    if not step.bridged:
        return json.dumps(event)
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Text Message Delivery Status Updated",
            "source": "aws.sms-voice",
            "account": ACCOUNT,
            "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [f"arn:aws:sms-voice:{REGION}:{ACCOUNT}:phone-number/{text.origin}"],
            "detail": event,
        }
    )
