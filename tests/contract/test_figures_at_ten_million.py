"""What a dashboard asks costs by the time it is about, not by how much was sent: timed for ten million messages."""

import time
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, event, insert, text

from config.database import Database
from delivery.figures.moments import total
from delivery.figures.reading import CountReader
from delivery.figures.spans import Span
from delivery.figures.tables import counts
from messages.message import Channel, Door
from messages.status import Status
from tests.harness.noon import NOW

DAY, YEAR = 86_400, 365
KEYS, TEMPLATES = [uuid4() for _ in range(2)], [uuid4() for _ in range(20)]
STATUSES = (Status.CREATED, Status.DELIVERED, Status.PERMANENT_FAILURE)


async def fill(database: Database, service_id: UUID, accepted: int) -> None:
    """A year as it is kept: three days by the hour, two months by the day, the rest by the month."""
    starts = [(int(NOW) - hour * 3600, Span.HOUR) for hour in range(72)]
    starts += [(int(NOW) - day * DAY, Span.DAY) for day in range(4, 62)]
    starts += [(int(NOW) - month * 30 * DAY, Span.MONTH) for month in range(3, 13)]
    kinds = [(key, template) for key in KEYS for template in TEMPLATES]
    each, rest = divmod(accepted, len(starts) * len(kinds))
    for start, span in starts:
        rows: list[dict[str, Any]] = [
            {
                "service_id": service_id,
                "start": start,
                "span": span.value,
                "channel": Channel.EMAIL.value,
                "door": list(Door)[number % 4].value,
                "key_type": "normal",
                "key_id": key,
                "template_id": template,
                "status": status.value,
                "messages": each + (rest if number == 0 and start == starts[0][0] else 0),
                "units": 0,
            }
            for number, (key, template) in enumerate(kinds)
            for status in STATUSES
        ]
        await database.transact(lambda connection, rows=rows: insert_all(connection, rows))  # type: ignore[misc]


def insert_all(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(counts), rows)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_read_of_a_service_is_found_by_its_key(database: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, parameters: Any, *_: Any) -> None:
        if statement != "BEGIN":
            asked.append((statement, parameters))

    event.listen(database._plain, "before_cursor_execute", note)
    reader, service_id = CountReader(database), uuid4()
    await reader.moments(service_id, int(NOW))
    await reader.templates(service_id, int(NOW), 10)
    await reader.keys(service_id, int(NOW))
    await reader.appended([service_id], 10)
    event.remove(database._plain, "before_cursor_execute", note)
    assert len(asked) == 4  # one statement each
    for statement, parameters in asked:
        async with database.read() as connection:
            plan = [row[3] for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        assert not [line for line in plan if line.startswith("SCAN count")], plan


@pytest.mark.soak
async def test_a_dashboard_of_ten_million_messages_asks_nothing_that_takes_50_ms(database: Database) -> None:
    mine, accepted = uuid4(), 10_000_000
    await fill(database, mine, accepted)
    for _ in range(3):
        await fill(database, uuid4(), 1_000)
    if not database.is_sqlite:
        async with database.write() as connection:
            await connection.execute(text("ANALYZE counts"))
    reader, since = CountReader(database), int(NOW) - YEAR * DAY
    assert total(await reader.moments(mine, since)).accepted == accepted
    asking = {
        "the year": lambda: reader.moments(mine, since),
        "the week": lambda: reader.moments(mine, int(NOW) - 6 * DAY),
        "templates": lambda: reader.templates(mine, int(NOW) - 6 * DAY, 10),
        "keys": lambda: reader.keys(mine, int(NOW) - 6 * DAY),
    }
    for name, ask in asking.items():
        taken = []
        for _ in range(7):
            started = time.perf_counter()
            await ask()
            taken.append((time.perf_counter() - started) * 1000)
        print(f"{name}: median {median(taken):.1f} ms, worst {max(taken):.1f} ms")
        assert median(taken) < 50, name
