"""The life of a child: what it is given, how it starts, and by what it ends."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from mmap import mmap

import structlog

from auth.errors import AuthError
from config.database import OUTAGES
from config.settings import SettingsError
from relay.processes.roles import Port
from relay.processes.sockets import Listeners
from relay.processes.supervisor import EXIT_CONFIGURATION, Links
from relay.tls import Certificates

DRAIN_SECONDS = 14.0  # less than the supervisor waits
_START_SECONDS = 30.0  # a database that goes away while a child starts gets so long to come back

Body = Callable[[asyncio.Event, Callable[[], None]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Place:
    """What a child has from the supervisor beside its settings."""

    slot: int  # its number among its kind
    run_id: str  # of this supervisor: our own dead workers' leases end at once, nobody else's do
    listeners: Listeners  # of all
    certificates: Certificates | None
    left: mmap  # memory that outlives it: what a child that is killed leaves to its successor

    def mine(self, port: Port) -> tuple[socket.socket, ...]:
        """Its own listening socket, where the port is open."""
        return self.listeners.get(port, ())[self.slot : self.slot + 1]


async def live(body: Body, links: Links) -> int:
    """Runs a child's body until SIGTERM, or until the supervisor is gone. Outages at the start are waited out."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_reader(links.lifeline, _on_supervisor_gone, loop, links.lifeline, stopping)
    log = structlog.get_logger("process")
    deadline = loop.time() + _START_SECONDS
    while True:
        started = False

        def ready() -> None:
            nonlocal started
            started = True
            # What is there now stays to the end, and what a batch under way has made is no garbage yet: looking through
            # either finds nothing.
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 20, 20)
            links.say_ready()

        try:
            await body(stopping, ready)
        except (SettingsError, AuthError) as error:
            log.critical("process.settings", problem=str(error))
            return EXIT_CONFIGURATION
        except OUTAGES as error:
            log.error("process.unavailable", error=type(error).__name__)
            if started or loop.time() > deadline:
                return 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1)
            if stopping.is_set():
                return 0
        else:
            return 0


def _on_supervisor_gone(loop: asyncio.AbstractEventLoop, lifeline: int, stopping: asyncio.Event) -> None:
    loop.remove_reader(lifeline)
    stopping.set()


def hear_renewals(certificates: Certificates) -> None:
    """Reads them anew at the supervisor's SIGHUP, which may be waiting since this process was forked."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, certificates.reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
