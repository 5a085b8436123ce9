"""Messages of noon today, for tests over a real database."""

import os
import time
from typing import Any

from messages.message import Message, new_id
from tests.fakes.messages import make_message

NOW = float(int(time.time() // 86400) * 86400 + 43200)  # noon today, UTC: no window ends during a test


def message(**changes: Any) -> Message:
    """A message ready to be put at NOW; what matters to a test is named by it."""
    at_noon: dict[str, Any] = {"id": new_id(NOW, os.urandom(10)), "created_at": NOW, "expires_at": NOW + 3600}
    return make_message(**(at_noon | {"content_id": new_id(NOW, os.urandom(10))} | changes))
