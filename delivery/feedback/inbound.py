"""A text that somebody sent to one of our numbers, as AWS End User Messaging gives it to a topic. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from delivery.feedback.base import Unreadable, required, string
from delivery.store.base import InboundText

MARK = "inboundMessageId"  # only such a text has it
MAX_CHARACTERS = 10_000  # carriers join fewer than 2,000

_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_PROVIDER_ID = re.compile(r"[!-~]{1,200}")


def read(told: Mapping[str, Any]) -> InboundText:
    """Raises Unreadable, nothing else."""
    previous = string(told, "previousPublishedMessageId")
    return InboundText(
        provider_id=_matching(told, MARK, _PROVIDER_ID),
        source_number=_matching(told, "originationNumber", _NUMBER),
        destination_number=_matching(told, "destinationNumber", _NUMBER),
        message=(string(told, "messageBody") or "").replace("\0", "")[:MAX_CHARACTERS],
        answers=previous if previous and _PROVIDER_ID.fullmatch(previous) else None,
    )


def _matching(told: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = required(told, name)
    if not pattern.fullmatch(value):
        raise Unreadable(name)
    return value
