"""Submissions by SMTP as the doors store them: each recipient's message, under an idempotency key."""

import os
from typing import Any
from uuid import UUID

from config.keyring import Keyring
from delivery.store.base import Group
from messages.message import IdempotencyKey, Message, new_id
from tests.harness.noon import NOW, message
from tests.harness.store import group_of

SERVICE = UUID(int=7)
OLD, NEW = Keyring.generate(), Keyring.generate()


def to(*names: str, key: str | None = "k", content: bytes = b"hello", **changes: Any) -> Group:
    """A submission by SMTP: its key holds for each recipient."""
    ids = {"group_id": new_id(NOW, os.urandom(10)), "content_id": new_id(NOW, os.urandom(10)), "service_id": SERVICE}
    messages = tuple(message(recipient=f"{name}@example.org", **(ids | changes)) for name in names)
    return group_of(messages, content, idempotency=IdempotencyKey(key, None) if key else None)


def names_of(messages: tuple[Message, ...]) -> list[str]:
    return [each.recipient.local for each in messages]
