"""The arithmetic of a rate that many share, and of a day's quota."""

import random
from bisect import bisect_left
from dataclasses import replace

import pytest

from delivery.rate.bucket import AHEAD_SECONDS, LEAD_SECONDS, SPAN_SECONDS, SPENT_SECONDS, Answers, Bucket
from messages.message import Lane

NOW = 1_790_000_000.0
FULL = Bucket(granted=50.0, allowed=50.0, counted_at=NOW)


def most_in_a_second(times: list[float]) -> int:
    times = sorted(times)
    return max(bisect_left(times, begin + 1) - bisect_left(times, begin) for begin in times)


@pytest.mark.parametrize("rate", [1.0, 14.0, 50.0, 500.0])
def test_whoever_takes_places_whenever_no_second_has_more_than_the_rate_and_none_is_lost(rate: float) -> None:
    dice, bucket, now = random.Random(15), Bucket(rate, rate), NOW
    used: list[float] = []
    for _ in range(600):
        now += dice.uniform(0.0, 0.08)
        if count := bucket.room(now):
            bucket, slots = bucket.take(count, now, offset=0.0)
            # Each when it is ready, or at its place, and as late as it may be.
            used += [max(slot.at, now + dice.uniform(0, LEAD_SECONDS)) for slot in slots]
    late = [at + dice.uniform(0, 0.01) for at in used]
    assert most_in_a_second(late) <= rate + 1
    assert len(used) / (used[-1] - used[0]) > 0.97 * rate


def test_what_is_claimed_leaves_within_half_a_second() -> None:
    bucket, now = FULL, NOW
    for _ in range(100):
        now += 0.01
        if count := bucket.room(now):
            bucket, slots = bucket.take(count, now, offset=0.0)
            assert max(slot.at for slot in slots) < now + AHEAD_SECONDS + SPAN_SECONDS + 1 / 40


def test_after_a_rest_the_first_may_leave_as_soon_as_it_is_ready_and_the_next_stand_behind_it() -> None:
    bucket, (slot,) = FULL.take(1, NOW, offset=100.0)
    assert slot.at == NOW - 100
    assert slot.tolerance_seconds > LEAD_SECONDS
    assert bucket.next_at == pytest.approx(NOW + LEAD_SECONDS + bucket.interval)


def test_a_clock_that_was_set_back_stops_nobody() -> None:
    assert replace(FULL, next_at=NOW + 3600, held_until=NOW + 3600).room(NOW)


def answered(bucket: Bucket, seconds: int, answers: Answers) -> Bucket:
    for at in range(seconds):
        bucket = bucket.told(answers, NOW + at + 1)
    return bucket


def test_what_is_turned_away_lowers_the_rate_by_half_of_its_share_and_what_is_taken_raises_it_evenly() -> None:
    lowered = answered(FULL, 1, Answers(taken=40, turned_away=10))
    assert lowered.allowed == pytest.approx(45)
    assert lowered.used == pytest.approx(50)
    assert replace(lowered, counted_at=NOW).told(Answers(taken=40), NOW + 1).allowed == pytest.approx(46)
    assert answered(FULL, 100, Answers(taken=50)).allowed == 50


def test_a_provider_that_takes_nothing_is_asked_once_a_second_and_all_is_back_in_a_minute() -> None:
    nothing = answered(FULL, 7, Answers(turned_away=10))
    assert nothing.allowed == 1
    assert replace(nothing, counted_at=NOW).told(Answers(taken=1), NOW + 60).allowed == 50


def test_answers_of_one_second_count_together() -> None:
    bucket = FULL
    for at in range(9):
        bucket = bucket.told(Answers(turned_away=1), NOW + at / 10)
    assert (bucket.allowed, bucket.turned_away) == (50, 9)


def test_a_higher_grant_is_had_at_once_and_a_lower_one_as_well() -> None:
    assert FULL.granting(80, None, 0).allowed == 80
    assert FULL.granting(14, None, 0).allowed == 14
    assert replace(FULL, allowed=20).granting(80, None, 0).allowed == 20


@pytest.mark.parametrize(
    ("sent", "lanes"),
    [
        (0, {Lane.PRIORITY, Lane.NORMAL, Lane.BULK}),
        (900, {Lane.PRIORITY, Lane.NORMAL, Lane.BULK}),
        (901, {Lane.PRIORITY, Lane.NORMAL}),
        (981, {Lane.PRIORITY}),
        (999, {Lane.PRIORITY}),
        (1000, set()),
    ],
)
def test_of_a_quota_that_is_nearly_spent_the_last_is_for_codes(sent: float, lanes: set[Lane]) -> None:
    assert FULL.granting(50, 1000, sent).lanes == lanes


def test_what_was_given_out_counts_before_the_provider_says_so() -> None:
    bucket, _ = FULL.granting(50, 1000, 995).take(3, NOW, 0.0)
    assert (bucket.left, bucket.room(NOW + 10)) == (2, 2)
    assert FULL.left is None


def test_a_spent_quota_holds_all_until_the_window_has_moved() -> None:
    spent = FULL.granting(50, 1000, 500).told(Answers(spent=True), NOW)
    assert (spent.room(NOW), spent.lanes) == (0, frozenset())
    later = NOW + SPENT_SECONDS
    assert spent.granting(50, 1000, 990).room(later)
    assert spent.granting(50, None, 990).room(later - 1) == 0
