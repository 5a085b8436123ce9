"""Whatever goes wrong on our side has its place in one table, and nobody is told to give up for it."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import auth
import config
import delivery
import messages
import relay
from messages import reply
from messages.reply import Refused
from relay.failures import REPLIES, Failure, failure_of, refusal
from tests.fakes.failures import SECRET, failures

CASES = failures()

# Ours that mean more than a bug where nobody caught them.
KNOWN = {
    "auth.lookups.Unavailable": Failure.AWAY,
    "config.keyring.KeyringError": Failure.UNREADABLE,
    "delivery.callbacks.guard.Forbidden": Failure.AWAY,  # an OSError, as its library wants it; never seen by a door
    "delivery.store.base.StoreUnavailable": Failure.AWAY,
}


@pytest.mark.parametrize("name", CASES)
def test_what_went_wrong_is_told_from_its_error(name: str) -> None:
    error, expected = CASES[name]

    assert failure_of(error) is expected


@pytest.mark.parametrize("name", CASES)
def test_reply_to_a_failure_is_temporary_and_has_nothing_of_the_error(name: str) -> None:
    error, _ = CASES[name]
    for at_login in (False, True):
        refused = refusal(error, at_login=at_login)
        assert refused.reply.temporary
        assert SECRET not in refused.line()
        assert "try again" in refused.line()


def test_every_failure_has_a_reply_and_a_log_in_only_one() -> None:
    assert set(REPLIES) == set(Failure)
    assert {refusal(error, at_login=True).reply for error, _ in CASES.values()} == {reply.AUTH_UNAVAILABLE}
    assert {expected for _, expected in CASES.values()} == set(Failure)


def test_replies_have_the_codes_of_the_rfcs() -> None:
    said = {failure: f"{answer.code} {answer.enhanced}" for failure, answer in REPLIES.items()}

    assert said == {
        Failure.AWAY: "451 4.3.0",
        Failure.LOCKED: "451 4.4.5",  # RFC 3463 3.5: congestion
        Failure.SLOW: "451 4.4.5",
        Failure.DISK_FULL: "452 4.3.1",  # RFC 5321 4.2.3: insufficient system storage
        Failure.OUT_OF_MEMORY: "452 4.3.1",
        Failure.UNREADABLE: "451 4.3.5",  # RFC 3463 3.4: incorrectly configured
        Failure.BUG: "451 4.3.0",
    }


def exceptions() -> Iterator[type[Exception]]:
    """Every class of exception that our packages define."""
    seen = set()
    for package in (auth, config, delivery, messages, relay):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.name:
                    seen.add(value)
    yield from sorted(seen, key=lambda each: (each.__module__, each.__qualname__))


OURS = {f"{each.__module__}.{each.__qualname__}": each for each in exceptions()}


def test_the_walk_finds_what_is_there() -> None:
    assert len(OURS) > 25
    assert set(KNOWN) < set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_no_exception_of_ours_escapes_the_table(name: str) -> None:
    kind = OURS[name]
    if issubclass(kind, Refused):
        return  # brings its own reply
    error = kind.__new__(kind)

    assert failure_of(error) is KNOWN.get(name, Failure.BUG), "say in KNOWN what it means"
    assert refusal(error).reply.temporary
