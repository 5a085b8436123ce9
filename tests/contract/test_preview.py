"""What would become of a message is told as values to whoever asks, and nothing is changed by it."""

import os
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from auth import audit
from config.database import Database, metadata
from delivery.library.letterheads import Letterheads
from messages.email.headers import Action
from messages.message import KeyType, Lane
from messages.reply import Refused
from messages.text import TextError
from relay.actions import keys, messages, services
from relay.actions.preview import Preview
from relay.actions.transaction import Transactions
from tests.fakes.auth import NOW

LETTER = b"""From: Ann <ann@city.example>
To: reader@example.org
Bcc: hidden@example.org
Subject: Your case
X-Notify-Lane: bulk

text
"""
Look = Callable[..., Awaitable[Preview]]


@pytest.fixture
def transactions(asking_at: Callable[[Callable[[], float]], Transactions]) -> Transactions:
    return asking_at(lambda: NOW)


@pytest.fixture
async def service(transactions: Transactions) -> str:
    async with transactions.write() as t:
        made = await services.create(t, name="Passports", email_from="passports")
        await keys.create(t, str(made.id), name="k", type=KeyType.TEST)
    return str(made.id)


@pytest.fixture
def look(transactions: Transactions, service: str) -> Look:
    return lambda octets, **options: messages.preview(transactions, Letterheads(), octets, service, **options)


async def test_a_message_is_there_as_it_came_and_as_it_would_leave(look: Look) -> None:
    found = await look(LETTER)

    assert found.refused is None
    assert found.received == LETTER.replace(b"\n", b"\r\n")
    assert found.prepared
    assert b"Bcc" not in found.prepared.content
    assert b"<passports@" in found.prepared.content
    assert found.lane is Lane.BULK
    assert [str(each.recipient) for each in found.recipients] == ["reader@example.org", "hidden@example.org"]
    assert [(each.name, each.action) for each in found.fields][:5] == [
        ("from", Action.REWRITE),
        ("to", Action.KEEP),
        ("bcc", Action.STRIP),
        ("subject", Action.KEEP),
        ("x-notify-lane", Action.STRIP),
    ]


async def test_nothing_is_changed_by_it(look: Look, database: Database) -> None:
    before = await rows(database)
    for octets in (LETTER, b"Subject: to nobody\n\nx\n", b"To: a@x.example\nX-Notify-Branding: nobodys\n\nx\n"):
        await look(octets)

    assert await rows(database) == before
    assert before["audit"] == 2
    assert before["messages"] == 0


async def test_what_a_door_refuses_first_is_refused(look: Look) -> None:
    with pytest.raises(Refused, match="X-Notify-Lane"):
        await look(LETTER.replace(b"bulk", b"fast"))


async def test_what_cannot_be_looked_at_names_no_command(
    transactions: Transactions, look: Look, database: Database
) -> None:
    async with transactions.write() as t:
        keyless = await services.create(t, name="Permits", email_from="permits")
    refused = (
        lambda: look(LETTER, to=["nobody"]),
        lambda: look(LETTER, key="nobody"),
        lambda: messages.preview(transactions, Letterheads(), LETTER, str(UUID(bytes=os.urandom(16)))),
        lambda: messages.preview(transactions, Letterheads(), LETTER, str(keyless.id)),
    )
    for asking in refused:
        with pytest.raises(TextError) as told:
            await asking()
        assert "--" not in str(told.value)
        assert "notify-relay" not in str(told.value)


async def rows(database: Database) -> dict[str, int]:
    async with database.read() as connection:
        counted = {
            each: await connection.execute(select(func.count()).select_from(each)) for each in metadata.sorted_tables
        }
        assert audit.audit in counted
        return {table.name: found.scalar_one() for table, found in counted.items()}
