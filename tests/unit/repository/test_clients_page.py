"""docs/clients.md in both languages: the same code, all of it used by a test, and replies that exist."""

import re
from pathlib import Path

import pytest

from messages import reply
from messages.reply import Reply
from tests.harness.clients_page import DOCS, snippets

TESTS = Path(__file__).parents[2]


def test_code_is_the_same_in_both_languages() -> None:
    assert snippets("clients.md") == snippets("clients.fr.md")


def test_all_code_with_settings_is_run_by_a_test() -> None:
    used = "".join(path.read_text() for folder in ("acceptance", "harness") for path in (TESTS / folder).glob("*.py"))

    assert [name for name in snippets() if f'"{name}"' not in used and f"{Path(name).stem}" not in used] == []


@pytest.mark.parametrize("page", ["clients.md", "clients.fr.md"])
def test_replies_on_the_page_are_ours(page: str) -> None:
    said = re.findall(r"`(\d{3} \d\.\d\.\d+)`", (DOCS / page).read_text())
    known = {f"{each.code} {each.enhanced}" for each in vars(reply).values() if isinstance(each, Reply)}

    assert len(said) > 5
    assert set(said) <= known
