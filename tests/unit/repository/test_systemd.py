"""The units of config/systemd: systemd takes them, they fit the listeners, and the service may do little."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from relay.processes.roles import ROLES
from tests.conftest import skip_or_fail

UNITS = Path(__file__).parents[3] / "config/systemd"


@pytest.fixture(scope="module")
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        skip_or_fail("UNITS NOT TESTED: no systemd-analyze here (Debian: apt-get install systemd)")
        raise AssertionError
    return found


def test_systemd_takes_the_units(analyze: str, tmp_path: Path) -> None:
    for unit in UNITS.iterdir():  # with a command that is there
        text = unit.read_text().replace("/opt/notify-relay/bin/notify-relay", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run([analyze, "verify", *tmp_path.iterdir()], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "notify-relay" in line]
    assert (ours, done.returncode) == ([], 0)


def test_the_service_is_exposed_little(analyze: str) -> None:
    unit = UNITS / "notify-relay.service"
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", unit], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-300:]


def test_each_socket_is_a_listener_and_named_by_the_service() -> None:
    passed = {port.name for process in ROLES["all"].processes for port in process.ports if port.is_passed}
    service = (UNITS / "notify-relay.service").read_text()
    sockets = sorted(UNITS.glob("*.socket"))
    for unit in sockets:
        name = re.search(r"^FileDescriptorName=(\w+)$", unit.read_text(), re.M)
        assert name
        assert name[1] in passed
        assert unit.name == f"notify-relay-{name[1]}.socket"
    for setting in ("Sockets", "Requires"):
        named = re.search(rf"^{setting}=(.+)$", service, re.M)
        assert named
        assert sorted(named[1].split()) == [unit.name for unit in sockets]
