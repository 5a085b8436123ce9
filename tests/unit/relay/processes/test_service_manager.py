"""What a service manager hears of a supervisor, which runs in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.proc import children, is_running
from tests.harness.supervised import SCRIPT


@pytest.mark.parametrize("abstract", [False, True])
def test_it_hears_of_each_step_and_that_the_supervisor_lives(tmp_path: Path, abstract: bool) -> None:
    name = f"@relay-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(60)
        environment = os.environ | {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"}
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "steady"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def hear() -> str:
            while (said := manager.recv(200).decode()) == "WATCHDOG=1":
                pass
            return said

        assert manager.recv(200) == b"WATCHDOG=1"
        assert hear() == "READY=1"
        process.send_signal(signal.SIGHUP)
        first, second = hear().splitlines()
        assert (first, second.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
        assert hear() == "READY=1"
        process.terminate()
        assert hear() == "STOPPING=1"
        assert process.wait(60) == 0


def test_children_are_replaced_one_after_the_other_until_it_is_ready_again(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "steady", "steady", "steady"],
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "REREAD": "yes"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        assert manager.recv(200) == b"READY=1"
        before, fewest = set(children(process.pid)), 3
        process.send_signal(signal.SIGHUP)
        assert manager.recv(200).startswith(b"RELOADING=1")
        manager.setblocking(False)
        while True:
            fewest = min(fewest, _alive(process.pid))
            try:
                assert manager.recv(200) == b"READY=1"
                break
            except BlockingIOError:
                continue
        after = set(children(process.pid))
        process.terminate()
        assert process.wait(60) == 0
    assert (len(before), len(after), before & after) == (3, 3, set())
    assert fewest >= 2  # one at a time; a busy machine may not have looked while it was away


def _alive(pid: int) -> int:
    """How many of its children run, at a moment in which none came or went."""
    while True:
        named = children(pid)
        alive = sum(map(is_running, named))
        if children(pid) == named:
            return alive


def test_a_manager_that_is_gone_keeps_nobody_from_running(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "steady"],
        env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "gone")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    while b"ready" not in process.stdout.readline():
        pass
    process.terminate()
    assert process.wait(60) == 0
