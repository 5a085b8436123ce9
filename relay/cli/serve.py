"""notify-relay serve: the processes of this machine, under one supervisor."""

from typing import Annotated, NoReturn

import structlog
import typer

from config import logs
from config.settings import Settings, load, unknown_variables
from relay import wiring
from relay.cli import texts
from relay.cli.output import say, spoken
from relay.processes import handover, preparing, sockets
from relay.processes.children import children, preload
from relay.processes.handover import Plan
from relay.processes.reloading import Reloading
from relay.processes.roles import DEVICES, HTTP, METRICS, ROLES, SITE, STARTTLS, TLS, Secret
from relay.processes.supervisor import Supervisor

RoleName = Annotated[str, typer.Option("--role", metavar="|".join(ROLES), help=texts.ROLE)]
Processes = Annotated[int | None, typer.Option(min=1, max=256, help=texts.PROCESSES)]
Demo = Annotated[bool, typer.Option("--demo", help=texts.DEMO)]

_SHOWN = {"smtp": STARTTLS, "tls": TLS, "devices": DEVICES, "http": HTTP, "site": SITE, "metrics": METRICS}


def serve(role: RoleName = "all", processes: Processes = None, demo_service: Demo = False) -> None:
    plan = handover.received()
    if plan is None:
        handover.become(_prepared(role, processes, demo_service))
    supervise(plan)


def _prepared(name: str, processes: int | None, demo_service: bool) -> Plan:
    """Reads the secrets, and does what must be right before any child starts. Raises SettingsError."""
    role = ROLES.get(name)
    if role is None:
        raise typer.BadParameter(spoken(texts.ONE_OF, words=", ".join(ROLES)), param_hint="--role")
    overrides = {"processes": processes} if processes else {}
    settings = load(**overrides)
    logs.configure(settings.log_format, settings.log_level)
    log = structlog.get_logger("settings")
    for unknown in unknown_variables():
        log.warning("settings.unknown", name=unknown)
    for file in wiring.exposed_files(settings):
        log.warning("settings.exposed", file=str(file))
    listeners = preparing.prepare(settings, role)
    sheet = _sheet(settings) if demo_service else None
    return Plan.of(wiring.resolved(settings, sealing=role.holds(Secret.SEALING_KEY)), role, listeners, sheet, overrides)


def _sheet(settings: Settings) -> str:
    from relay.cli import demo  # it changes things, and `serve` else does not

    return spoken(demo.sheet(settings))


def supervise(plan: Plan) -> NoReturn:
    """The supervisor's life, in a process that has seen no secret."""
    settings = plan.settings
    logs.configure(settings.log_format, settings.log_level)
    listeners = plan.sockets()
    preload()
    certificates = wiring.load_certificates(settings) if plan.role.has_certificates else None

    from prometheus_client.multiprocess import mark_process_dead

    def on_ready() -> None:
        shown = {name: sockets.addresses(listeners.get(port, ())) for name, port in _SHOWN.items()}
        say(texts.READY, role=plan.role.name, **shown)
        if plan.sheet:
            typer.echo(plan.sheet)

    reloading = Reloading(settings, plan.variables, plan.overrides)
    supervisor = Supervisor(
        children(plan, listeners, certificates, reloading),
        on_ready=on_ready,
        on_death=mark_process_dead,
        renewed=certificates.renewed if certificates else lambda asked: False,
        reread=reloading.reread,
    )
    raise typer.Exit(supervisor.run())
