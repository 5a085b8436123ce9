"""What a service manager hears of a supervisor, which runs in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.supervised import SCRIPT


@pytest.mark.parametrize("abstract", [False, True])
def test_it_hears_of_each_step_and_that_the_supervisor_lives(tmp_path: Path, abstract: bool) -> None:
    name = f"@relay-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(10)
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
        assert process.wait(10) == 0


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
    assert process.wait(10) == 0
