"""GET /v2/events, asked as a receiver that was away would."""

import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from config.database import Database
from messages.status import Status
from tests.harness.http_door import ROOT, Door, running_door
from tests.harness.migrated import migrated


@pytest.fixture
async def door(sqlite_url: str) -> AsyncIterator[Door]:
    database: Database = await migrated(sqlite_url)
    async with running_door(database) as door:
        yield door
    await database.close()


async def deliver(door: Door, count: int, key: str = "normal") -> list[str]:
    ids = []
    for _ in range(count):
        sent = await door.send(key, reference="case 7")
        assert sent.status == 201
        await door.store.settle(UUID(sent.body["id"]), Status.DELIVERED, time.time())
        ids.append(sent.body["id"])
    return ids


async def test_pages_are_followed_to_an_empty_one_and_on_when_there_is_more(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.events.PAGE", 2)
    ids, path, seen = await deliver(door, 3), "/v2/events", []
    while True:
        page = (await door.get(path)).body
        assert page["links"]["current"] == ROOT.rstrip("/") + path
        if not page["events"]:
            break
        seen += page["events"]
        path = "/" + page["links"]["next"].removeprefix(ROOT)
    assert "next" not in page["links"]
    assert [event["id"] for event in seen] == ids
    assert len({event["event_id"] for event in seen}) == 3
    (more,) = await deliver(door, 1)
    assert [event["id"] for event in (await door.get(path)).body["events"]] == [more]


async def test_event_has_the_fields_of_the_call(door: Door) -> None:
    (sent,) = await deliver(door, 1)
    (event,) = (await door.get("/v2/events")).body["events"]
    assert (event["type"], event["id"], event["status"], event["reference"]) == (
        *("delivery-status", sent, "delivered", "case 7"),
    )


async def test_key_of_another_type_sees_its_own(door: Door) -> None:
    await deliver(door, 1)
    (tried,) = await deliver(door, 1, "test")
    assert [event["id"] for event in (await door.get("/v2/events", "test")).body["events"]] == [tried]


@pytest.mark.parametrize("after", ["", "1", "8" + 15 * "0", 16 * "g", "0" * 15 + "\uff11", "0000000000000001 "])
async def test_what_is_no_cursor_is_refused_and_says_where_they_come_from(door: Door, after: str) -> None:
    answer = await door.ask("GET", "/v2/events", door.key(), params={"after": after})
    assert (answer.status, answer.body["errors"][0]["error"]) == (400, "ValidationError")
    assert "links.next" in answer.body["errors"][0]["message"]


async def test_largest_cursor_is_an_empty_page(door: Door) -> None:
    await deliver(door, 1)
    assert (await door.get(f"/v2/events?after={'7' + 'f' * 15}")).body["events"] == []


async def test_nobody_asks_without_a_key(door: Door) -> None:
    assert (await door.ask("GET", "/v2/events")).status == 401
