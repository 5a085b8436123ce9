"""The routes of sending to one person."""

from auth.people.permissions import Permission
from relay.site.routing import Route
from relay.site.send import checking, filling, kept

_MAY = Permission.SEND_MESSAGES
_FORM_BYTES = 256 * 1024  # of values; a message of the API has 50 KB at most

ROUTES = (
    Route("GET", filling.CHOOSE, filling.choose, _MAY),
    Route("GET", kept.SENT, checking.sent, _MAY),
    Route("GET", kept.FILL, filling.fill, _MAY),
    Route("POST", kept.FILL, filling.take, _MAY, max_bytes=_FORM_BYTES),
    Route("GET", kept.CHECK, checking.check, _MAY),
    Route("POST", kept.CHECK, checking.send, _MAY),
    Route("GET", f"{kept.FILL}/preview", checking.preview, _MAY),
)
