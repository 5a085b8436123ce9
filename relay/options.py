"""The X-Notify-* header fields a sender may use, and the Submission that a message with them is.

The header policy takes them all off before sending, known or not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from auth.principal import Principal
from messages import reply
from messages.email.content import HeaderSection
from messages.email.encoded_words import decode_words
from messages.envelope import Envelope
from messages.message import (
    MAX_AHEAD_SECONDS,
    MAX_IDEMPOTENCY_CHARACTERS,
    MAX_LIFETIME_SECONDS,
    MAX_REFERENCE_CHARACTERS,
    Door,
    Dsn,
    IdempotencyKey,
    Lane,
    Language,
    Submission,
    Trace,
    parse_time,
)
from messages.reply import Refused
from messages.text import Text, clean

_MAX_FIELD_CHARACTERS = 16_000  # a reference as encoded words, each of its characters a word; what is decoded is whole

_Word = TypeVar("_Word", Lane, Language)

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_BRANDING = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """What the sender asked for; None is "as the key, else the service, says"."""

    reference: str | None
    lane: Lane | None
    language: Language | None
    branding: str | None
    scheduled_for: float | None  # seconds since the epoch
    lifetime_seconds: int | None
    idempotency_key: str | None


def parse(section: HeaderSection, now: float) -> Options:
    """Raises Refused naming the field that cannot be used."""
    return Options(
        reference=_reference(section),
        lane=_word(section, "X-Notify-Lane", Lane),
        language=_word(section, "X-Notify-Language", Language),
        branding=_branding(section),
        scheduled_for=_scheduled_for(section, now),
        lifetime_seconds=_lifetime_seconds(section),
        idempotency_key=_idempotency_key(section),
    )


def submission(
    content: bytes,
    envelope: Envelope,
    trace: Trace,
    principal: Principal,
    now: float,
    dsn: Mapping[str, Dsn],
) -> Submission:
    """What a client hands us with this message. Raises Refused as `parse` does."""
    options = parse(HeaderSection.parse(content), now)
    return Submission(
        envelope=envelope,
        content=content,
        trace=trace,
        door=Door.SMTP,
        reference=options.reference,
        lane=options.lane,
        language=options.language,
        branding=options.branding,
        scheduled_for=options.scheduled_for,
        lifetime_seconds=options.lifetime_seconds,
        idempotency=_named(options.idempotency_key, principal),
        dsn=dsn,
    )


def _named(key: str | None, principal: Principal) -> IdempotencyKey | None:
    # With the key's type: what a test key sent reached nobody, and is no reason to leave somebody out.
    return IdempotencyKey(f"{principal.key.type} {key}", body_hash=None) if key else None


def _value(section: HeaderSection, field: str) -> str | None:
    return _only(section, field).strip() or None


def _only(section: HeaderSection, field: str) -> str:
    """What the field says; products of other languages than English write any field in encoded words (RFC 2047)."""
    values = section.all(field)
    if len(values) > 1:
        raise _refused(field, Text("it stands there more than once"))
    if not values:
        return ""
    if len(values[0]) > _MAX_FIELD_CHARACTERS:
        raise _refused(field, Text("longer than {limit} characters", {"limit": _MAX_FIELD_CHARACTERS}))
    return decode_words(values[0])


def _refused(field: str, reason: Text) -> Refused:
    return Refused(reply.BAD_OPTION, field=field, reason=reason)


def _word(section: HeaderSection, field: str, kind: type[_Word]) -> _Word | None:
    value = _value(section, field)
    if value is None:
        return None
    try:
        return kind(value.lower())
    except ValueError:
        raise _refused(field, Text("use one of {words}", {"words": ", ".join(kind)})) from None


def _reference(section: HeaderSection) -> str | None:
    value = _value(section, "X-Notify-Reference")
    if value is not None and len(value) > MAX_REFERENCE_CHARACTERS:
        raise _refused(
            "X-Notify-Reference", Text("longer than {limit} characters", {"limit": MAX_REFERENCE_CHARACTERS})
        )
    return value and clean(value)


def _idempotency_key(section: HeaderSection) -> str | None:
    field = "X-Notify-Idempotency-Key"
    value = _only(section, field)  # as it stands: mended, two keys could become one
    if value and not IdempotencyKey.is_usable(value):
        limit = {"limit": MAX_IDEMPOTENCY_CHARACTERS}
        raise _refused(field, Text("use at most {limit} printable ASCII characters", limit))
    return value or None


def _branding(section: HeaderSection) -> str | None:
    value = _value(section, "X-Notify-Branding")
    if value is not None and not _BRANDING.fullmatch(value):
        raise _refused("X-Notify-Branding", Text("use none, or the id of a branding"))
    return value


def _scheduled_for(section: HeaderSection, now: float) -> float | None:
    field = "X-Notify-Scheduled-For"
    value = _value(section, field)
    if value is None:
        return None
    try:
        seconds = parse_time(value)
    except ValueError:
        raise _refused(field, Text("use ISO 8601, for example 2030-01-31T09:00:00Z")) from None
    if seconds > now + MAX_AHEAD_SECONDS:
        raise _refused(field, Text("more than {hours} hours ahead", {"hours": MAX_AHEAD_SECONDS // 3600}))
    return seconds if seconds > now else None  # past: it waited on its way here, and is sent at once


def _lifetime_seconds(section: HeaderSection) -> int | None:
    field = "X-Notify-Expires"
    value = _value(section, field)
    if value is None:
        return None
    if not _SECONDS.fullmatch(value) or not 1 <= int(value) <= MAX_LIFETIME_SECONDS:
        raise _refused(field, Text("use a number of seconds from 1 to {limit}", {"limit": MAX_LIFETIME_SECONDS}))
    return int(value)
