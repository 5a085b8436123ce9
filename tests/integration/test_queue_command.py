"""notify-relay queue: what cannot be undone is counted first, and asked, or said to be meant."""

import io
import sys
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.conftest import Answer, Run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_script_has_to_say_that_it_is_sure(run: Run) -> None:
    code, out, err = run("queue", "cancel", "--lane", "bulk")
    assert (code, out) == (1, "")
    assert err == "notify-relay: 0 messages would be cancelled: say --yes, or --dry-run to see which\n"


def test_what_is_to_be_cancelled_has_to_be_said(run: Run) -> None:
    code, _, err = run("queue", "cancel", "--yes")
    assert code == 2
    assert "--older-than" in err


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("oui\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_on_a_terminal_it_shows_and_asks(run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ended, out, _ = run("queue", "cancel", "--older-than", "2d")
    assert ended == code
    assert "priority=0 normal=0 bulk=0" in out
    assert "cancel 0 messages? This cannot be undone. [y/N] " in out
    assert ("0 messages are cancelled" in out) == (code == 0)


def test_counts_are_one_object(answer: Answer) -> None:
    empty = {"messages": 0, "lanes": {"priority": 0, "normal": 0, "bulk": 0}, "services": 0, "oldest": None}
    for verb in ("hold", "release", "retry", "cancel"):
        assert answer("queue", verb, "--lane", "bulk", "--dry-run") == empty


@pytest.mark.parametrize("span", ["soon", "-1", "5w", "1.5h", ""])
def test_a_time_that_is_none_is_refused(run: Run, span: str) -> None:
    code, _, err = run("queue", "cancel", "--older-than", span, "--yes")
    assert code == 2
    assert "36h" in err


def test_ids_are_read_from_a_file_and_a_line_that_is_none_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "ids"
    file.write_text(f"{UUID(int=1)}\n\n{UUID(int=2)}\n")
    assert run("queue", "cancel", "--ids", file, "--yes") == (0, "0 messages are cancelled\n", "")
    file.write_text(f"{UUID(int=1)}\nmessage 7\n")
    code, _, err = run("queue", "cancel", "--ids", file, "--yes")
    assert code == 1
    assert f"{file}, line 2: this is no id of a message" in err


def test_a_hold_by_domain_is_of_messages_and_says_how_many(answer: Answer) -> None:
    for verb, held in (("hold", True), ("release", False)):
        found = answer("queue", verb, "--domain", "example.com")
        assert found == {"service_id": None, "held": held, "messages": 0}
