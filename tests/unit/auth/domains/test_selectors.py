"""The life of a DKIM key, with every time passed in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domains.selectors import (
    DOUBT_SECONDS,
    EVERY_SECONDS,
    MAX_TTL_SECONDS,
    MIN_TTL_SECONDS,
    MOVES,
    SOON_SECONDS,
    Candidate,
    Life,
    Look,
    State,
    after,
    choose,
    next_look_at,
)

NOW = 1_790_000_000.0
PUBLISHED = Life(State.PUBLISHED)
IN_DOUBT = Life(State.PUBLISHED, NOW + DOUBT_SECONDS)
WITHDRAWN = Life(State.WITHDRAWN)

# Seconds since the look before, look, TTL.
Looks = st.lists(
    st.tuples(st.integers(0, 2000), st.sampled_from(Look), st.sampled_from([0, 30, 60, 300, 3600, 10**6])), max_size=30
)


@pytest.mark.parametrize(
    ("ttl", "seconds"), [(300, 300), (0, MIN_TTL_SECONDS), (5, MIN_TTL_SECONDS), (10**6, MAX_TTL_SECONDS)]
)
@pytest.mark.parametrize("state", [State.PENDING, State.WITHDRAWN])
def test_key_is_used_when_it_was_found_twice_one_ttl_apart(state: State, ttl: float, seconds: float) -> None:
    once = after(Life(state), Look.RIGHT, NOW, ttl)

    assert once == Life(state, NOW + seconds)
    assert after(once, Look.RIGHT, NOW + seconds - 1, ttl) == once
    assert after(once, Look.RIGHT, NOW + seconds, ttl) == PUBLISHED


def test_key_is_withdrawn_when_it_was_missing_twice_five_minutes_apart() -> None:
    once = after(PUBLISHED, Look.WRONG, NOW)

    assert once == IN_DOUBT
    assert after(once, Look.WRONG, NOW + DOUBT_SECONDS - 1) == once
    assert after(once, Look.WRONG, NOW + DOUBT_SECONDS) == WITHDRAWN


@pytest.mark.parametrize("life", [Life(), PUBLISHED, WITHDRAWN, IN_DOUBT, Life(State.PENDING, NOW)])
def test_resolver_that_fails_changes_nothing(life: Life) -> None:
    assert after(life, Look.UNANSWERED, NOW + 10**6) == life


@pytest.mark.parametrize(
    ("life", "look"),
    [(IN_DOUBT, Look.RIGHT), (Life(State.PENDING, NOW), Look.WRONG), (Life(State.WITHDRAWN, NOW), Look.WRONG)],
)
def test_look_that_speaks_for_the_state_ends_the_doubt(life: Life, look: Look) -> None:
    assert after(life, look, NOW + 10**6) == Life(life.state)


@pytest.mark.parametrize(
    ("state", "look", "seconds"), [(State.PUBLISHED, Look.WRONG, DOUBT_SECONDS), (State.PENDING, Look.RIGHT, 300)]
)
def test_look_of_a_clock_that_was_ahead_is_none(state: State, look: Look, seconds: float) -> None:
    ahead = after(Life(state), look, NOW + 10**7, 300)

    assert after(ahead, look, NOW, 300) == Life(state, NOW + seconds)


@given(Looks)
def test_every_move_is_in_the_table_and_has_two_looks_that_agree_far_enough_apart(
    looks: list[tuple[int, Look, int]],
) -> None:
    lives, at, seen = [Life()], NOW, []
    for seconds, look, ttl in looks:
        at += seconds
        seen.append((at, look, ttl))
        lives.append(after(lives[-1], look, at, ttl))

    for place, (old, new) in enumerate(pairwise(lives)):
        if old.state is new.state:
            continue
        moved_at, look, _ = seen[place]
        assert MOVES[old.state, look] is new.state
        answered = [each for each in seen[:place] if each[1] is not Look.UNANSWERED]
        run: list[tuple[float, Look, int]] = []
        for each in reversed(answered):
            if each[1] is not look:
                break
            run.append(each)
        apart = DOUBT_SECONDS if look is Look.WRONG else MIN_TTL_SECONDS
        assert run
        assert moved_at - run[-1][0] >= apart


@given(Looks)
def test_a_look_repeated_at_once_counts_once(looks: list[tuple[int, Look, int]]) -> None:
    once = twice = Life()
    at = NOW
    for seconds, look, ttl in looks:
        at += seconds
        once = after(once, look, at, ttl)
        twice = after(after(twice, look, at, ttl), look, at, ttl)
        assert once == twice


# -- Which key signs -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([(Life(), False), (PUBLISHED, True)], 1),  # the old one, until the new one was found twice
        ([(PUBLISHED, False), (PUBLISHED, True)], 0),
        ([(IN_DOUBT, True), (PUBLISHED, False)], 0),  # one look is no reason
        ([(WITHDRAWN, True), (PUBLISHED, False)], 1),  # back to the one before
        ([(WITHDRAWN, True), (IN_DOUBT, False)], None),  # which is not there either
        ([(WITHDRAWN, True)], None),
        ([(Life(), False)], None),
        ([], None),
    ],
)
def test_newest_key_that_is_published_signs(keys: list[tuple[Life, bool]], expected: int | None) -> None:
    assert choose([Candidate(*key) for key in keys], trusted=False) == expected


def test_trusted_domain_is_never_left_without_a_key() -> None:
    assert choose([Candidate(WITHDRAWN, True)], trusted=True) == 0
    assert choose([Candidate(WITHDRAWN, True), Candidate(PUBLISHED, False)], trusted=True) == 1
    assert choose([Candidate(Life(), False), Candidate(WITHDRAWN, True)], trusted=True) == 1


@given(st.lists(st.tuples(st.sampled_from(State), st.booleans()), max_size=5), st.booleans())
def test_only_a_published_key_comes_to_sign(given_keys: list[tuple[State, bool]], trusted: bool) -> None:
    keys = [Candidate(Life(state), signs) for state, signs in given_keys]
    place = choose(keys, trusted=trusted)

    if place is not None and not (trusted and keys[place].signs):
        assert keys[place].life == PUBLISHED


# -- When ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lives", "seconds"),
    [
        ([PUBLISHED, PUBLISHED], EVERY_SECONDS),
        ([PUBLISHED, WITHDRAWN], EVERY_SECONDS),
        ([Life(), PUBLISHED], SOON_SECONDS),
        ([WITHDRAWN], SOON_SECONDS),
        ([IN_DOUBT], DOUBT_SECONDS),
        ([Life(State.PENDING, NOW + 60)], 60),
        ([PUBLISHED, Life(State.WITHDRAWN, NOW + 70)], 70),
        ([Life(State.PUBLISHED, NOW - 5)], SOON_SECONDS),
        ([], EVERY_SECONDS),
    ],
)
def test_keys_are_looked_at_when_it_matters(lives: list[Life], seconds: float) -> None:
    assert next_look_at(lives, NOW) == NOW + seconds


@given(st.lists(st.builds(Life, st.sampled_from(State), st.none() | st.floats(0, 2e9)), max_size=4))
def test_no_look_is_later_than_a_quarter_of_an_hour_nor_at_once(lives: list[Life]) -> None:
    assert NOW < next_look_at(lives, NOW) <= NOW + EVERY_SECONDS
