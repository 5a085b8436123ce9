"""Back-off of deferred messages."""

import pytest

from delivery.backoff import delay_seconds, unknown_wait_seconds
from messages.message import Lane


def test_delay_doubles_with_each_attempt() -> None:
    assert [delay_seconds(n, Lane.NORMAL, 10, 1.0) for n in (1, 2, 3)] == [10, 20, 40]


@pytest.mark.parametrize(("lane", "cap"), [(Lane.PRIORITY, 120), (Lane.NORMAL, 900), (Lane.BULK, 1800)])
def test_delay_stops_growing_at_the_lanes_cap(lane: Lane, cap: float) -> None:
    assert delay_seconds(1000, lane, 10, 1.0) == cap


def test_jitter_spreads_the_delay_over_its_upper_half() -> None:
    assert delay_seconds(1, Lane.NORMAL, 10, 0.0) == 5
    assert 5 < delay_seconds(1, Lane.NORMAL, 10, 0.5) < 10


def test_what_expires_first_waits_least_for_news_of_it() -> None:
    waits = {lane: unknown_wait_seconds(lane, 180) for lane in Lane}
    assert waits == {Lane.PRIORITY: 30, Lane.NORMAL: 180, Lane.BULK: 180}
