"""The command without its start-up: a process that has everything imported forks one child per command.

The child is a real process with its own environment, folder and exit code; a test saves the second that the interpreter
and its imports take. Tests of the start itself run the command afresh.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
SECONDS = 30.0  # a command that takes longer is killed: -9 is its exit code


class Commands:
    """Runs commands, one at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.command"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C at the tests is not for it
        )
        atexit.register(self._end)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        job = {"arguments": list(arguments), "folder": str(folder), "environment": environment}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._turn:
            self._server.stdin.write(json.dumps(job).encode() + b"\n")
            self._server.stdin.flush()
            answer = json.loads(self._server.stdout.readline())
        return subprocess.CompletedProcess(arguments, answer["code"], answer["out"], answer["err"])

    def _end(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()


@cache
def commands() -> Commands:
    """The one of this test run."""
    return Commands()


def _serve() -> None:
    from relay import roles

    roles.preload()
    gc.collect()
    gc.freeze()
    for line in sys.stdin.buffer:
        job = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                _become(job, out.fileno(), err.fileno())
            code = _exit_code(pid)
            answer = {"code": code, "out": _text(out.fileno()), "err": _text(err.fileno())}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _exit_code(pid: int) -> int:
    deadline = time.monotonic() + SECONDS
    while (found := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)  # its own children follow it
            found = os.waitpid(pid, 0)
            break
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(found[1])


def _become(job: dict[str, Any], out: int, err: int) -> NoReturn:
    from relay.cli import main

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    code: int | str | None = 0
    try:
        main(job["arguments"])
    except SystemExit as left:
        code = left.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))  # taking down all those modules costs a second


def _text(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()


if __name__ == "__main__":
    _serve()
