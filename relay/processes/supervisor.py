"""The processes: a supervisor that holds the listeners, starts the children, replaces the dead, and drains on SIGTERM.

Single-threaded and without an event loop, so that it can fork at any time: a child starts in milliseconds, with all
modules loaded. Knows nothing of what a child does.
"""

import contextlib
import gc
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from relay.processes.service_manager import ServiceManager

EXIT_CONFIGURATION = 78  # EX_CONFIG: it cannot work with what it was given
_DRAIN_SECONDS = 18.0  # SIGTERM to gone within 20 s
_SUCCESSOR_SECONDS = 30.0  # then the next one is replaced all the same
_FAST_DEATH_SECONDS = 2.0
_NUMBER_BYTES = 2
_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP})
_LOOK_SECONDS = 3.0


def hold_signals() -> None:
    """Those that a supervisor acts on wait until it does, over an exec too."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


@dataclass(frozen=True, slots=True)
class Links:
    """What ties a child to its supervisor: two pipe ends."""

    lifeline: int  # reads end-of-file when the supervisor is gone
    ready: int
    number: int  # of the child

    def say_ready(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # the supervisor is gone; the lifeline will tell
            os.write(self.ready, self.number.to_bytes(_NUMBER_BYTES))


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running. `main` runs in it and returns its exit code."""

    name: str
    main: Callable[[Links], int]


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A child that is being replaced: killed at `deadline`."""

    pid: int
    number: int
    deadline: float


class Supervisor:
    """Runs children until SIGTERM or SIGINT, or until its terminal is closed.

    `on_ready` is called once, when all have started; `on_death` per death. `renewed` is asked every few seconds, and
    with True at SIGHUP, whether children have something to read anew: then each hears SIGHUP, which is blocked in it
    until it says otherwise. `reread` is asked at SIGHUP, too, whether children have to start anew for what changed:
    then they are replaced, one after the other. Whoever started us, and asks, is told of all of it.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        on_ready: Callable[[], None],
        on_death: Callable[[int], None],
        renewed: Callable[[bool], bool] = lambda asked: False,
        reread: Callable[[], bool] = lambda: False,
    ) -> None:
        self._children = children
        self._on_ready = on_ready
        self._on_death = on_death
        self._renewed = renewed
        self._reread = reread
        self._to_replace: list[int] = []  # process ids, in turn
        self._leaving: _Leaving | None = None
        self._misconfigured: set[int] = set()  # their numbers; before they start no other one is replaced
        self._looked_at = time.monotonic()
        self._on_terminal = os.isatty(0)  # asked now: one that was closed is none
        self._running: dict[int, Child] = {}
        self._have_started = False  # all, once
        self._started_at: dict[str, float] = {}
        self._fast_deaths: dict[str, int] = {}
        self._due: list[tuple[float, Child]] = []
        self._lifeline = os.pipe()
        self._ready = os.pipe()
        self._manager = ServiceManager()
        self._log = structlog.get_logger("supervisor")

    def run(self) -> int:
        """Returns the exit code of the whole: 0 after a drain, 1 when a child could not start."""
        hold_signals()
        os.set_blocking(self._ready[0], False)
        gc.freeze()  # the children share what is loaded now; a collection would copy it into each
        self._due = [(0.0, child) for child in self._children]
        starting = set(range(len(self._children)))
        while True:
            self._manager.alive()
            self._start_due()
            if time.monotonic() - self._looked_at > _LOOK_SECONDS:
                self._renew(asked=False)
            started = self._started()
            if starting:
                starting -= started
                if not starting:
                    self._have_started = True
                    self._manager.ready()
                    self._on_ready()
            self._replace(started)
            received = signal.sigtimedwait(_SIGNALS, 0.05 if starting or self._due or self._leaving else 1.0)
            number = None if received is None else received.si_signo
            if number == signal.SIGCHLD:
                if not self._reap():
                    return self._drain(1)
            elif number == signal.SIGHUP and not self._on_terminal:
                self._reload()
            elif number is not None:
                return self._drain(0)

    def _renew(self, *, asked: bool) -> None:
        self._looked_at = time.monotonic()
        if self._renewed(asked):
            for pid in self._running:
                os.kill(pid, signal.SIGHUP)

    def _reload(self) -> None:
        self._manager.reloading()
        self._renew(asked=True)
        if self._reread():
            self._to_replace = list(self._running)  # all that run now, also those that replaced others a moment ago
        if self._leaving is None and (self._misconfigured or not self._to_replace):
            self._manager.ready()

    def _replace(self, started: Collection[int]) -> None:
        """The next one is told to end when the one before has its successor: somebody is always there."""
        leaving, now = self._leaving, time.monotonic()
        self._misconfigured -= set(started)
        if leaving is not None:
            if leaving.pid in self._running and now > leaving.deadline:
                self._log.error("process.killed", process=self._running[leaving.pid].name, pid=leaving.pid)
                os.kill(leaving.pid, signal.SIGKILL)
            if leaving.number not in started and now < leaving.deadline + _SUCCESSOR_SECONDS:
                return
            self._leaving = None
            if self._misconfigured or not self._to_replace:
                self._manager.ready()
        while self._to_replace and self._leaving is None and not self._misconfigured:
            pid = self._to_replace.pop(0)
            if (child := self._running.get(pid)) is not None:
                self._leaving = _Leaving(pid, self._children.index(child), now + _DRAIN_SECONDS)
                os.kill(pid, signal.SIGTERM)

    def _started(self) -> set[int]:
        """The numbers of the children that said so since we last asked."""
        try:
            said = os.read(self._ready[0], 4096)
        except BlockingIOError:
            return set()
        return {int.from_bytes(said[at : at + _NUMBER_BYTES]) for at in range(0, len(said), _NUMBER_BYTES)}

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [child for at, child in self._due if at <= now]
        self._due = [(at, child) for at, child in self._due if at > now]
        for child in due:
            self._start(child)

    def _start(self, child: Child) -> None:
        self._started_at[child.name] = time.monotonic()
        try:
            pid = os.fork()
        except OSError as error:  # no memory or no process to be had now
            self._log.error("process.not_started", process=child.name, error=type(error).__name__)
            self._due.append((time.monotonic() + 1.0, child))
            return
        if pid == 0:
            self._be(child)
        self._running[pid] = child
        self._log.info("process.started", process=child.name, pid=pid)

    def _be(self, child: Child) -> None:
        """The child's whole life; never returns."""
        code = 1
        try:
            os.close(self._lifeline[1])  # ours only: its end of file tells the children that we are gone
            os.close(self._ready[0])
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # a terminal's Ctrl-C reaches us all; the supervisor acts on it
            # SIGHUP waits for who wants to hear it: none is lost while a child starts, and none dies of it.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS - {signal.SIGHUP})
            random.seed()  # or all children would jitter in step
            code = child.main(Links(self._lifeline[0], self._ready[1], self._children.index(child)))
        except BaseException as error:
            places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            self._log.critical("process.crashed", process=child.name, error=type(error).__name__, places=places[-8:])
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> bool:
        """Collects the dead and lines up their successors. False when one cannot be started with all the others."""
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            child = self._running.pop(pid, None)
            if child is None:
                continue  # as process 1 of a container we inherit others' children
            self._on_death(pid)
            code = os.waitstatus_to_exitcode(status)
            if code == 0:
                self._log.info("process.ended", process=child.name, pid=pid)
            else:
                self._log.warning("process.died", process=child.name, pid=pid, code=code)
            if code == EXIT_CONFIGURATION:
                if not self._have_started:
                    return False
                self._spare_the_others(child)
            self._due.append((time.monotonic() + self._restart_delay(child, code), child))
        return True

    def _spare_the_others(self, child: Child) -> None:
        """What changed since the start is wrong for one: the others go on with what they have until it starts."""
        self._log.error("process.misconfigured", process=child.name)
        number = self._children.index(child)
        self._misconfigured.add(number)
        if self._leaving is not None and self._leaving.number == number:
            self._leaving = None
            self._manager.ready()

    def _restart_delay(self, child: Child, code: int) -> float:
        """Nothing for a death after an honest life; growing for one that dies at birth, or cannot work."""
        lived = time.monotonic() - self._started_at[child.name]
        is_fast = lived < _FAST_DEATH_SECONDS or code == EXIT_CONFIGURATION
        fast = self._fast_deaths.get(child.name, 0) + 1 if is_fast else 0
        self._fast_deaths[child.name] = fast
        return 0.0 if fast < 3 else min(0.1 * 2.0 ** min(fast, 10), 10.0)  # for hours, too: no number is too large

    def _drain(self, code: int) -> int:
        self._manager.stopping()
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._running and (left := deadline - time.monotonic()) > 0:
            signal.sigtimedwait({signal.SIGCHLD}, min(left, 0.2))
            self._manager.alive()
            self._reap()
        for pid, child in self._running.items():
            self._log.error("process.killed", process=child.name, pid=pid)
            os.kill(pid, signal.SIGKILL)
        return code
