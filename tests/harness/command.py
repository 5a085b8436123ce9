"""The command without its start-up: a process that has everything imported forks one child per command.

The child is a real process with its own environment, folder, session and exit code; a test saves the seconds that the
interpreter and its imports take. Tests of the start itself run the command afresh.
"""

import asyncio
import atexit
import contextlib
import fcntl
import gc
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from tests.fakes.aws import CREDENTIALS
from tests.harness.once import once

if TYPE_CHECKING:
    from relay.processes.handover import Plan

ROOT = Path(__file__).parents[2]
SECONDS = 30.0  # a command that takes longer is killed: -9 is its exit code
_JOB_BYTES = 128 * 1024  # arguments and environment
_PASSED = 8  # sockets at most
_APART = 200  # descriptors below are the keeper's
_KEPT: list[subprocess.Popen[bytes]] = []  # of a child that is forgotten the interpreter complains


class Forked:
    """A running command, as far as tests use what subprocess.Popen has."""

    def __init__(self, told: int) -> None:
        """`told` is a pipe's end: a line with the process id, and one with the exit code when it has ended."""
        self._told = io.FileIO(told)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("notify-relay", timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Commands:
    """Starts commands: by the keeper of this test run, which all of its processes share."""

    def __init__(self) -> None:
        self._jobs = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._jobs.connect(str(once("commands", _keep)))
        except ConnectionRefusedError:  # whoever had it has ended
            self._jobs.connect(str(once(f"commands-{os.getpid()}", _keep)))
        atexit.register(self._jobs.close)

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        out: int,
        err: int,
        passed: Mapping[str, int] = {},
    ) -> Forked:
        """`passed` are listening sockets by their names, which it gets as a service manager passes them."""
        job = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": environment,
            "passed": list(passed),
        }
        told, tell = os.pipe()
        try:
            socket.send_fds(self._jobs, [json.dumps(job).encode()], [out, err, tell, *passed.values()])
        finally:
            os.close(tell)
        return Forked(told)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(arguments, folder, environment, out.fileno(), err.fileno())
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # its own children follow it
            return subprocess.CompletedProcess(arguments, process.wait(60), _text(out), _text(err))


@cache
def commands() -> Commands:
    """Those of this process."""
    return Commands()


def _keep(path: Path) -> None:
    """A keeper that listens there. It ends when whoever began it has, and all who use it."""
    ended, _ours = os.pipe()  # ours stays open for as long as this process runs
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.bind(str(path))
        asked.listen()
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.command", str(asked.fileno()), str(ended)],
            cwd=ROOT,
            # prometheus_client asks for its folder when a metric is made, but whether it wants one when imported.
            env={**os.environ, **CREDENTIALS, "PROMETHEUS_MULTIPROC_DIR": "chosen later"},
            pass_fds=[asked.fileno(), ended],
            start_new_session=True,  # a Ctrl-C at the tests is not for it
        )
    os.close(ended)
    _KEPT.append(keeper)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _serve(asked: socket.socket, began: int) -> None:
    from config.settings import Aws
    from delivery.providers.aws import open_client
    from relay import cli
    from relay.processes import children
    from tests.harness import documented, statements, trust
    from tests.harness.migrated import make

    statements.remember()
    trust.remember()
    # Each child has its own copy of them, and runs one.
    made = {name: cli.get_command(cli.build(name)) for name in (None, *cli._COMMANDS, *cli._GROUPS)}
    cli.build, cli.get_command = lambda name: name, made.__getitem__  # type: ignore[assignment]
    children.preload()
    documented.door()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder, "relay.db"))  # for what is imported and compiled by the first use of a database
        _run_once(Path(folder))
    asyncio.run(
        _opened(open_client("sesv2", Aws(), 1))
    )  # for its models, which are read for as long as a command takes
    gc.collect()
    gc.freeze()
    Keeper(asked, began).run()


class Keeper:
    """The commands' parent: only a parent hears how a process ended. What they cost counts as the tests' own."""

    def __init__(self, asked: socket.socket, began: int) -> None:
        """`asked` is where tests connect, `began` a pipe that closes when who began this has ended."""
        self._asked, self._began = asked, began
        self._poll = select.poll()
        self._poll.register(asked, select.POLLIN)
        self._poll.register(began, 0)  # its end
        self._asking: dict[int, socket.socket] = {}  # by its descriptor: who has connected
        self._running: dict[int, tuple[int, int]] = {}  # by a descriptor that tells its end: its id, and whom to tell
        self._heard: dict[int, int] = {}  # by whom to tell, who is gone when the tests are, killed perhaps: its id

    def run(self) -> None:
        is_kept = True
        while is_kept or self._asking:
            descriptor, _ = self._poll.poll()[0]  # each by itself: one may close what the next is about
            if descriptor in self._running:
                self._ended(descriptor)
            elif descriptor in self._heard:
                self._poll.unregister(descriptor)
                os.kill(self._heard.pop(descriptor), signal.SIGKILL)
            elif descriptor == self._asked.fileno():
                asking, _ = self._asked.accept()
                self._asking[asking.fileno()] = asking
                self._poll.register(asking, select.POLLIN)
            elif descriptor == self._began:
                self._poll.unregister(descriptor)
                is_kept = False
            elif not self._start(self._asking[descriptor]):
                self._poll.unregister(descriptor)
                self._asking.pop(descriptor).close()
        for pid in self._heard.values():  # no test hears of them any more
            os.kill(pid, signal.SIGKILL)

    def _start(self, asking: socket.socket) -> bool:
        job, descriptors, _, _ = socket.recv_fds(asking, _JOB_BYTES, 3 + _PASSED)
        if not job:
            return False
        out, err, tell, *passed = descriptors
        pid = os.fork()
        if pid == 0:
            ours = (self._asked.fileno(), self._began, *self._asking, *self._running)
            for each in (tell, *ours, *(told for _, told in self._running.values())):
                os.close(each)
            _become(json.loads(job), out, err, passed)
        for each in (out, err, *passed):
            os.close(each)
        os.write(tell, b"%d\n" % pid)
        ended = os.pidfd_open(pid)
        self._running[ended], self._heard[tell] = (pid, tell), pid
        self._poll.register(ended, select.POLLIN)
        self._poll.register(tell, 0)  # an error there
        return True

    def _ended(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        pid, tell = self._running.pop(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if self._heard.pop(tell, None):
            self._poll.unregister(tell)
        with contextlib.suppress(BrokenPipeError):
            os.write(tell, b"%d\n" % code)
        os.close(tell)
        os.close(descriptor)


def _run_once(folder: Path) -> None:
    """A command, for what the first one imports and compiles."""
    paths = {"DATABASE_URL": f"sqlite+aiosqlite:///{folder}/relay.db", "STATE_DIR": str(folder)}
    before = os.environ.copy()
    os.environ.update({f"NOTIFY_RELAY_{name}": value for name, value in paths.items()})
    umask = os.umask(0o077)
    from relay.cli import main

    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(["service", "create", "--name", "Warm", "--email-from", "warm", "--json"])
    os.umask(umask)
    os.environ.clear()
    os.environ.update(before)


async def _opened(client: AbstractAsyncContextManager[object]) -> None:
    async with client:
        pass


def _become(job: dict[str, Any], out: int, err: int, passed: Sequence[int]) -> NoReturn:
    from relay.cli import main
    from relay.processes import handover

    os.setsid()
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    # Made anew: the server's remember what kind of file theirs were.
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    if passed:
        _pass(job["passed"], passed)
    handover.become = _go_on  # type: ignore[assignment]
    code: int | str | None = 0
    try:
        main(job["arguments"])
    except SystemExit as left:
        code = left.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))  # taking down all those modules costs a second


def _pass(names: Sequence[str], passed: Sequence[int]) -> None:
    """At the descriptors where sd_listen_fds(3) looks for them."""
    for at, each in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD, _APART) for each in passed]):
        os.dup2(each, 3 + at)
    os.closerange(3 + len(passed), _APART + _PASSED)
    listening = {"PID": os.getpid(), "FDS": len(passed), "FDNAMES": ":".join(names)}
    os.environ.update({f"LISTEN_{name}": str(value) for name, value in listening.items()})


def _go_on(plan: "Plan") -> NoReturn:
    """`serve` from where it has become its supervisor."""
    from relay.cli import serve
    from relay.processes import handover

    for name in os.environ.keys() - handover.environment().keys():
        del os.environ[name]
    serve.supervise(plan)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
