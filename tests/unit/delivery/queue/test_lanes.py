"""What lanes behind a full one are kept."""

from collections import Counter

import pytest

from delivery.queue.lanes import Lanes
from messages.message import Lane

RANKS = [lane.rank for lane in Lane]


def claimed(lanes: Lanes, ranks: list[int], limit: int) -> Counter[int]:
    """As the queue does it, where each lane has more than enough."""
    kept, taken = lanes.kept(ranks, limit), Counter[int]()
    for rank in ranks:
        kept.pop(rank, None)
        taken[rank] = max(limit - taken.total() - sum(kept.values()), 0)
    lanes.note(ranks, taken)
    return taken


@pytest.mark.parametrize("limit", [1, 4, 64])
def test_lanes_behind_a_full_one_get_their_share_however_small_the_claims(limit: int) -> None:
    lanes, total = Lanes(), Counter[int]()
    for _ in range(6400 // limit):
        total += claimed(lanes, RANKS, limit)
    shares = [total[rank] / total.total() for rank in RANKS]
    assert shares == pytest.approx([0.85, 0.10, 0.05], abs=0.02)


def test_what_nobody_waits_for_is_kept_for_nobody() -> None:
    lanes = Lanes()
    for _ in range(100):
        assert claimed(lanes, [0], 10) == {0: 10}
    assert claimed(lanes, RANKS, 1)[0] == 1  # nothing was saved up
