"""Who is pushed back before the queue grows past what expiry allows, and that nobody is for another's sake."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from delivery.backlog.foreseeing import Backlog, Place, foresee, retry_seconds
from messages.message import Channel, Lane

MINE, OTHER = UUID(int=1), UUID(int=2)
RATE = {Channel.EMAIL: 10.0}
LATE = {Lane.NORMAL, Lane.BULK}


def waiting(
    number: int, service_id: UUID = MINE, lane: Lane = Lane.NORMAL, oldest: float = 0.0, *, held: bool = False
) -> Backlog:
    return Backlog(Place(service_id, lane, Channel.EMAIL), number, oldest, held)


def pushed_back(*backlogs: Backlog, before: set[Place] | None = None, rate: float = 10.0) -> set[Place]:
    found = foresee(backlogs, {Channel.EMAIL: rate}, before or set())
    return {each.backlog.place for each in found if each.pushed_back}


def lanes_of(places: set[Place], service_id: UUID = MINE) -> set[Lane]:
    return {place.lane for place in places if place.service_id == service_id}


def test_half_of_a_lifetime_is_room_and_what_is_behind_goes_first() -> None:
    half = 12 * 3600 * 10
    assert pushed_back(waiting(half)) == set()
    assert lanes_of(pushed_back(waiting(half + 1))) == {Lane.NORMAL, Lane.BULK}


def test_codes_are_refused_last_and_never_alone() -> None:
    codes = 2700 * 10 + 1
    assert pushed_back(waiting(codes - 1, lane=Lane.PRIORITY)) == set()
    assert lanes_of(pushed_back(waiting(codes, lane=Lane.PRIORITY))) == set(Lane)


def test_it_does_not_flap() -> None:
    full = waiting(12 * 3600 * 10 + 1)
    before = pushed_back(full)
    assert lanes_of(pushed_back(waiting(12 * 3600 * 8 + 1), before=before)) == {Lane.NORMAL, Lane.BULK}
    assert pushed_back(waiting(12 * 3600 * 8), before=before) == set()


def test_what_one_service_has_waiting_pushes_back_that_one_alone() -> None:
    flood = [waiting(10**8, OTHER, lane) for lane in Lane]
    found = pushed_back(*flood, *(waiting(100, MINE, lane) for lane in Lane))

    assert lanes_of(found) == set()
    assert lanes_of(found, OTHER) == set(Lane)


def test_who_has_little_waiting_makes_nobody_s_much_wait_long() -> None:
    """Their turn comes once, and then they have none: 2,000 codes and 50 others leave within four minutes."""
    others = [waiting(1, UUID(int=n), Lane.PRIORITY) for n in range(10, 60)]
    assert pushed_back(waiting(2_000, lane=Lane.PRIORITY), *others) == set()
    (mine, *theirs) = foresee([waiting(2_000, lane=Lane.PRIORITY), *others], RATE, ())
    assert (mine.wait_seconds, {each.wait_seconds for each in theirs}) == (205.0, {5.1})


def test_where_others_go_on_to_send_one_s_own_pace_counts_and_never_less_than_its_share() -> None:
    """What they have waiting at any moment is little; what they take of the rate may be nearly all."""
    others = [waiting(1, UUID(int=n)) for n in range(10, 15)]
    mine = waiting(11 * 3600 * 10)
    for taken, expected in ((10.0, set()), (5.0, LATE), (0.0, LATE)):
        found = foresee([mine, *others], RATE, (), {mine.place: taken})
        assert {each.backlog.place.lane for each in found if each.pushed_back} == expected
    (share, *_) = foresee([mine, *others], RATE, (), {mine.place: 0.0})
    assert share.wait_seconds == 6 * 11 * 3600


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_it_is_when_the_last_one_leaves_where_services_take_turns(numbers: list[int]) -> None:
    left, gone, ends = list(numbers), 0, [0.0] * len(numbers)
    while any(left):
        for at in [at for at, number in enumerate(left) if number]:
            left[at], gone = left[at] - 1, gone + 1
            ends[at] = gone / 10.0
    found = foresee([waiting(number, UUID(int=at + 1)) for at, number in enumerate(numbers)], RATE, ())
    for each, end in zip(found, ends, strict=True):  # within the last round
        assert 0 <= each.wait_seconds - end < (len(numbers) + 0.5) / 10.0


@given(st.integers(500, 10**9), st.integers(500, 10**9), st.sampled_from(Lane), st.sampled_from(Lane))
def test_no_number_of_another_service_s_messages_beyond_one_s_own_changes_what_is_foreseen(
    few: int, many: int, mine: Lane, theirs: Lane
) -> None:
    def foreseen(number: int) -> list[float]:
        found = foresee([waiting(500, lane=mine), waiting(number, OTHER, theirs)], RATE, ())
        return [each.wait_seconds for each in found if each.backlog.place == Place(MINE, mine, Channel.EMAIL)]

    one, two = foreseen(few), foreseen(many)
    assert one == two


def test_without_a_rate_the_age_of_the_oldest_tells_and_a_pause_of_the_provider_is_none() -> None:
    assert pushed_back(waiting(10**7), rate=0.0) == set()
    assert lanes_of(pushed_back(waiting(1, oldest=12 * 3600 + 1.0), rate=0.0)) == {Lane.NORMAL, Lane.BULK}


def test_who_is_held_takes_no_share_of_others_and_is_pushed_back_when_its_mail_would_expire() -> None:
    share = 12 * 3600 * 10
    held = [waiting(10, UUID(int=n), held=True) for n in range(10, 30)]
    assert pushed_back(waiting(share), *held) == set()
    assert lanes_of(pushed_back(waiting(1, OTHER, oldest=12 * 3600 + 1.0, held=True)), OTHER) == {
        Lane.NORMAL,
        Lane.BULK,
    }


def test_a_client_is_told_to_come_back_within_an_hour() -> None:
    assert retry_seconds(Lane.BULK, 10**9) == 3600
    assert retry_seconds(Lane.PRIORITY, 2701.0) == 541
    assert retry_seconds(Lane.NORMAL, 0.0) == 60
