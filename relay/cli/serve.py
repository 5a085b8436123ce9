"""notify-relay serve: the processes of this machine, under one supervisor."""

import asyncio
import contextlib
import os
import resource
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer

from auth import keys
from config import logs
from config.database import OUTAGES, Database
from config.outages import away
from config.settings import Settings, SettingsError, load, unknown_variables
from relay import wiring
from relay.cli import demo, texts
from relay.cli.output import say, spoken
from relay.processes import children, handover, sockets
from relay.processes.handover import Plan
from relay.processes.supervisor import Supervisor

Role = Annotated[str, typer.Option(metavar="all|smtp|http|worker|feedback", help=texts.ROLE)]
Processes = Annotated[int | None, typer.Option(min=1, max=256, help=texts.PROCESSES)]
Demo = Annotated[bool, typer.Option("--demo", help=texts.DEMO)]

_DATABASE_SECONDS = 10.0  # for a server that starts beside us; ready within 15 s is the promise


def serve(role: Role = "all", processes: Processes = None, demo_service: Demo = False) -> None:
    plan = handover.received()
    if plan is None:
        handover.become(_prepared(role, processes, demo_service))
    supervise(plan)


def _prepared(role: str, processes: int | None, demo_service: bool) -> Plan:
    """Reads the secrets, and does what must be right before any child starts. Raises SettingsError."""
    if role not in children.ROLES:
        raise typer.BadParameter(spoken(texts.ONE_OF, words=", ".join(children.ROLES)), param_hint="--role")
    settings = load(**({"processes": processes} if processes else {}))
    logs.configure(settings.log_format, settings.log_level)
    log = structlog.get_logger("settings")
    for name in unknown_variables():
        log.warning("settings.unknown", name=name)
    _raise_descriptor_limit()
    listeners = sockets.listen(settings, role)
    if listeners.devices:
        log.warning("smtp.devices", networks=len(settings.smtp.devices))
    (ops,) = sockets.bind(settings.metrics.listen, "METRICS__LISTEN")
    _choose_metrics_folder(settings)  # now that the port is ours: its folder may be another supervisor's
    sealing = role in ("all", "worker")
    asyncio.run(_prepare(settings, sealing))
    if sealing and settings.email.provider == "outbox":
        with contextlib.suppress(OSError):  # what cannot be written is said by `check`, and mail waits until it can
            settings.outbox.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    sheet = spoken(demo.sheet(settings)) if demo_service else None
    return Plan.of(wiring.resolved(settings, sealing=sealing), role, listeners, ops, sheet)


def supervise(plan: Plan) -> NoReturn:
    """The supervisor's life, in a process that has seen no secret."""
    settings = plan.settings
    logs.configure(settings.log_format, settings.log_level)
    listeners, ops = plan.sockets()
    children.preload()
    certificates = wiring.load_certificates(settings) if plan.role in ("all", "smtp") else None
    kept = children.children(plan, listeners, ops, certificates)

    from prometheus_client.multiprocess import mark_process_dead

    def on_ready() -> None:
        opened = {
            "smtp": listeners.starttls,
            "tls": listeners.tls,
            "devices": listeners.devices,
            "http": listeners.http,
            "metrics": [ops],
        }
        say(texts.READY, role=plan.role, **{name: sockets.addresses(listening) for name, listening in opened.items()})
        if plan.sheet:
            typer.echo(plan.sheet)

    renewed = certificates.renewed if certificates else lambda asked: False
    supervisor = Supervisor(kept, on_ready=on_ready, on_death=mark_process_dead, renewed=renewed)
    raise typer.Exit(supervisor.run())


def _raise_descriptor_limit() -> None:
    # The usual soft limit of 1,024 is for programs with select(2); a door holds a descriptor for each connection.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _choose_metrics_folder(settings: Settings) -> None:
    # One folder per supervisor: two roles on one machine differ in this port.
    folder = _wiped(settings.state_dir / f"metrics-{settings.metrics.listen.port}")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


async def _prepare(settings: Settings, sealing: bool) -> None:
    """The database, so that what is wrong with it is said once. Raises SettingsError."""
    try:
        if not settings.is_sqlite:
            await _await_server(settings.database_url)
        async with wiring.open_database(settings) as database:
            await wiring.check_roots(settings, database, sealing=sealing)
            if settings.is_sqlite:  # elsewhere doors of a version before may run, which would read no limit then
                async with database.write() as connection:
                    await keys.seal_allowed_senders(connection, wiring.secret_keyring(settings))
    except OUTAGES as error:
        found = away(error)
        raise SettingsError(found.source, **found.values) from None


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


def _wiped(directory: Path) -> Path:
    """An empty folder for prometheus_client's multiprocess files."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        file.unlink()
    return directory
