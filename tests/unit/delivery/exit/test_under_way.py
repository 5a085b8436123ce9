"""How many messages of whom a worker has under way."""

from uuid import UUID, uuid4

from delivery.exit.under_way import UnderWay
from delivery.queue.base import Claim, Turn
from messages.message import Channel, Lane

TURN = Turn(UUID(int=1), False, Channel.EMAIL)


def claim(lane: Lane = Lane.BULK, turn: Turn | None = TURN) -> Claim:
    return Claim(uuid4(), lane, Channel.EMAIL, 0, unknown=False, turn=turn)


def test_each_message_counts_once_until_its_end_however_often_that_is_told() -> None:
    under_way, (one, other, code) = UnderWay(), (claim(), claim(), claim(Lane.PRIORITY))
    under_way.begin([one, other, code])
    under_way.begin([one])  # its lease ran out
    under_way.begin([claim(turn=None)])  # of a line
    assert under_way.counts == {(Lane.BULK, TURN): 2, (Lane.PRIORITY, TURN): 1}
    for _ in range(2):
        under_way.end([one.message_id, code.message_id])
    assert under_way.counts == {(Lane.BULK, TURN): 1}
