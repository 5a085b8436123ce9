"""How much content a worker holds at once."""

import asyncio
from dataclasses import replace
from uuid import UUID

from delivery.exit.portions import AT_ONCE, Room, Work, portions, starts
from delivery.queue.base import Claim, LineSlot
from messages.message import Channel, ContentKind, Lane
from tests.fakes.messages import make_message


def work(*sizes: int, kind: ContentKind = ContentKind.RAW) -> list[Work]:
    messages = [make_message(content_bytes=size, content_kind=kind) for size in sizes]
    return [(Claim(message.id, Lane.NORMAL, Channel.EMAIL, 0, unknown=False), message) for message in messages]


def sizes(parts: list[list[Work]]) -> list[list[int]]:
    return [[message.content_bytes for _, message in part] for part in parts]


def test_portions_stay_within_the_limit_the_smallest_first() -> None:
    assert sizes(list(portions(work(4, 4, 1, 4), 8, 1))) == [[1, 4], [4, 4]]


def test_a_message_over_the_limit_makes_a_portion_alone() -> None:
    assert sizes(list(portions(work(1, 20, 1), 8, 8))) == [[1, 1], [20]]


def test_what_is_still_to_be_built_comes_in_smaller_portions() -> None:
    large, small = work(5, 5, 5, kind=ContentKind.RENDERED), work(1, 1, 20)
    assert sizes(list(portions(large + small, 100, 6))) == [[1, 1, 5], [5], [5, 20]]


def test_of_a_portion_so_many_start_together_as_are_called_at_once() -> None:
    assert [len(start) for start in starts(work(*[1] * (2 * AT_ONCE + 1)))] == [AT_ONCE, AT_ONCE, 1]
    assert list(starts([])) == []


def test_texts_start_when_their_slots_are_near_whatever_their_size() -> None:
    paced = work(4, 3, 2, 1)
    at = (10.0, 10.2, 10.04, 10.1)
    slots = [LineSlot(each, 0.1, UUID(int=1), "+16135550100") for each in at]
    portion = [(replace(claim, slot=slot), message) for (claim, message), slot in zip(paced, slots, strict=True)]
    assert sizes(list(starts(portion))) == [[4, 2], [1], [3]]


async def test_room_is_never_overdrawn_and_everybody_gets_in() -> None:
    room, inside, most, served = Room(10), 0, 0, []

    async def enter(size: int) -> None:
        nonlocal inside, most
        async with room.taken(size):
            inside += size
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= size
            served.append(size)

    await asyncio.gather(*(enter(size) for size in (4, 4, 4, 10, 1, 1, 7, 3)))

    assert most <= 10
    assert sorted(served) == [1, 1, 3, 4, 4, 4, 7, 10]


async def test_what_is_larger_than_the_room_has_it_alone() -> None:
    room, order = Room(10), []

    async def enter(size: int) -> None:
        async with room.taken(size):
            order.append(f"in {size}")
            await asyncio.sleep(0.01)
            order.append(f"out {size}")

    await asyncio.gather(enter(5), enter(50), enter(6))

    assert order == ["in 5", "out 5", "in 50", "out 50", "in 6", "out 6"]


async def test_one_that_is_cancelled_in_line_leaves_no_hole() -> None:
    room = Room(10)
    async with room.taken(10):
        waiting = asyncio.create_task(room.taken(5).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(30):
        async with room.taken(10):
            pass
