"""What must be right before any process starts, said once. Whoever prepares has every secret at hand."""

import asyncio
import contextlib
import os
import resource
import time
from pathlib import Path

import structlog

from auth import keys
from auth.audit import Actor
from config.database import OUTAGES, Database
from config.outages import away
from config.settings import Settings, SettingsError
from relay import wiring
from relay.actions import services
from relay.actions.transaction import Transaction
from relay.processes.roles import DEVICES, Role, Secret
from relay.processes.sockets import Listeners, listen

_DATABASE_SECONDS = 10.0  # for a server that starts beside us; ready within 15 s is the promise


def prepare(settings: Settings, role: Role) -> Listeners:
    """The listeners of a role, and all that its processes find when they start. Raises SettingsError."""
    _raise_descriptor_limit()
    listeners = listen(settings, role)
    if listeners.get(DEVICES):
        log = structlog.get_logger("settings")
        log.warning("smtp.devices", networks=len(settings.smtp.devices))
    _choose_metrics_folder(settings)  # now that the port is ours: its folder may be another supervisor's
    sealing = role.holds(Secret.SEALING_KEY)
    asyncio.run(_prepare_database(settings, sealing))
    if sealing and (settings.email.traits.writes_files or settings.sms.traits.writes_files):
        with contextlib.suppress(OSError):  # what cannot be written is said by `check`, and mail waits until it can
            settings.outbox.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return listeners


def _raise_descriptor_limit() -> None:
    # The usual soft limit of 1,024 is for programs with select(2); a door holds a descriptor for each connection.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _choose_metrics_folder(settings: Settings) -> None:
    # One folder per supervisor: two roles on one machine differ in this port.
    folder = _wiped(settings.state_dir / f"metrics-{settings.metrics.listen.port}")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _wiped(directory: Path) -> Path:
    """An empty folder for prometheus_client's multiprocess files."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        file.unlink()
    return directory


async def _prepare_database(settings: Settings, sealing: bool) -> None:
    """Ready for the processes, so that what is wrong with it is said once. Raises SettingsError."""
    try:
        if not settings.is_sqlite:
            await _await_server(settings.database_url)
        async with wiring.open_database(settings) as database:
            await wiring.check_roots(settings, database, sealing=sealing)
            if settings.is_sqlite:  # elsewhere the owner of the database does it: no role's user may
                await _bring_up(settings, database, sealing)
    except OUTAGES as error:
        found = away(error)
        raise SettingsError(found.source, **found.values) from None


async def _bring_up(settings: Settings, database: Database, sealing: bool) -> None:
    """What rows of a version before lack. On PostgreSQL doors of that version may run, which would read no limit."""
    async with database.write() as connection:
        await keys.seal_allowed_senders(connection, wiring.secret_keyring(settings))
    if sealing:
        async with database.write() as connection:
            actor = Actor("operator", "serve")
            t = Transaction(connection, settings, *wiring.load_keyrings(settings), actor, time.time())
            await services.ensure_for_senders(t)


async def _await_server(database_url: str) -> None:
    """Until the database answers. Raises the last of OUTAGES when it does not in time."""
    log = structlog.get_logger("database")
    database = Database(database_url)
    deadline = asyncio.get_running_loop().time() + _DATABASE_SECONDS
    said = False
    try:
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await database.ping()
            except OUTAGES as error:
                if asyncio.get_running_loop().time() + 0.5 > deadline:
                    raise
                if not said:
                    log.warning("database.awaited", error=type(error).__name__, seconds=_DATABASE_SECONDS)
                said = True
            await asyncio.sleep(0.5)
    finally:
        await database.close()
