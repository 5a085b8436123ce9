"""Which processes the supervisor keeps running, by the table of roles.

What they run is imported late, and by name: prometheus_client picks its multiprocess mode when it is first imported,
and whoever prepares has to choose the folder before that; and commands start without it.
"""

import asyncio
import importlib
import random
from collections.abc import Callable
from functools import partial
from mmap import mmap
from typing import Protocol

from config import logs
from config.settings import Settings
from relay.processes.handover import Plan
from relay.processes.life import Place, live
from relay.processes.reloading import Reloading
from relay.processes.roles import OPS, PROCESSES, Process
from relay.processes.sockets import Listeners
from relay.processes.supervisor import Child, Links
from relay.tls import Certificates

_LEFT_OCTETS = 1 << 20  # shared with whom is forked; what nobody writes takes no memory


class Run(Protocol):
    """What each process's module has under the name `run`."""

    async def __call__(
        self, place: Place, settings: Settings, stopping: asyncio.Event, ready: Callable[[], None]
    ) -> None: ...


def preload() -> None:
    """Imports and reads what the children need, so that a forked one starts in milliseconds, and shares its memory."""
    importlib.import_module("uvloop")
    importlib.import_module("config.words").catalogue()
    importlib.import_module("delivery.library.letterheads").templates()
    for process in (*PROCESSES, OPS):
        _run(process)


def children(plan: Plan, listeners: Listeners, certificates: Certificates | None, reloading: Reloading) -> list[Child]:
    """What the supervisor keeps running for a role; those that clients see by TLS need certificates."""
    run_id = random.SystemRandom().randbytes(4).hex()
    found = []
    for process in plan.role.processes:
        for slot in range(_count(process, plan.settings, listeners)):
            place = Place(slot, run_id, listeners, certificates, mmap(-1, _LEFT_OCTETS))
            found.append(Child(f"{process.name}-{slot}", _main(plan, process, place, reloading)))
    place = Place(0, run_id, listeners, certificates, mmap(-1, _LEFT_OCTETS))
    return [*found, Child(OPS.name, _main(plan, OPS, place, reloading))]


def _count(process: Process, settings: Settings, listeners: Listeners) -> int:
    closed = process.is_door and not any(map(listeners.get, process.ports))
    return 0 if closed else process.count(settings)


def _main(plan: Plan, process: Process, place: Place, reloading: Reloading) -> Callable[[Links], int]:
    def main(links: Links) -> int:
        import uvloop

        settings = plan.entrusted(reloading.settings, process.secrets)
        logs.configure(settings.log_format, settings.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(live(partial(_run(process), place, settings), links))

    return main


def _run(process: Process) -> Run:
    run: Run = importlib.import_module(f"{__package__}.{process.name}").run
    return run
