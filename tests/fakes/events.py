"""What SES tells of a message it took, in its own shapes, and when. Pure; who carries it is in sqs.py and sns.py."""

import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

ACCOUNT = "123456789012"
NAMES = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}  # of the object; else the type in lower case


@dataclass(frozen=True)
class Step:
    """One event, `after` seconds after SES took the message."""

    type: str  # as in eventType
    after: float = 0
    more: tuple[tuple[str, Any], ...] = ()  # fields of its object that differ from the usual ones
    times: int = 1
    tagged: bool = True  # False: an identity's notification, which knows nothing of tags
    only_by: str | None = None  # "sqs" or "sns"


def bounce(kind: str, subtype: str, after: float = 0.05, **changes: Any) -> Step:
    return Step("Bounce", after, (("bounceType", kind), ("bounceSubType", subtype)), **changes)


SEND, DELIVERY = Step("Send"), Step("Delivery", 0.05)
DELIVERED = (SEND, DELIVERY)
BOUNCED = (SEND, bounce("Permanent", "General"))
OUT_OF_OFFICE = (SEND, DELIVERY, bounce("Transient", "General", 0.1))
COMPLAINED = (SEND, DELIVERY, Step("Complaint", 0.1))
SUPPRESSED = (SEND, bounce("Permanent", "OnAccountSuppressionList"))
BOUNCED_LATE = (SEND, DELIVERY, bounce("Permanent", "NoEmail", 0.5))
DELAYED = (SEND, Step("DeliveryDelay", 0.05))
SCRIPTS: Mapping[str, Sequence[Step]] = {  # by the mailbox simulator's names, and by some of our own
    "success": DELIVERED,
    "bounce": BOUNCED,
    "ooto": OUT_OF_OFFICE,
    "complaint": COMPLAINED,
    "suppressionlist": SUPPRESSED,
    "late-bounce": BOUNCED_LATE,
    "soft-bounce": (SEND, bounce("Transient", "MailboxFull")),
    "delay": DELAYED,
    "reject": (SEND, Step("Reject", 0.05)),
    "silence": (),
    "twice": tuple(replace(step, times=2) for step in DELIVERED),
    "backwards": tuple(replace(step, after=0.2 - step.after) for step in BOUNCED_LATE[:2]),
    "untagged": tuple(replace(step, tagged=False) for step in DELIVERED),
}


def script_of(recipient: str) -> Sequence[Step]:
    """By the local part, without its +label; a delivery where it says nothing."""
    local, _, domain = recipient.rpartition("@")
    if domain != "simulator.amazonses.com":
        return DELIVERED
    return SCRIPTS.get(local.partition("+")[0], DELIVERED)


def disturbed(share: float, seed: int) -> Callable[[Step], Step]:
    """Makes that share of events late by up to two seconds, so that they overtake each other, or come twice."""
    dice = random.Random(seed)

    def disturb(step: Step) -> Step:
        late = dice.uniform(0, 2) if dice.random() < share else 0.0
        return replace(step, after=step.after + late, times=2 if dice.random() < share else step.times)

    return disturb


def stamp(at: float) -> str:
    """A time as SES writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tell(
    step: Step, message_id: str, recipients: Sequence[str], tags: Mapping[str, str], sent_at: float, region: str
) -> str:
    """The JSON of one event."""
    at = stamp(sent_at + step.after)
    name = NAMES.get(step.type, step.type.lower())
    source = "Passports <passports@notification.example.ca>"
    mail: dict[str, Any] = {
        "timestamp": stamp(sent_at),
        "messageId": message_id,
        "source": source,
        "sourceArn": f"arn:aws:ses:{region}:{ACCOUNT}:identity/notification.example.ca",
        "sendingAccountId": ACCOUNT,
        "destination": list(recipients),
    }
    told: dict[str, Any] = {"eventType": step.type, "mail": mail, name: _more(step, recipients, at)}
    if step.tagged:
        mail |= {
            "headersTruncated": False,
            "headers": [{"name": "From", "value": source}, {"name": "To", "value": ", ".join(recipients)}],
            "commonHeaders": {"from": [source], "to": list(recipients), "messageId": message_id, "subject": "Test"},
            "tags": {
                "ses:configuration-set": ["relay"],
                "ses:source-ip": ["192.0.2.17"],
                "ses:from-domain": ["notification.example.ca"],
                "ses:caller-identity": ["relay"],
                **{key: [value] for key, value in tags.items()},
            },
        }
    else:
        del told["eventType"]
        told = {"notificationType": step.type, **told}
    return json.dumps(told)


def _more(step: Step, recipients: Sequence[str], at: str) -> dict[str, Any]:
    usual: dict[str, dict[str, Any]] = {
        "Send": {},
        "Reject": {"reason": "Bad content"},
        "Rendering Failure": {"templateName": "none", "errorMessage": "Attribute 'name' is not present."},
        "Delivery": {
            "timestamp": at,
            "processingTimeMillis": 512,
            "recipients": list(recipients),
            "smtpResponse": "250 2.0.0 OK: queued as 4F2A",
            "remoteMtaIp": "192.0.2.25",
            "reportingMTA": "a8-50.smtp-out.ca-central-1.amazonses.com",
        },
        "Bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [_bounced(recipient) for recipient in recipients],
            "timestamp": at,
            "feedbackId": f"010d{uuid.uuid4().hex}-000000",
            "reportingMTA": "dns; a8-50.smtp-out.ca-central-1.amazonses.com",
        },
        "Complaint": {
            "complainedRecipients": [{"emailAddress": recipient} for recipient in recipients],
            "timestamp": at,
            "feedbackId": f"010d{uuid.uuid4().hex}-000000",
            "complaintSubType": None,
            "userAgent": "ReturnPathFBL/1.0",
            "complaintFeedbackType": "abuse",
            "arrivalDate": at,
        },
        "DeliveryDelay": {
            "timestamp": at,
            "delayType": "TransientCommunicationFailure",
            "expirationTime": at,
            "delayedRecipients": [
                {"emailAddress": recipient, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 Unable to connect"}
                for recipient in recipients
            ],
            "reportingMTA": "192.0.2.9",
        },
    }
    return usual.get(step.type, {}) | dict(step.more)


def _bounced(recipient: str) -> dict[str, str]:
    code = f"smtp; 550 5.1.1 <{recipient}>: no such user here"
    return {"emailAddress": recipient, "action": "failed", "status": "5.1.1", "diagnosticCode": code}
