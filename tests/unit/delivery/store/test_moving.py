"""Which settlements take."""

from uuid import UUID

from delivery.store.base import Settlement
from delivery.store.moving import moves
from messages.status import Status

A, B = UUID(int=1), UUID(int=2)


def test_a_legal_move_is_taken_with_its_reason() -> None:
    (move,) = moves({A: Status.SENDING}, [Settlement(A, Status.PERMANENT_FAILURE, 5.0, "bounce")])

    assert (move.message_id, move.old, move.new, move.at, move.reason) == (
        A,
        Status.SENDING,
        Status.PERMANENT_FAILURE,
        5.0,
        "bounce",
    )


def test_an_illegal_move_and_an_unknown_message_are_passed_over() -> None:
    settlements = [Settlement(A, Status.DELIVERED, 1.0), Settlement(B, Status.DELIVERED, 1.0)]

    assert moves({A: Status.PERMANENT_FAILURE}, settlements) == []


def test_two_settlements_of_one_message_are_judged_in_order() -> None:
    settlements = [
        Settlement(A, Status.DELIVERED, 1.0),
        Settlement(A, Status.DELIVERED, 2.0),
        Settlement(A, Status.PERMANENT_FAILURE, 3.0),
    ]

    taken = [(move.old, move.new) for move in moves({A: Status.SENDING}, settlements)]
    assert taken == [(Status.SENDING, Status.DELIVERED), (Status.DELIVERED, Status.PERMANENT_FAILURE)]
