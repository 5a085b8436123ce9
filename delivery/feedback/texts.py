"""What AWS End User Messaging tells of a text, as Events. Pure.

Two envelopes carry the same object: a configuration set's own destination gives it as it is, EventBridge as `detail`.
New types and fields may appear at any time, and known ones be missing: they are passed over.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from config.providers import SmsProvider
from delivery.feedback.base import Unreadable, boolean, child, milliseconds, number, printable, required, string
from delivery.store.base import Carriage, Event, EventKind
from messages.message import parse_id
from messages.status import Status

PROVIDER = SmsProvider.AWS.value
PREFIX = "TEXT_"

_PROVIDER_ID = re.compile(r"[!-~]{1,200}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NAME_CHARACTERS = 100


class Meaning(NamedTuple):
    """What a type of event says: of the message's end, and why. No status: it is still on its way."""

    kind: EventKind
    status: Status | None = None
    reason: str | None = None


_ON_ITS_WAY = Meaning(EventKind.SEND)
_DELIVERED = Meaning(EventKind.DELIVERY, Status.DELIVERED)


def _permanent(reason: str) -> Meaning:
    return Meaning(EventKind.BOUNCE, Status.PERMANENT_FAILURE, reason)


def _temporary(reason: str) -> Meaning:
    return Meaning(EventKind.BOUNCE, Status.TEMPORARY_FAILURE, reason)


def _technical(reason: str) -> Meaning:
    return Meaning(EventKind.REJECT, Status.TECHNICAL_FAILURE, reason)


# By type, where it is final. Where another text to the same number may arrive it is temporary: GC Notify has
# UNREACHABLE, TTL_EXPIRED and UNKNOWN as permanent, and goes by the English words of the description.
MEANINGS: Mapping[str, Meaning] = {
    "TEXT_QUEUED": _ON_ITS_WAY,
    "TEXT_PENDING": _ON_ITS_WAY,
    "TEXT_SENT": _ON_ITS_WAY,
    "TEXT_SUCCESSFUL": _DELIVERED,  # of which carriers send it or TEXT_DELIVERED differs by country
    "TEXT_DELIVERED": _DELIVERED,
    "TEXT_INVALID": _permanent("invalid-number"),
    "TEXT_SPAM": _permanent("blocked-as-spam"),
    "TEXT_BLOCKED": _temporary("blocked"),
    "TEXT_CARRIER_BLOCKED": _temporary("carrier-blocked"),
    "TEXT_UNREACHABLE": _temporary("phone-unreachable"),
    "TEXT_CARRIER_UNREACHABLE": _temporary("carrier-unreachable"),
    "TEXT_TTL_EXPIRED": _temporary("ttl-expired"),
    "TEXT_UNKNOWN": _temporary("unknown"),
    "TEXT_INVALID_MESSAGE": _technical("invalid-message"),
    "TEXT_PROTECT_BLOCKED": _technical("protect-blocked"),
}
# One type for several things: only the description says which.
WORDS: Mapping[str, tuple[tuple[str, Meaning], ...]] = {
    type_: (("opted out", _permanent("opted-out")), ("blocked list", _permanent("on-blocked-list")))
    for type_ in ("TEXT_BLOCKED", "TEXT_CARRIER_BLOCKED")
}


def events(told: Mapping[str, Any]) -> tuple[Event, ...]:
    """The one event, none where it is of a type that is new. Raises Unreadable, nothing else."""
    type_ = required(told, "eventType")
    description = string(told, "messageStatusDescription")
    meaning = _meaning(type_, (description or "").lower())
    if meaning is None:
        return ()
    final = boolean(told, "isFinal")
    if not _ends(type_, final):
        meaning = _ON_ITS_WAY
    provider_id = required(told, "messageId")
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise Unreadable("messageId")
    at = milliseconds(told, "eventTimestamp")
    context = child(told, "context")
    return (
        Event(
            id=_id(provider_id, type_, final, at),
            kind=meaning.kind,
            provider=PROVIDER,
            provider_id=provider_id,
            message_id=parse_id(context.get("message_id")),
            attempt_id=parse_id(context.get("attempt_id")),
            at=at,
            status=meaning.status,
            reason=meaning.reason,
            detail=printable(description),
            carriage=_carriage(told),
        ),
    )


def _meaning(type_: str, description: str) -> Meaning | None:
    said = (meaning for words, meaning in WORDS.get(type_, ()) if words in description)
    return next(said, MEANINGS.get(type_))


def _ends(type_: str, final: bool | None) -> bool:
    """Whether nothing else is to come. Fields are missing at times: without the word a success is the carrier's."""
    if type_ == "TEXT_SUCCESSFUL":
        return final is True
    return type_ == "TEXT_DELIVERED" or final is not False


def _id(provider_id: str, type_: str, final: bool | None, at: float) -> UUID:
    name = "\n".join((PROVIDER, provider_id, type_, str(final), f"{at:.3f}"))
    return UUID(bytes=hashlib.sha256(name.encode()).digest()[:16])


def _carriage(told: Mapping[str, Any]) -> Carriage:
    country, parts = string(told, "isoCountryCode") or "", number(told, "totalMessageParts")
    return Carriage(
        carrier=(printable(string(told, "carrierName")) or "")[:_NAME_CHARACTERS] or None,
        country=country if _COUNTRY.fullmatch(country) else None,
        encoding=(printable(string(told, "messageEncoding")) or "")[:_NAME_CHARACTERS] or None,
        parts=None if parts is None else int(parts),
        price=number(told, "totalMessagePrice"),
        fee=number(told, "totalCarrierFee"),
    )
