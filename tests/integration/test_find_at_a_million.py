"""Messages are found at once among very many: each search is led by an index, and timed on a million (make soak)."""

import os
import statistics
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.dialects import sqlite

from config.database import Database
from config.keyring import Keyring
from delivery.store import searching
from delivery.store.base import Search
from delivery.store.rows import Codec
from delivery.store.tables import messages
from messages.message import KeyType, Message, new_id
from tests.fakes.messages import make_message
from tests.harness.migrated import migrated
from tests.harness.store import Store

START = 1_790_000_000.0
SERVICE, GROUP = uuid4(), uuid4()
SEARCHES = {
    "recipient": Search(recipient="wanted@example.org"),
    "message id": Search(original_message_id="<wanted@dept.example.ca>"),
    "reference": Search(reference="case-wanted"),
    "group": Search(group_id=GROUP),
    "time": Search(since=START + 400_000, until=START + 400_001),
    "service and time": Search(service_id=SERVICE, since=START + 400_000),
    "recipient and time": Search(recipient="wanted@example.org", since=START),
    "a page of the API": Search(service_id=SERVICE, key_type=KeyType.NORMAL, since=START, jobs=False),
}


# What is looked for in services of one's own: a service's index would lead through all that it sent.
MINE = frozenset({SERVICE})
OF_MINE = {
    "messages_recipient": Search(recipient="wanted@example.org", services=MINE),
    "messages_original": Search(original_message_id="<wanted@dept.example.ca>", services=MINE),
    "messages_reference": Search(reference="case-wanted", services=MINE),
    "ix_messages_group_id": Search(group_id=GROUP, services=MINE),
    "messages_provider": Search(provider_id="p-wanted", services=MINE),
    "sqlite_autoindex_messages_1": Search(message_id=GROUP, service_id=SERVICE),
    "messages_service": Search(service_id=SERVICE, key_id=GROUP),
}


def wanted() -> Message:
    return make_message(
        "wanted@example.org",
        id=new_id(START + 400_000.5, os.urandom(10)),
        created_at=START + 400_000.5,
        service_id=SERVICE,
        group_id=GROUP,
        reference="case-wanted",
        original_message_id="<wanted@dept.example.ca>",
    )


async def fill(database: Database, codec: Codec, count: int) -> None:
    """Messages of 50 services, one a second."""
    services = [uuid4() for _ in range(49)] + [SERVICE]

    def rows(first: int, last: int) -> list[dict[str, Any]]:
        return [
            codec.message_row(
                make_message(
                    f"reader-{n}@example.org",
                    id=new_id(START + n, os.urandom(10)),
                    service_id=services[n % 50],
                    reference=f"case-{n}",
                    original_message_id=f"<{n}.{os.urandom(8).hex()}@dept.example.ca>",
                    created_at=START + n,
                    provider_id=f"p-{n}",
                )
            )
            for n in range(first, last)
        ]

    for first in range(0, count, 20_000):
        portion = rows(first, min(first + 20_000, count))
        await database.transact(lambda connection, portion=portion: insert_all(connection, portion))  # type: ignore[misc]


def insert_all(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(messages), rows)


@pytest.mark.parametrize("name", SEARCHES)
async def test_each_search_is_led_by_an_index(sqlite_url: str, keyring: Keyring, name: str) -> None:
    lines = await plan(sqlite_url, keyring, SEARCHES[name])
    assert any("USING INDEX" in line for line in lines), lines
    assert not any(line.startswith("SCAN messages") for line in lines), lines


@pytest.mark.parametrize("index", OF_MINE)
async def test_a_service_leads_only_where_nothing_leads_to_less(sqlite_url: str, keyring: Keyring, index: str) -> None:
    (line, *_) = await plan(sqlite_url, keyring, OF_MINE[index])
    assert f"USING INDEX {index} " in line


async def plan(url: str, keyring: Keyring, search: Search) -> list[str]:
    """On SQLite: the plan of a small table says nothing on PostgreSQL, which is timed in the long run."""
    database = await migrated(url)
    hashes = Codec(keyring).recipient_hashes(search.recipient) if search.recipient else ()
    statement = searching.statement(search, hashes, 100).compile(
        dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}
    )
    values = tuple(
        v.bytes if isinstance(v, UUID) else v for v in (statement.params[k] for k in statement.positiontup or ())
    )
    async with database.read() as connection:
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        lines = [row[3] for row in found]
    await database.close()
    return lines


@pytest.mark.soak
async def test_every_search_takes_less_than_100_ms_among_a_million(database: Database, keyring: Keyring) -> None:
    codec, store = Codec(keyring), Store(database, keyring)
    await fill(database, codec, 1_000_000)
    mine = wanted()
    await database.transact(lambda connection: insert_all(connection, [codec.message_row(mine)]))
    if not database.is_sqlite:
        async with database.write() as connection:
            await connection.execute(text("ANALYZE messages"))
    taken = {}
    for name, search in SEARCHES.items():
        times = []
        for _ in range(7):
            started = time.perf_counter()
            found = await store.searching.find(search, 100)
            times.append((time.perf_counter() - started) * 1000)
        assert mine.id in {each.message.id for each in found} or len(found) == 100, name
        taken[name] = (statistics.median(times), max(times), len(found))
    for name, (median, worst, count) in taken.items():
        print(f"{name}: median {median:.1f} ms, worst {worst:.1f} ms, {count} found")
    assert all(median < 100 for median, _, _ in taken.values()), taken
