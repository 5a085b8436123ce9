"""One behaviour for the lines of texts, on SQLite and on PostgreSQL: who comes next, and when."""

import asyncio
import time
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from config.database import Database
from delivery.library.origination import OriginationIdentity
from delivery.queue import interventions, lines
from delivery.queue.base import Claim
from delivery.queue.lines import HORIZON_SECONDS, Lines
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt, Outcome, Record
from messages.message import Lane, Message, new_id
from tests.harness.store import Store
from tests.harness.texts import add_sender, put_text

RATE = 20.0
INTERVAL = 1 / RATE / 0.98
LONG = 3600.0
CLOCKS = 0.02  # ours and the server's


@pytest.fixture
async def sender(database: Database) -> OriginationIdentity:
    return await add_sender(database, "+16135550100", RATE, time.time())


@pytest.fixture
def line(database: Database) -> Lines:
    return Lines(database)


class Standing:
    """Puts texts into the line of a sender."""

    def __init__(self, database: Database, store: Store, line: Lines, sender: OriginationIdentity) -> None:
        self._store, self._queue, self._lines, self._sender = store, SqlQueue(database), line, sender

    async def __call__(self, count: int, **changes: Any) -> list[Message]:
        texts = [await put_text(self._store, **changes) for _ in range(count)]
        claimed = {each.message_id for each in await self._queue.claim("w", 1000, time.time() + 1, 60, 0)}
        assert {text.id for text in texts} <= claimed
        await self._lines.line_up([(text, self._sender.id) for text in texts], "w")
        return texts


@pytest.fixture
def stand(database: Database, store: Store, line: Lines, sender: OriginationIdentity) -> Standing:
    return Standing(database, store, line, sender)


async def drained(line: Lines, sender: OriginationIdentity, limit: int = 1000) -> list[Claim]:
    """Everybody, in order, without waiting for their slots."""
    claims: list[Claim] = []
    while more := await line.claim(sender.id, limit, "w", time.time() + 60):
        claims += more
        assert more[-1].slot
        await asyncio.sleep(more[-1].slot.at - time.monotonic())
    return claims


async def next_slot(line: Lines) -> float:
    """When it comes, by time.monotonic(), whatever the answer takes: by the quickest of some."""
    found = []
    for _ in range(5):
        asked = time.monotonic()
        (waiting,) = await line.waiting()
        answered = time.monotonic()
        found.append((answered - asked, (asked + answered) / 2 + waiting.seconds))
    return min(found)[1]


async def test_slots_follow_each_other_at_the_pace_and_end_at_the_horizon(
    stand: Standing, line: Lines, sender: OriginationIdentity
) -> None:
    await stand(40)
    before = time.monotonic()
    claims = await line.claim(sender.id, 100, "w", time.time() + 60)
    times = [claim.slot.at for claim in claims if claim.slot]

    assert len(times) == len(claims) == pytest.approx(HORIZON_SECONDS * RATE, abs=1)
    assert times[0] >= before
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == pytest.approx([INTERVAL] * len(gaps))
    more = await line.claim(sender.id, 100, "other", time.time() + 60)
    assert len(more) <= (time.monotonic() - before) * RATE + 1  # as many as the horizon has come nearer since
    assert (times + [claim.slot.at for claim in more if claim.slot])[-1] + INTERVAL == pytest.approx(
        await next_slot(line), abs=CLOCKS
    )


async def test_a_long_text_takes_as_many_slots_as_it_has_parts(
    stand: Standing, line: Lines, sender: OriginationIdentity
) -> None:
    first, second = *await stand(1, billable_units=4), *await stand(1)
    claims = await line.claim(sender.id, 10, "w", time.time() + 60)
    assert [claim.message_id for claim in claims] == [first.id, second.id]
    one, two = (claim.slot.at for claim in claims if claim.slot)
    assert two - one == pytest.approx(4 * INTERVAL)


async def test_workers_that_claim_at_once_share_the_slots(
    stand: Standing, line: Lines, sender: OriginationIdentity
) -> None:
    await stand(30)
    rounds = await asyncio.gather(*(line.claim(sender.id, 3, f"w{n}", time.time() + 60) for n in range(4)))
    claims = [claim for claims in rounds for claim in claims]
    times = sorted(claim.slot.at for claim in claims if claim.slot)
    assert len({claim.message_id for claim in claims}) == len(claims) >= 9
    assert all(b - a > 0.9 / RATE for a, b in pairwise(times))


async def test_a_one_time_code_takes_the_next_slot_however_many_wait(
    stand: Standing, line: Lines, sender: OriginationIdentity
) -> None:
    await stand(50, lane=Lane.BULK)
    await line.claim(sender.id, 5, "w", time.time() + 60)
    (code,) = await stand(1, lane=Lane.PRIORITY)
    (claim, *_) = await line.claim(sender.id, 5, "w", time.time() + 60)
    assert claim.message_id == code.id


async def test_services_take_turns_by_parts_whoever_came_first(
    stand: Standing, line: Lines, sender: OriginationIdentity
) -> None:
    many = {text.id for text in await stand(10, service_id=UUID(int=1))}
    few = {text.id for text in await stand(2, service_id=UUID(int=2))}
    order = [claim.message_id in few for claim in await drained(line, sender)]
    assert len(order) == len(many) + len(few)
    assert sum(order[:5]) == 2  # not behind the ten


async def test_a_text_that_was_turned_away_keeps_its_place(
    stand: Standing, line: Lines, sender: OriginationIdentity, store: Store, database: Database
) -> None:
    texts = await stand(10, service_id=UUID(int=1))
    (claim,) = await line.claim(sender.id, 1, "w", time.time() + 60)
    attempt = Attempt(new_id(time.time(), bytes(10)), claim.message_id, 1, "aws", time.time())
    await store.attempting.attempt([attempt], "w", time.time() + 60)
    await store.attempting.record(
        Record(claim.message_id, attempt.id, Outcome.THROTTLED, time.time(), until=time.time())
    )
    (again,) = await SqlQueue(database).claim("w", 5, time.time() + 1, 60, 0)
    assert (again.message_id, again.attempts, again.slot) == (texts[0].id, 0, None)

    await line.line_up([(texts[0], sender.id)], "w")
    assert (await line.claim(sender.id, 1, "w", time.time() + 60))[0].message_id == texts[0].id


async def test_who_waits_in_line_is_claimed_by_nobody_else_until_it_expires(
    stand: Standing, line: Lines, sender: OriginationIdentity, database: Database
) -> None:
    queue = SqlQueue(database)
    (text,) = await stand(1, expires_at=time.time() + LONG)
    assert await queue.claim("w", 5, time.time() + LONG - 60, 60, 0) == []
    async with database.write() as connection:
        assert await interventions.retry(connection, time.time(), [text.id]) == 0
    stats = await queue.stats(time.time())
    assert (stats.lanes[Lane.NORMAL].paced, stats.lanes[Lane.NORMAL].deferred) == (1, 0)

    (claim,) = await queue.claim("w", 5, time.time() + LONG + 1, 60, 0)
    assert claim.message_id == text.id
    assert await line.claim(sender.id, 5, "w", time.time() + 60) == []


async def test_a_lost_lease_lines_up_again(
    stand: Standing, line: Lines, sender: OriginationIdentity, database: Database
) -> None:
    (text,) = await stand(1)
    await line.claim(sender.id, 1, "dead", time.time() + 60)
    assert await line.waiting() == []
    (claim,) = await SqlQueue(database).claim("w", 1, time.time() + 61, 60, 0)
    assert (claim.message_id, claim.unknown) == (text.id, False)


async def test_a_held_service_leaves_the_line_to_others(
    stand: Standing, line: Lines, sender: OriginationIdentity, database: Database
) -> None:
    held = await stand(3, service_id=UUID(int=1))
    (other,) = await stand(1, service_id=UUID(int=2))
    async with database.write() as connection:
        await interventions.hold(connection, UUID(int=1), time.time())
    assert [claim.message_id for claim in await drained(line, sender)] == [other.id]

    queue = SqlQueue(database)
    assert await queue.claim("w", 5, time.time() + 1, 60, 0) == []
    async with database.write() as connection:
        await interventions.release(connection, UUID(int=1))
    assert {claim.message_id for claim in await queue.claim("w", 5, time.time() + 1, 60, 0)} == {
        each.id for each in held
    }


async def test_a_line_that_is_held_gives_no_slots(stand: Standing, line: Lines, sender: OriginationIdentity) -> None:
    await stand(1)
    before = time.monotonic()
    await line.hold(sender.id, 60)
    after = time.monotonic()
    assert await line.claim(sender.id, 1, "w", time.time() + 60) == []
    assert before - CLOCKS < await next_slot(line) - 60 < after + CLOCKS


async def test_who_is_late_gets_the_next_slot(stand: Standing, line: Lines, sender: OriginationIdentity) -> None:
    await stand(3)
    claims = await line.claim(sender.id, 3, "w", time.time() + 60)
    first, last = claims[0].slot, claims[-1].slot
    assert first
    assert last
    later = await line.another(first, 1)
    assert later
    assert later.at - last.at - INTERVAL > -CLOCKS
    assert later.at < max(last.at + INTERVAL, time.monotonic()) + CLOCKS  # or now, where that is past


async def test_however_many_are_late_no_slot_is_given_out_twice(
    stand: Standing, line: Lines, sender: OriginationIdentity
) -> None:
    await stand(10)
    slots = [claim.slot for claim in await line.claim(sender.id, 10, "w", time.time() + 60) if claim.slot]
    for _ in range(30):
        later = await line.another(slots[0], 1)
        assert later
        slots.append(later)
    times = [slot.at for slot in slots]
    assert all(b - a > 0.9 / RATE for a, b in pairwise(times))


async def test_a_clock_that_was_set_back_stops_no_line(
    stand: Standing, line: Lines, sender: OriginationIdentity, database: Database
) -> None:
    await stand(1)
    async with database.write() as connection:
        await connection.exec_driver_sql(f"UPDATE origination_identities SET next_at = {time.time() + 86_400}")
    (claim,) = await line.claim(sender.id, 1, "w", time.time() + 60)
    assert claim.slot
    assert claim.slot.at - time.monotonic() < 1


async def test_a_line_that_is_dissolved_is_chosen_again(
    stand: Standing, line: Lines, sender: OriginationIdentity, database: Database
) -> None:
    texts = await stand(3)
    async with database.write() as connection:
        await connection.execute(lines.dissolved(sender.id, time.time()))
    assert await line.waiting() == []
    claims = await SqlQueue(database).claim("w", 5, time.time() + 1, 60, 0)
    assert {claim.message_id for claim in claims} == {text.id for text in texts}
