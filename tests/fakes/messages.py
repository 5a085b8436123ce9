"""Messages for tests: every field has a plain value, any can be given."""

import os
import time
from typing import Any
from uuid import uuid4

from messages.address import Address
from messages.message import Channel, Door, KeyType, Lane, Message, new_id
from messages.recipient import Recipient
from messages.status import Status


def make_message(recipient: str | Recipient = "reader@example.org", **changes: Any) -> Message:
    now = time.time()
    message = Message(
        id=new_id(now, os.urandom(10)),
        group_id=uuid4(),
        service_id=uuid4(),
        key_id=uuid4(),
        key_type=KeyType.NORMAL,
        channel=Channel.EMAIL,
        door=Door.SMTP,
        lane=Lane.NORMAL,
        template_id=uuid4(),
        template_version=1,
        reference=None,
        reverse_path="bounces@notification.example.ca",
        recipient=Address.parse(recipient) if isinstance(recipient, str) else recipient,
        subject="Test",
        original_message_id=None,
        signing_domain="notification.example.ca",
        content_id=uuid4(),
        content_bytes=1000,
        status=Status.CREATED,
        created_at=now,
        expires_at=now + 3600,
    )
    return message.evolve(**changes)
