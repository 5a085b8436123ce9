"""What Amazon SES tells of a message, as Events. Pure.

Two formats say nearly the same: event publishing (`eventType`, with our tags) and an identity's notifications
(`notificationType`, without). New types and fields may appear at any time: they are passed over.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from config.providers import EmailProvider
from delivery.feedback.base import Unreadable, child, children, printable, required, string, time_of
from delivery.store.base import Event, EventKind
from messages.message import parse_id
from messages.status import Status

PROVIDER = EmailProvider.SES.value

_KINDS: dict[str, tuple[EventKind, str]] = {  # by type: kind, and the name of the object that tells more
    "Send": (EventKind.SEND, "send"),
    "Delivery": (EventKind.DELIVERY, "delivery"),
    "Bounce": (EventKind.BOUNCE, "bounce"),
    "Complaint": (EventKind.COMPLAINT, "complaint"),
    "Reject": (EventKind.REJECT, "reject"),
    "DeliveryDelay": (EventKind.DELAY, "deliveryDelay"),
    "Rendering Failure": (EventKind.FAILURE, "failure"),
}
_BOUNCES = {
    "Permanent": Status.PERMANENT_FAILURE,
    "Transient": Status.TEMPORARY_FAILURE,  # published when SES has stopped trying
    "Undetermined": Status.TEMPORARY_FAILURE,
}
_UNKNOWN_BOUNCE = "unknown-bounce-subtype"  # Notify's word
_NEVER_SENT = frozenset({"on-account-suppression-list", "on-tenant-suppression-list"})  # complaints of an earlier mail
_MAX_RECIPIENTS = 50  # of one call

_PROVIDER_ID = re.compile(r"[!-~]{1,200}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[ _-]+")
_REASON = re.compile(r"[a-z0-9-]{1,64}")


def events(told: Mapping[str, Any]) -> tuple[Event, ...]:
    """The events that one notification tells, none where it is of no use to us. Raises Unreadable, nothing else."""
    known = _KINDS.get(string(told, "eventType") or required(told, "notificationType"))
    if known is None:
        return ()
    kind, name = known
    mail, more = child(told, "mail"), child(told, name)
    provider_id = required(mail, "messageId")
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise Unreadable("messageId")
    at = time_of(string(more, "timestamp") or required(mail, "timestamp"), "timestamp")
    status, reason = _SAYS[kind](more)
    several = _several(kind, mail, more)
    once = string(more, "feedbackId") or f"{at:.3f}"
    return tuple(
        Event(
            id=_id(provider_id, kind, once, position),
            kind=kind,
            provider=PROVIDER,
            provider_id=provider_id,
            message_id=_tag(mail, "message_id"),
            attempt_id=_tag(mail, "attempt_id"),
            at=at,
            status=status,
            reason=reason,
            detail=detail,
            several=several,
        )
        for position, detail in enumerate(_details(kind, more))
    )


def _several(kind: EventKind, mail: Mapping[str, Any], more: Mapping[str, Any]) -> bool:
    """Whether it names more than one recipient: a complaint names all who may have made it."""
    named = {EventKind.BOUNCE: "bouncedRecipients", EventKind.COMPLAINT: "complainedRecipients"}.get(kind)
    lists = [children(mail, "destination"), *([children(more, named)] if named else [])]
    return any(len(each) > 1 for each in lists)


def _id(provider_id: str, kind: EventKind, once: str, position: int) -> UUID:
    # The recipient's place, not the address: nobody can try addresses against the ids of a stolen database.
    name = "\n".join((PROVIDER, provider_id, kind.value, once, str(position)))
    return UUID(bytes=hashlib.sha256(name.encode()).digest()[:16])


def _tag(mail: Mapping[str, Any], name: str) -> UUID | None:
    """Our own tag's value. One that we cannot have written is not ours."""
    tags = mail.get("tags")
    values = tags.get(name) if isinstance(tags, dict) else None
    value = values[0] if isinstance(values, list) and values else None
    return parse_id(value)


def _word(text: str | None) -> str | None:
    """OnAccountSuppressionList -> on-account-suppression-list."""
    word = _HUMP.sub("-", text[:100]).lower() if text else ""
    return word if _REASON.fullmatch(word) else None


# -- What each kind says -------------------------------------------------------------------------------------------
Said = tuple[Status | None, str | None]  # of the message's end, and why


def _bounce(bounce: Mapping[str, Any]) -> Said:
    kind = string(bounce, "bounceType") or ""
    reason = "general" if kind == "Undetermined" else _word(string(bounce, "bounceSubType"))
    if kind not in _BOUNCES or reason is None:
        reason = _UNKNOWN_BOUNCE
    return _BOUNCES.get(kind, Status.TEMPORARY_FAILURE), reason


def _complaint(complaint: Mapping[str, Any]) -> Said:
    subtype = _word(string(complaint, "complaintSubType"))
    if subtype in _NEVER_SENT:
        return Status.PERMANENT_FAILURE, subtype
    return None, subtype or _word(string(complaint, "complaintFeedbackType"))


_SAYS: dict[EventKind, Callable[[Mapping[str, Any]], Said]] = {
    EventKind.SEND: lambda _: (None, None),
    EventKind.DELIVERY: lambda _: (Status.DELIVERED, None),
    EventKind.BOUNCE: _bounce,
    EventKind.COMPLAINT: _complaint,
    EventKind.REJECT: lambda reject: (Status.TECHNICAL_FAILURE, _word(string(reject, "reason"))),
    EventKind.DELAY: lambda delay: (None, _word(string(delay, "delayType"))),
    EventKind.FAILURE: lambda _: (Status.TECHNICAL_FAILURE, "rendering-failure"),
}


def _details(kind: EventKind, more: Mapping[str, Any]) -> list[str | None]:
    """The remote server's words, for each recipient; one at least, for an out-of-office reply may name nobody."""
    if kind is EventKind.DELIVERY:
        found = [string(more, "smtpResponse")] * len(children(more, "recipients"))
    elif kind in (EventKind.BOUNCE, EventKind.DELAY):
        name = "bouncedRecipients" if kind is EventKind.BOUNCE else "delayedRecipients"
        found = [string(each, "diagnosticCode") for each in children(more, name) if isinstance(each, dict)]
    else:  # a complaint names all who may have complained: of a message to one it is one
        found = [string(more, "errorMessage")]
    return [printable(text) for text in found[:_MAX_RECIPIENTS]] or [None]
