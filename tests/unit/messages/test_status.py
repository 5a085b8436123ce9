import itertools

import pytest

from messages.status import FINAL, MOVES, Status, advance


@pytest.mark.parametrize(("old", "new"), list(itertools.product(Status, Status)))
def test_advance_makes_legal_moves_and_no_others(old, new):
    assert advance(old, new) is (new if new in MOVES[old] else old)


def test_every_status_has_a_row():
    assert set(MOVES) == set(Status)


def test_bounce_after_delivery_wins_and_a_late_delivery_does_not_undo_it():
    assert advance(Status.DELIVERED, Status.PERMANENT_FAILURE) is Status.PERMANENT_FAILURE
    assert advance(Status.PERMANENT_FAILURE, Status.DELIVERED) is Status.PERMANENT_FAILURE


@pytest.mark.parametrize("final", sorted(FINAL))
def test_nothing_goes_back_from_a_final_status(final):
    assert not MOVES[final] & {Status.CREATED, Status.SENDING}
