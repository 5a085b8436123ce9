"""What OWASP ASVS 5.0 asks of accounts, sessions, browsers and files at level 2: each has a test with its number."""

import re
from pathlib import Path

import pytest

ITEMS = (
    *("3.3.1", "3.3.2", "3.3.3", "3.3.4", "3.4.3", "3.4.4", "3.4.5", "3.4.6", "3.5.1", "3.5.3"),
    *("5.2.1", "5.2.2", "5.2.3", "5.4.1", "5.4.2"),
    *("6.1.2", "6.2.9", "6.2.11", "6.2.12", "6.4.3", "6.5.1", "6.5.2", "6.5.3", "6.5.4", "6.5.5"),
    *("6.6.1", "6.6.2", "6.6.3", "7.1.2", "7.2.3", "7.2.4", "7.3.1", "7.3.2"),
    *("7.4.1", "7.4.2", "7.4.3", "7.4.4", "7.4.5", "7.5.1", "7.5.2", "8.2.2", "8.3.2", "8.4.1"),
)
_NAMED = re.compile(r"def test_asvs_((?:\d+_\d+_\d+_)+)")


@pytest.fixture(scope="module")
def named() -> set[str]:
    texts = (path.read_text() for path in Path("tests").rglob("test_*.py"))
    numbers = [number for text in texts for found in _NAMED.findall(text) for number in re.findall(r"\d+", found)]
    return {".".join(numbers[at : at + 3]) for at in range(0, len(numbers), 3)}


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_has_a_test(item: str, named: set[str]) -> None:
    assert item in named
