"""What a proxy may read otherwise than we do: a second answer on a connection, a second Authorization."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.harness.http_door import Door, running_door
from tests.harness.migrated import migrated


@pytest.fixture
async def door(sqlite_url: str) -> AsyncIterator[Door]:
    database = await migrated(sqlite_url, synchronous="OFF")
    async with running_door(database) as running:
        yield running
    await database.close()


async def test_a_body_that_breaks_after_the_answer_is_not_answered_again(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /v2/notifications/email HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    first = await asyncio.wait_for(reader.read(4096), 60)
    writer.write(b"no chunk\r\n\r\n")
    rest = await asyncio.wait_for(reader.read(), 60)
    writer.close()

    assert first.startswith(b"HTTP/1.1 401 ")
    assert b"HTTP/1.1 " not in first[1:] + rest


@pytest.mark.parametrize("order", [1, -1], ids=["ours first", "ours last"])
async def test_two_authorizations_are_none(door: Door, order: int) -> None:
    fields = [("Authorization", door.key()["Authorization"]), ("Authorization", "ApiKey-v1 gcntfy-another")][::order]
    async with door.session.get(f"{door.url}/v2/templates", headers=fields) as answer:
        assert answer.status == 401
