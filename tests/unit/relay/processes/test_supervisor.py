"""The supervisor, with real processes: each test runs one in a process of its own."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.proc import children, is_running
from tests.harness.supervised import SCRIPT
from tests.harness.waiting import wait_until


class Running:
    def __init__(self, folder: Path, *kinds: str, stdin: int = subprocess.DEVNULL) -> None:
        self.log = folder / "log"
        # structlog's default goes to standard output; both streams go to one file.
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *kinds],
            stdin=stdin,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
        )

    def wait(self, text: str, count: int = 1, seconds: float = 60) -> None:
        wait_until(lambda: self.log.read_text().count(text) >= count, seconds, self.log.read_text)

    def children(self) -> list[int]:
        return children(self.process.pid)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[object]:
    started: list[Running] = []

    def start(*kinds: str, stdin: int = subprocess.DEVNULL) -> Running:
        started.append(Running(tmp_path, *kinds, stdin=stdin))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            for pid in each.children():
                os.kill(pid, signal.SIGKILL)
            each.process.kill()
            each.process.wait()


def test_it_says_ready_when_all_children_are(run: object) -> None:
    running = run("steady", "steady")  # type: ignore[operator]
    running.wait("ready\n")

    assert len(running.children()) == 2


def test_sigterm_ends_the_children_and_then_itself_with_0(run: object) -> None:
    running = run("steady", "steady")  # type: ignore[operator]
    running.wait("ready\n")
    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(60) == 0


def test_a_killed_child_is_replaced_and_reported(run: object) -> None:
    running = run("steady")  # type: ignore[operator]
    running.wait("ready\n")
    (old,) = running.children()
    os.kill(old, signal.SIGKILL)
    running.wait(f"died {old}")
    wait_until(lambda: running.children() not in ([], [old]))

    assert len(running.children()) == 1


def test_children_end_when_the_supervisor_is_killed(run: object) -> None:
    running = run("steady")  # type: ignore[operator]
    running.wait("ready\n")
    (child,) = running.children()
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not is_running(child))


def test_a_child_that_cannot_be_helped_by_starting_again_ends_it_all(run: object) -> None:
    running = run("steady", "misconfigured")  # type: ignore[operator]

    assert running.process.wait(60) == 1


def test_a_child_that_cannot_start_again_later_takes_no_other_down_and_is_tried_again(
    run: object, tmp_path: Path
) -> None:
    running = run("spoilable", "steady")  # type: ignore[operator]
    running.wait("ready\n")
    first, second = running.children()
    (tmp_path / "spoilt").touch()
    os.kill(first, signal.SIGKILL)
    running.wait("process.misconfigured", 5)
    assert running.children() == [second]
    assert running.log.read_text().count("process.misconfigured") < 8  # later each time

    (tmp_path / "spoilt").unlink()
    deadline = time.monotonic() + 60
    while len(found := running.children()) < 2 or (time.sleep(1) or found) != running.children():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0


def test_what_one_child_cannot_start_with_no_other_is_replaced_for(
    run: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REREAD", "1")
    running = run("spoilable", "steady", "steady")  # type: ignore[operator]
    running.wait("ready\n")
    _, *others = running.children()
    (tmp_path / "spoilt").touch()
    running.process.send_signal(signal.SIGHUP)
    running.wait("process.misconfigured", 3)
    assert running.children() == others

    (tmp_path / "spoilt").unlink()  # as its settings ask: the others are to have them, too
    wait_until(lambda: len(found := running.children()) >= 3 and not set(others) & set(found))


def test_sighup_is_passed_to_children_that_listen_and_ends_nobody(run: object) -> None:
    running = run("reader", "steady")  # type: ignore[operator]
    running.wait("process.started", 2)
    running.process.send_signal(signal.SIGHUP)
    running.wait("asked")
    running.wait("read anew")
    running.wait("ready\n")
    running.process.send_signal(signal.SIGHUP)
    running.wait("read anew", 2)

    assert len(running.children()) == 2
    assert "died" not in running.log.read_text()


def test_what_changes_is_looked_for_now_and_then(run: object) -> None:
    running = run("steady")  # type: ignore[operator]
    running.wait("ready\n")
    running.wait("looked")

    assert "read anew" not in running.log.read_text()


def test_sighup_of_a_terminal_that_is_closed_ends_it_all(run: object) -> None:
    ours, theirs = pty.openpty()
    running = run("steady", stdin=theirs)  # type: ignore[operator]
    os.close(theirs)
    running.wait("ready\n")
    os.close(ours)
    running.process.send_signal(signal.SIGHUP)

    assert running.process.wait(60) == 0


@pytest.mark.soak
def test_a_child_that_does_not_drain_is_killed_in_time(run: object) -> None:
    running = run("deaf")  # type: ignore[operator]
    running.wait("ready\n")
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(25) == 0
    assert time.monotonic() - began < 20
