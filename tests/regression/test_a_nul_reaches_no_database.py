"""PostgreSQL text holds no NUL: a field that carries one must not make the database refuse the message for ever.

It is taken out of header fields, as all control characters are.
"""

import time
from uuid import UUID

from config.database import Database
from config.keyring import Keyring
from messages.address import Address
from messages.email.content import HeaderSection
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace
from relay.options import parse
from tests.fakes.messages import make_message
from tests.harness.store import Store, group_of

CONTENT = b"From: a@example.ca\r\nX-Notify-Reference: case\0 7\r\nMessage-ID: <ab@example.ca>\r\n\r\nHello\r\n"
PREPARATION = Preparation(
    sender=SenderPolicy("Passports", Address("passports", "n.example.ca"), False, "any", None, frozenset()),
    branding=None,
    trace=Trace("client", "192.0.2.1", "ESMTPSA", "mail.example.ca"),
    group_id=UUID(int=1),
    now=1_700_000_000.0,
)


def test_one_that_would_be_sent_is_taken_out() -> None:
    prepared = prepare(CONTENT.replace(b"<ab", b"<a\0b"), PREPARATION)
    assert b"\0" not in prepared.content
    assert "\0" not in (prepared.original_message_id or "")


async def test_one_in_an_option_is_stored_on_every_database(database: Database, keyring: Keyring) -> None:
    prepared = prepare(CONTENT, PREPARATION)
    options = parse(HeaderSection.parse(CONTENT), time.time())
    message = make_message(original_message_id=prepared.original_message_id, reference=options.reference)
    store = Store(database, keyring)
    await store.putting.put(group_of((message,), prepared.content))
    assert await store.searching.group(message.group_id) == [message.id]
