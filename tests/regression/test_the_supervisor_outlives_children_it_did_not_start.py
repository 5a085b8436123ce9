"""As process 1 of a container, or behind a shell's exec, the supervisor inherits processes it did not start."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.harness.supervised import SCRIPT
from tests.harness.waiting import wait_until


def test_the_death_of_an_inherited_process_is_nothing_to_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            ["/bin/sh", "-c", 'sleep 2 & exec "$@"', "sh", sys.executable, "-c", SCRIPT, "steady"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "ready" in log.read_text(), said=log.read_text)
        time.sleep(2.5)
        assert running.poll() is None, log.read_text()
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
        running.wait(60)
    assert running.returncode == 0, log.read_text()
