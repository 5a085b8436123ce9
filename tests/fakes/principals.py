"""Principals for tests: every field has a plain value, what matters is named."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from auth.principal import DisplayName, Key, Principal, ReplyTo, Service
from messages.message import KeyType, Language


def make_principal(
    *,
    live: bool = True,
    key_type: KeyType = KeyType.NORMAL,
    guests: Collection[str] = (),
    registered: Collection[str] = (),
    display_name: DisplayName = DisplayName.SERVICE,
    reply_to: ReplyTo = ReplyTo.REGISTERED,
    reply_to_address: str | None = None,
    branding: str = "default",
    per_minute: int = 1000,
    per_day: int = 1000,
    terms: Mapping[str, Any] | None = None,
) -> Principal:
    """`terms` are further fields of the key."""
    service = Service(
        id=uuid4(),
        name="Passports",
        email_from="passports",
        domain="notification.example.ca",
        live=live,
        held=False,
        display_name=display_name,
        reply_to=reply_to,
        reply_to_address=reply_to_address,
        language=Language.EN,
        branding=branding,
        per_day=per_day,
        email_template_id=uuid4(),
        created_at=0.0,
    )
    key = Key(
        id=uuid4(),
        service_id=service.id,
        name="Scan room",
        type=key_type,
        smtp_username="passports-scan-room-abcd2345",
        lane=None,
        language=None,
        branding=None,
        per_minute=per_minute,
        created_at=0.0,
        expires_at=None,
        revoked_at=None,
        last_used_at=None,
    )
    return Principal(service, replace(key, **(terms or {})), frozenset(guests), frozenset(registered))
