"""What failed log-ins lead to, with a clock in the hand: who waits, who is banned, for how long, and who never is."""

import pytest

from auth.bans import (
    MAX_NAMES_PER_ADDRESS,
    MAX_PAIRS,
    MAX_SUCCESSES,
    NONE,
    RULES,
    Ban,
    Failures,
    Ledger,
    Pair,
    place,
)
from messages.reply import THROTTLED, Refused
from tests.fakes.auth import NOW

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
PRINTER, SCANNER = b"printer", b"scanner"
DAY = 24 * 3600


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(RULES)


def refused_seconds(ledger: Ledger, pair: Pair, now: float) -> object:
    """How long a banned client is told to wait."""
    with pytest.raises(Refused) as caught:
        ledger.admit(pair, now)
    assert caught.value.reply is THROTTLED
    return caught.value.values_["seconds"]


def fail(ledger: Ledger, pair: Pair, times: int, now: float = NOW) -> list[Ban]:
    return [ban for ban in (ledger.failed(pair, now) for _ in range(times)) if ban is not None]


def fail_as_many(ledger: Ledger, address: str, names: int, now: float = NOW) -> list[Ban]:
    """One wrong password each for so many user names."""
    return [ban for number in range(names) for ban in fail(ledger, (address, b"%d" % number), 1, now)]


# -- A pair of address and user name ------------------------------------------------------------------------------
def test_who_never_failed_does_not_wait(ledger: Ledger) -> None:
    assert ledger.admit((HERE, PRINTER), NOW) == 0


def test_each_failure_doubles_the_wait_up_to_a_few_seconds(ledger: Ledger) -> None:
    waits = []
    for number in range(7):
        fail(ledger, (HERE, PRINTER), 1)
        waits.append(ledger.admit((HERE, PRINTER), NOW + number * 4))

    assert waits == [0.5, 1, 2, 4, 4, 4, 4]


def test_tenth_failure_bans_the_pair_for_a_minute(ledger: Ledger) -> None:
    assert fail(ledger, (HERE, PRINTER), 9) == []
    assert fail(ledger, (HERE, PRINTER), 1) == [Ban(HERE, PRINTER, 10, NOW + 60)]

    assert refused_seconds(ledger, (HERE, PRINTER), NOW + 0.5) == 60
    assert refused_seconds(ledger, (HERE, PRINTER), NOW + 59.9) == 1


def test_ban_ends_by_itself(ledger: Ledger) -> None:
    fail(ledger, (HERE, PRINTER), 10)

    assert ledger.admit((HERE, PRINTER), NOW + 60) == 4


def test_ban_of_a_pair_is_none_of_its_neighbours_and_none_elsewhere(ledger: Ledger) -> None:
    fail(ledger, (HERE, PRINTER), 10)

    assert ledger.admit((HERE, SCANNER), NOW) == 0
    assert ledger.admit((ELSEWHERE, PRINTER), NOW) == 4


def test_each_failure_after_a_ban_bans_for_twice_as_long_up_to_an_hour(ledger: Ledger) -> None:
    now, lengths = NOW, []
    fail(ledger, (HERE, PRINTER), 9)
    for _ in range(9):
        (ban,) = fail(ledger, (HERE, PRINTER), 1, now)
        lengths.append(ban.ends_at - now)
        now = ban.ends_at

    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_failures_that_were_under_way_when_the_ban_began_do_not_lengthen_it(ledger: Ledger) -> None:
    assert len(fail(ledger, (HERE, PRINTER), 100)) == 1

    assert ledger.failures((HERE, PRINTER)).count == 10


def test_log_in_forgets_the_failures_of_its_pair_only(ledger: Ledger) -> None:
    for name in (PRINTER, SCANNER):
        fail(ledger, (HERE, name), 9)
    assert ledger.succeeded((HERE, PRINTER), NOW)

    assert ledger.admit((HERE, PRINTER), NOW) == 0
    assert ledger.admit((HERE, SCANNER), NOW) == 4


def test_two_quiet_hours_forget_failures(ledger: Ledger) -> None:
    fail(ledger, (HERE, PRINTER), 9)

    assert ledger.admit((HERE, PRINTER), NOW + 7199) == 4
    assert ledger.admit((HERE, PRINTER), NOW + 7200) == 0
    fail(ledger, (HERE, PRINTER), 1, NOW + 7200)
    assert ledger.admit((HERE, PRINTER), NOW + 7200) == 0.5


def test_clock_that_is_set_back_by_a_day_keeps_nobody_out(ledger: Ledger) -> None:
    fail(ledger, (HERE, PRINTER), 1)
    for _ in range(5):
        ledger.admit((HERE, PRINTER), NOW)
    fail(ledger, (HERE, PRINTER), 9)

    assert ledger.admit((HERE, PRINTER), NOW - DAY) == 0
    fail(ledger, (HERE, PRINTER), 1, NOW - DAY)
    assert ledger.admit((HERE, PRINTER), NOW - DAY) == 0.5


# -- A user name over all addresses -------------------------------------------------------------------------------
def test_failures_from_elsewhere_delay_a_user_name_and_never_ban_it(ledger: Ledger) -> None:
    for number in range(500):
        fail(ledger, (f"203.0.113.{number}", PRINTER), 1)

    assert ledger.admit((HERE, PRINTER), NOW) == 4


def test_failures_from_elsewhere_do_not_delay_where_the_key_logged_in_within_a_day(ledger: Ledger) -> None:
    ledger.succeeded((HERE, PRINTER), NOW - DAY)
    for number in range(500):
        fail(ledger, (f"203.0.113.{number}", PRINTER), 1)

    assert ledger.admit((HERE, PRINTER), NOW) == 0
    assert ledger.admit((HERE, PRINTER), NOW + 3601) == 4


# -- A whole address ----------------------------------------------------------------------------------------------
def test_twenty_failing_user_names_ban_the_whole_address(ledger: Ledger) -> None:
    assert fail_as_many(ledger, HERE, 19) == []
    assert fail(ledger, (HERE, PRINTER), 1) == [Ban(HERE, None, 20, NOW + 60)]

    assert refused_seconds(ledger, (HERE, SCANNER), NOW) == 60
    assert ledger.admit((ELSEWHERE, SCANNER), NOW) == 0


def test_each_further_user_name_bans_the_address_for_twice_as_long(ledger: Ledger) -> None:
    fail_as_many(ledger, HERE, 20)
    (ban,) = fail(ledger, (HERE, PRINTER), 1, NOW + 60)

    assert ban == Ban(HERE, None, 21, NOW + 60 + 120)


def test_one_user_name_that_fails_for_ever_never_bans_its_address(ledger: Ledger) -> None:
    now = NOW
    for _ in range(200):
        assert all(ban.name == PRINTER for ban in fail(ledger, (HERE, PRINTER), 1, now))
        now += 3601

    assert ledger.admit((HERE, SCANNER), now) == 0


@pytest.mark.parametrize(("age", "banned"), [(0, False), (DAY, False), (DAY + 3601, True)])
def test_address_with_a_log_in_within_a_day_is_never_banned_whole(ledger: Ledger, age: float, banned: bool) -> None:
    ledger.succeeded((HERE, SCANNER), NOW - age)
    bans = fail_as_many(ledger, HERE, 60)

    assert [ban.name for ban in bans] == [None] * banned
    if not banned:
        assert ledger.admit((HERE, SCANNER), NOW) == 0


def test_address_that_may_not_be_banned_delays_newcomers_while_many_user_names_fail(ledger: Ledger) -> None:
    ledger.succeeded((HERE, SCANNER), NOW)
    fail_as_many(ledger, HERE, 19)
    assert ledger.admit((HERE, PRINTER), NOW) == 0

    fail_as_many(ledger, HERE, 60)
    assert [ledger.admit((HERE, PRINTER), NOW) for _ in range(100)] == [4] * 100  # delayed, and never refused
    assert ledger.admit((HERE, SCANNER), NOW) == 0


# -- How many wait at once ----------------------------------------------------------------------------------------
def test_five_log_ins_of_a_pair_and_fifty_of_an_address_wait_at_once(ledger: Ledger) -> None:
    for number in range(11):
        fail(ledger, (HERE, b"%d" % number), 1)
    for number in range(10):
        for _ in range(5):
            assert ledger.admit((HERE, b"%d" % number), NOW) == 0.5
        assert refused_seconds(ledger, (HERE, b"%d" % number), NOW) == 1
    assert refused_seconds(ledger, (HERE, b"10"), NOW) == 1
    assert ledger.admit((ELSEWHERE, b"10"), NOW) == 0.5

    assert ledger.admit((HERE, b"10"), NOW + 0.5) == 0.5


def test_nothing_is_kept_of_log_ins_that_have_waited(ledger: Ledger) -> None:
    for number in range(1000):
        now = NOW + number
        fail(ledger, (f"203.0.113.{number}", PRINTER), 1, now)
        ledger.admit((f"203.0.113.{number}", PRINTER), now)

    assert len(ledger._ends) <= 10
    assert len(ledger._waiting) <= 20


# -- What others know ---------------------------------------------------------------------------------------------
def test_what_is_learned_counts_as_if_it_had_happened_here(ledger: Ledger) -> None:
    ban = ledger.learn((HERE, PRINTER), Failures(10, NOW), 0, NOW + 1)

    assert ban == Ban(HERE, PRINTER, 10, NOW + 60)
    assert refused_seconds(ledger, (HERE, PRINTER), NOW + 1) == 59
    assert ledger.admit((ELSEWHERE, PRINTER), NOW + 1) == 4


def test_learning_the_same_again_changes_nothing(ledger: Ledger) -> None:
    for _ in range(5):
        ledger.learn((HERE, PRINTER), Failures(1, NOW), 0, NOW)

    assert ledger.admit((ELSEWHERE, PRINTER), NOW) == 0.5


def test_ban_that_was_lifted_is_unlearned(ledger: Ledger) -> None:
    fail(ledger, (HERE, PRINTER), 10)
    ledger.learn((HERE, PRINTER), Failures(0, NOW), 0, NOW)

    assert ledger.admit((HERE, SCANNER), NOW) == 0
    assert ledger.failures((HERE, PRINTER)) == NONE


def test_learned_success_protects_its_address(ledger: Ledger) -> None:
    ledger.learn((HERE, SCANNER), NONE, NOW, NOW)

    assert fail_as_many(ledger, HERE, 60) == []


def test_failures_that_several_processes_saw_at_once_bring_the_first_ban_not_the_longest() -> None:
    assert Failures(6, NOW).add(RULES, 9, NOW) == Failures(10, NOW)
    assert Failures(10, NOW - 60).add(RULES, 9, NOW) == Failures(11, NOW)
    assert Failures(10, NOW).add(RULES, 9, NOW + 1) == Failures(10, NOW)


def test_all_bans_that_last_can_be_listed(ledger: Ledger) -> None:
    fail(ledger, (ELSEWHERE, PRINTER), 10)
    fail_as_many(ledger, HERE, 20)

    assert sorted(ledger.bans(NOW), key=str) == [
        Ban(HERE, None, 20, NOW + 60),
        Ban(ELSEWHERE, PRINTER, 10, NOW + 60),
    ]
    assert list(ledger.bans(NOW + 60)) == []


# -- Bounds -------------------------------------------------------------------------------------------------------
def test_memory_is_bounded_while_addresses_and_user_names_never_repeat(ledger: Ledger) -> None:
    for number in range(MAX_PAIRS * 2):
        ledger.failed((f"{number}", b"%d" % number), NOW)

    assert sum(map(len, ledger._failures.values())) == ledger._pairs == MAX_PAIRS
    assert len(ledger._names) == MAX_PAIRS


def test_memory_is_bounded_where_many_keys_log_in(ledger: Ledger) -> None:
    for number in range(MAX_SUCCESSES + 10):
        ledger.succeeded((f"{number}", PRINTER), NOW)

    assert len(ledger._successes) == len(ledger._good) == MAX_SUCCESSES


def test_guessing_at_random_pushes_out_neither_a_ban_nor_a_success(ledger: Ledger) -> None:
    ledger.succeeded((HERE, SCANNER), NOW)
    fail(ledger, (HERE, PRINTER), 10)
    fail_as_many(ledger, HERE, MAX_PAIRS)

    assert len(ledger._failures[HERE]) == MAX_NAMES_PER_ADDRESS
    assert refused_seconds(ledger, (HERE, PRINTER), NOW + 1) == 59
    assert ledger.admit((HERE, SCANNER), NOW) == 0


def test_success_tells_something_new_once_an_hour(ledger: Ledger) -> None:
    told = [ledger.succeeded((HERE, PRINTER), NOW + minute * 60) for minute in range(180)]

    assert [minute for minute, new in enumerate(told) if new] == [0, 60, 120]


# -- Addresses ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("client_ip", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("", ""),
        ("no address" * 10, ("no address" * 10)[:45]),
    ],
)
def test_addresses_of_one_host_count_as_one(client_ip: str, counted_as: str) -> None:
    assert place(client_ip) == counted_as
