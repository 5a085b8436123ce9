"""What a dashboard asks is found by its key: it costs by the time that it is about, not by how much was sent."""

import re
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from config.database import Database
from delivery.figures.reading import CountReader
from tests.harness.noon import NOW


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
        assert not [line for line in plan if re.match(r"SCAN \w*count", line)], plan
