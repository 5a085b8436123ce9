"""What needs no shell on the relay, for a key of type admin: templates, callbacks, guests, suppressions, what waits."""

from collections.abc import Iterator

from fastapi import APIRouter

from relay.http.management import callbacks, guests, messages, suppressions, templates
from relay.http.management.desk import Desk
from relay.http.receiving import Receiving


def routes(desk: Desk, receiving: Receiving) -> Iterator[APIRouter]:
    yield templates.routes(desk, receiving)
    yield callbacks.routes(desk, receiving)
    yield guests.routes(desk, receiving)
    yield suppressions.routes(desk, receiving)
    yield messages.routes(desk)
