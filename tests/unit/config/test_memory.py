"""What requests hold at once."""

import pytest

from config.memory import NoRoomError, Room


def test_each_has_a_share_and_all_together_the_room() -> None:
    room = Room(10, 4)
    with room.portion("a") as first, room.portion("a") as second, room.portion("b") as third:
        first.add(3)
        with pytest.raises(NoRoomError):
            second.add(2)
        second.add(1)
        third.add(4)
        with room.portion("c") as last:
            last.add(2)
            with pytest.raises(NoRoomError):
                last.add(1)
    with room.portion("a") as again:
        again.add(4)
