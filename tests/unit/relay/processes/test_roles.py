"""The table of roles, and what follows from it."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import PREFIX, Settings, load
from delivery.grants import GRANTS
from relay.processes.children import children
from relay.processes.handover import Plan
from relay.processes.reloading import Reloading
from relay.processes.roles import OPS, PROCESSES, ROLES, Process, Secret
from relay.processes.sockets import listen

ROOT = Path(__file__).parents[4]
LATE = ("prometheus_client", "uvloop", "aiosmtpd", "fastapi", "uvicorn", "aiobotocore", "delivery.exit.worker")
LATE += ("delivery.providers.ses", "delivery.providers.outbox", "delivery.callbacks.sender", "delivery.feedback.run")
OPENING = ("relay/processes/", "relay/wiring.py", "relay/cli/")
OPEN_ALWAYS = {
    "all": ["starttls", "tls", "http", "site", "metrics"],
    "smtp": ["starttls", "tls", "metrics"],
    "http": ["http", "metrics"],
    "site": ["site", "metrics"],
    "worker": ["metrics"],
    "feedback": ["metrics"],
}


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    anywhere = {f"{name}__LISTEN": "127.0.0.1:0" for name in ("SMTP", "HTTP", "SITE", "METRICS", "FEEDBACK")}
    for name, value in {**anywhere, "SMTP__LISTEN_TLS": "127.0.0.1:0", **values}.items():
        monkeypatch.setenv(PREFIX + name, value)
    return load(processes=2)


def started(monkeypatch: pytest.MonkeyPatch, role: str, **closed: bool) -> list[str]:
    """The children of a role when all its ports are open but those that are `closed`."""
    given = settings(monkeypatch)
    listeners = listen(given, ROLES[role])
    listeners = {port: found for port, found in listeners.items() if port.name not in closed}
    found = children(Plan(given, ROLES[role], {}, {}), listeners, None, Reloading(given, {}, {}))
    for socket in (each for group in listeners.values() for each in group):
        socket.close()
    return [child.name for child in found]


def test_each_process_has_a_role_of_its_own_and_all_have_one_together() -> None:
    assert list(ROLES) == ["all", *(process.name for process in PROCESSES)]
    assert [role.processes for role in ROLES.values()] == [PROCESSES, *((process,) for process in PROCESSES)]


@pytest.mark.parametrize("process", [*PROCESSES, OPS], ids=lambda process: process.name)
def test_each_process_has_a_module_that_says_what_it_runs(process: Process) -> None:
    run = importlib.import_module(f"relay.processes.{process.name}").run

    assert inspect.iscoroutinefunction(run)
    assert list(inspect.signature(run).parameters) == ["place", "settings", "stopping", "ready"]


def test_each_role_has_a_database_user() -> None:
    assert GRANTS.keys() == {f"relay_{process.name}" for process in PROCESSES}


@pytest.mark.parametrize("role", ROLES)
def test_ports_of_a_role_are_open_and_no_others(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    given = settings(monkeypatch)
    assert [port.name for port, _, _ in ROLES[role].ports(given)] == OPEN_ALWAYS[role]


def test_ports_that_a_setting_opens_are_closed_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = "arn:aws:sns:ca-central-1:123456789012:ses-events"
    given = settings(monkeypatch, SMTP__LISTEN_DEVICES="127.0.0.1:25", AWS__SNS_TOPICS=topic)
    found = {port.name: (str(address), count) for port, address, count in ROLES["all"].ports(given)}

    assert found.keys() - {*OPEN_ALWAYS["all"]} == {"devices", "webhook"}
    assert found["devices"] == ("127.0.0.1:25", 2)
    assert found["webhook"] == ("127.0.0.1:0", 1)


def test_children_are_as_many_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["smtp-0", "smtp-1", "http-0", "http-1", "site-0", "site-1", "worker-0", "worker-1", "feedback-0", "ops"]
    assert started(monkeypatch, "all") == names
    assert started(monkeypatch, "feedback") == ["feedback-0", "ops"]


def test_a_door_without_an_open_port_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(monkeypatch, "smtp", tls=True) == ["smtp-0", "smtp-1", "ops"]
    assert started(monkeypatch, "smtp", starttls=True, tls=True) == ["ops"]


def test_only_workers_seal_and_only_doors_of_smtp_show_certificates() -> None:
    assert [role.name for role in ROLES.values() if role.holds(Secret.SEALING_KEY)] == ["all", "worker"]
    assert [role.name for role in ROLES.values() if role.has_certificates] == ["all", "smtp"]


def test_what_processes_run_is_loaded_before_they_are_forked_and_for_no_other_command() -> None:
    """prometheus_client above all: it picks its multiprocess mode when it is first imported."""
    script = f"""
import sys, relay.cli
print([name for name in {LATE} if name in sys.modules])
from relay.processes.children import preload
preload()
print([name for name in {LATE} if name not in sys.modules])
from config.words import catalogue
print(catalogue.cache_info().currsize)"""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": "chosen by now"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n[]\n1\n", "")


def found(pattern: str, *packages: str) -> set[str]:
    """The files in which it stands."""
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return {path.relative_to(ROOT).as_posix() for path in paths if re.search(pattern, path.read_text())}


def test_the_environment_is_read_in_few_places() -> None:
    files = found(r"\bos\.environb?\b|\bgetenv\(", "messages", "auth", "config", "delivery", "relay")
    allowed = *OPENING, "config/settings.py", "relay/http/pages/examples.py"  # the last writes it for others
    assert {file for file in files if not file.startswith(allowed)} == set()
    assert len(files) > 3


def test_databases_clients_and_servers_are_opened_in_few_places() -> None:
    """In delivery they take what they are given, or have a function that opens it."""
    calls = r"\b(?:Database|open_client|open_queue|open_providers?|open_sender|open_parts|ClientSession|serve)\("
    files = found(rf"(?<!def )(?<!class )(?<!\.){calls}", "messages", "auth", "config", "relay")
    assert {file for file in files if not file.startswith(OPENING)} == set()
    assert len(files) > 5
