"""Heavy sets: `make test` runs a sample of each, and CI the whole.

What is left out by default has the mark `whole`, which nothing else gives; tests/unit/repository holds that CI runs it.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from zlib import crc32

import pytest

IS_WHOLE = bool(os.environ.get("RELAY_TESTS_WHOLE"))  # for what one test looks at in one go


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


def examples(whole: int) -> int:
    """Of what Hypothesis makes up: a quarter, always the same."""
    return whole if IS_WHOLE else whole // 4


_DATABASES = ("sqlite", "postgresql")


def one_database(kept: str) -> pytest.MarkDecorator:
    """Of the two that `database_url` goes through, for tests whose load is what they are about."""
    cases = sampled(_DATABASES, lambda at: _DATABASES[at] == kept)
    return pytest.mark.parametrize("database_url", cases, indirect=True)


# For tests that are about how the two differ.
both_databases = pytest.mark.parametrize("database_url", _DATABASES, indirect=True)


def databases_in_turn(items: Iterable[pytest.Item]) -> None:
    """The sample has each case on one of the two, half of them on each: which, its name says, and not its place."""
    for item in items:
        function: Any = item
        params = function.callspec.params if hasattr(item, "callspec") else {}
        database = params.get("database_url")
        if database not in _DATABASES or _is_chosen(item):
            continue
        case = f"{item.path.stem} {function.originalname} {function.callspec.id.replace(database, '')}"
        if database != _DATABASES[crc32(case.encode()) % 2]:
            item.add_marker(pytest.mark.whole)


def _is_chosen(item: pytest.Item) -> bool:
    """Whether the test says itself on which databases it runs."""
    return any("database_url" in mark.args[0] for mark in item.iter_markers("parametrize"))


def in_turn(of: int) -> Callable[[int], bool]:
    """For each of the cases in `of` variants: the variants in turn."""
    return lambda at: at // of % of == at % of
