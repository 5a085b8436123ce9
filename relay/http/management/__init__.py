"""What needs no shell on the relay: templates, callbacks, guests, suppressions, reply-to addresses and what waits, for
a key of type admin.
"""

from collections.abc import Iterator

from fastapi import APIRouter

from config.words import Words
from relay.http.management import callbacks, guests, messages, reply_tos, service, suppressions, templates
from relay.http.management.desk import Desk
from relay.http.receiving import Receiving
from relay.notices.contact import Contacts


def routes(desk: Desk, receiving: Receiving, contacts: Contacts, words: Words) -> Iterator[APIRouter]:
    yield templates.routes(desk, receiving)
    yield callbacks.routes(desk, receiving)
    yield guests.routes(desk, receiving)
    yield suppressions.routes(desk, receiving)
    yield reply_tos.routes(desk, receiving, contacts, words)
    yield service.routes(desk, receiving)
    yield messages.routes(desk)
