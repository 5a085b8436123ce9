"""A message as one row of a list; the same in the list, among those of a recipient, and in trace."""

from collections.abc import Iterable
from typing import Any

from delivery.store.base import Found
from messages.message import Channel
from messages.text import Text, clean
from relay.actions.timeline import state
from relay.site.channels import CHANNELS
from relay.site.visits import Visit

PAGE = 50
MESSAGE = "services/{service_id}/messages/{message_id}"
_NO_SUBJECT = Text("No subject")


def rows(visit: Visit, found: Iterable[Found], zone: str) -> list[dict[str, Any]]:
    return [_row(visit, each, zone) for each in found]


def _row(visit: Visit, found: Found, zone: str) -> dict[str, Any]:
    message, (word, mark) = found.message, state(found.message, found.reason)
    return {
        "url": visit.url(MESSAGE, service_id=message.service_id, message_id=message.id),
        "recipient": clean(str(message.recipient)),
        "about": about(visit, found),
        "word": word,
        "mark": mark,
        "at": message.created_at,
        "zone": zone,
    }


def about(visit: Visit, found: Found) -> str:
    if found.message.channel is Channel.SMS:
        return visit.say(CHANNELS[Channel.SMS])
    return clean(found.message.subject) or visit.say(_NO_SUBJECT)
