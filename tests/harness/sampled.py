"""Heavy sets: `make test` runs a sample of each, and CI the whole.

What is left out by default has the mark `whole`, which nothing else gives; tests/unit/repository holds that CI runs it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def sampled(cases: Sequence[Any], kept: Callable[[int], bool]) -> list[Any]:
    """The values of a parametrized test (a tuple is one of several names); `kept` chooses the sample by their places.

    A sample has something of each kind.
    """
    places = set(filter(kept, range(len(cases))))
    assert places, "a sample of nothing"
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if at in places else pytest.mark.whole)
        for at, case in enumerate(cases)
    ]


def one_database(kept: str) -> pytest.MarkDecorator:
    """Of the two that `database_url` goes through, for tests whose load is what they are about."""
    both = ["sqlite", "postgresql"]
    return pytest.mark.parametrize("database_url", sampled(both, lambda at: both[at] == kept), indirect=True)


def in_turn(of: int) -> Callable[[int], bool]:
    """For each of the cases in `of` variants: the variants in turn."""
    return lambda at: at // of % of == at % of
