"""A service's own counts by HTTP: over a window of days, by one thing at a time, of its own keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from delivery.figures.folding import Folding
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.http_door import Door
from tests.harness.store import group_of

PATH = "/v2/statistics"
ENDS = ("delivered", "temporary-failure", "permanent-failure", "technical-failure", "cancelled")


def row(of: str, accepted: int, under_way: int, **ends: int) -> dict[str, object]:
    counted = dict.fromkeys(ENDS, 0) | {name.replace("_", "-"): number for name, number in ends.items()}
    return {"of": of, "accepted": accepted, "under-way": under_way, **counted, "text_parts": 0}


async def sent(door: Door, number: int, name: str = "normal") -> list[UUID]:
    answers = [await door.send(name) for _ in range(number)]
    assert {each.status for each in answers} == {201}
    return [UUID(each.body["id"]) for each in answers]


async def test_what_was_sent_and_became_of_it_is_told_by_one_thing_at_a_time(door: Door) -> None:
    first, second, _ = await sent(door, 3)
    await sent(door, 2, "test")
    await door.store.settle(first, Status.DELIVERED, door.clock())
    await door.store.settle(second, Status.PERMANENT_FAILURE, door.clock())
    another = make_message(created_at=door.clock())
    await door.store.putting.put(group_of((another,), b"x"))  # of another service
    told = {"delivered": 1, "permanent_failure": 1}
    named = {"channel": "email", "door": "http", "template": str(door.template.id)}
    named |= {"key": str(door.issued["normal"].key.id)}

    for folded in (False, True):
        for by, of in named.items():
            found = await door.get(f"{PATH}?by={by}")
            assert (found.status, found.body["by"]) == (200, by)
            assert found.body["statistics"] == [row(of, 3, 1, **told)], (by, folded)
        await Folding(door.database).fold(door.clock() + 60)
    assert (await door.get(PATH)).body == (await door.get(f"{PATH}?by=channel")).body
    assert (await door.get(PATH, "test")).body["statistics"] == [row("email", 2, 2)]
    assert (await door.get(PATH, "admin")).body["statistics"] == [row("email", 3, 1, **told)]


async def test_a_window_has_both_its_days_in_the_services_zone(door: Door) -> None:
    await sent(door, 1)
    today = datetime.fromtimestamp(door.clock(), UTC).astimezone(ZoneInfo(door.service.time_zone)).date()
    before = today - timedelta(days=1)

    default = (await door.get(PATH)).body
    assert (default["since"], default["until"]) == (str(today - timedelta(days=6)), str(today))
    assert default["time_zone"] == door.service.time_zone
    for since, until, number in ((today, today, 1), (before, before, 0), (before, today, 1)):
        found = (await door.get(f"{PATH}?since={since}&until={until}")).body
        assert (found["since"], found["until"]) == (str(since), str(until))
        assert sum(each["accepted"] for each in found["statistics"]) == number


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("by=status", "by status is not one of [channel, door, template, key]"),
        ("since=yesterday", "since is not a date from 2000 to 2099, written as 2026-11-29"),
        ("since=2026-02-30", "since is not a date from 2000 to 2099, written as 2026-11-29"),
        ("until=1999-12-31", "until is not a date from 2000 to 2099, written as 2026-11-29"),
        ("since=2026-11-02&until=2026-11-01", "until is before since"),
        ("since=2025-11-01&until=2026-11-02", "a window has at most 366 days: ask for less at a time"),
        ("zone=UTC", "Additional properties are not allowed (zone was unexpected)"),
    ],
)
async def test_a_window_that_cannot_be_counted_is_told_what_to_change(door: Door, query: str, message: str) -> None:
    assert (await door.get(f"{PATH}?{query}")).errors == [("ValidationError", message)]


async def test_nobody_is_told_without_a_key(door: Door) -> None:
    assert (await door.ask("GET", PATH)).status == 401
