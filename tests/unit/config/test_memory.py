"""What requests hold at once."""

from contextlib import ExitStack, suppress

import pytest

from config.memory import Memory, NoRoomError


def test_each_has_a_share_and_all_together_the_room() -> None:
    room = Memory(10, 4)
    with room.portion("a") as first, room.portion("a") as second, room.portion("b") as third:
        first.add(3)
        with pytest.raises(NoRoomError):
            second.add(2)
        second.add(1)
        third.add(3)
        with room.portion("c") as last:
            last.add(1)
            with pytest.raises(NoRoomError):
                last.add(1)
    with room.portion("a") as again:
        again.add(4)


def test_four_who_take_all_they_can_leave_room_for_many() -> None:
    room = Memory(limit_bytes=64_000, share_bytes=16_000)
    with ExitStack() as held:
        for holder in range(4):
            portion = held.enter_context(room.portion(holder))
            with suppress(NoRoomError):
                while True:
                    portion.add(100)
        for holder in range(4, 24):
            held.enter_context(room.portion(holder)).add(100)
