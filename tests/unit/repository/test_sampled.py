"""What `make test` leaves out of heavy sets by default is run by CI."""

import os
import re
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.harness.sampled import both_databases, databases_in_turn, in_turn, sampled

ROOT = Path(__file__).parents[3]


def chosen(**environment: str) -> list[str]:
    """The marks by which each run of pytest in `make test` chooses its tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "RELAY_TESTS"))}
    command = ["make", "--dry-run", "--always-make", "test"]
    done = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=True)
    return re.findall(r"pytest.* -m '([^']*)'", done.stdout)


def test_samples_are_the_default_and_one_variable_asks_for_the_whole() -> None:
    whole = chosen(RELAY_TESTS_WHOLE="1")
    assert whole == ["not soak and not alone", "alone and not soak", "alone and not soak"]  # load, and all others
    assert chosen() == [f"{marks} and not whole" for marks in whole]


def test_what_is_alone_is_run_once_whichever_folder_it_is_in() -> None:
    """Load by its folder, the others by their files; pytest ends with an error where it finds no test."""
    recipe = (ROOT / "Makefile").read_text()
    assert re.search(r"-m 'alone and not soak[^']*' tests/load$", recipe, re.MULTILINE)
    assert "--include='test_*.py' --exclude-dir=load 'mark\\.alone' tests)" in recipe


def test_ci_asks_for_the_whole() -> None:
    before, found, _ = (ROOT / ".ci/run").read_text().partition("make --no-print-directory test\n")
    assert found
    assert re.search(r"^export RELAY_TESTS_WHOLE=1\b", before, re.MULTILINE)


def test_nothing_is_left_out_but_by_a_sample() -> None:
    """`sampled` keeps something of each set; the mark alone would hide a test."""
    marked = {path for path in (ROOT / "tests").rglob("*.py") if re.search(r"\bmark\.whole\b", path.read_text())}
    assert marked - {Path(__file__)} == {ROOT / "tests/harness/sampled.py"}


def test_a_sample_of_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="a sample of nothing"):
        sampled(["a", "b"], lambda at: at > 1)
    cases = sampled([(name, way) for name in "abcd" for way in range(3)], in_turn(3))
    assert [case.values for case in cases if not case.marks] == [("a", 0), ("b", 1), ("c", 2), ("d", 0)]
    assert {mark.name for case in cases for mark in case.marks} == {"whole"}


def test_each_case_runs_on_one_database_in_the_sample_and_half_of_them_on_each() -> None:
    left_out = [_cases(number, []) for number in range(40)]
    assert {len(each) for each in left_out} == {1}
    assert 10 < sum(each == ["sqlite"] for each in left_out) < 30
    assert _cases(0, [both_databases.mark]) == []


def _cases(number: int, marks: list[pytest.Mark]) -> list[str]:
    """The databases on which the sample leaves out a test's case."""
    items = [Mock(path=Path("test_it.py"), originalname="test") for _ in range(2)]
    for item, database in zip(items, ("sqlite", "postgresql"), strict=True):
        item.callspec.params = {"database_url": database, "number": number}
        item.callspec.id = f"{database}-{number}"
        item.iter_markers.return_value = marks
    databases_in_turn(items)
    return [item.callspec.params["database_url"] for item in items if item.add_marker.called]
