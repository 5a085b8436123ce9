"""What `make check` makes of pip-audit's answers."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "requirements/audit.sh"
FOUND = "Found 1 known vulnerability in 1 package\nName Version ID\njinja2 2.0 PYSEC-2019-217"
AWAY = "Traceback (most recent call last):\nrequests.exceptions.ConnectionError: Max retries exceeded"
BROKEN = "ERROR:pip_audit._cli:requirement is not pinned to an exact version"


def audited(folder: Path, said: str, code: int) -> subprocess.CompletedProcess[str]:
    pip_audit = folder / "pip-audit"
    pip_audit.write_text(f"#!/bin/sh\ncat <<'END' >&2\n{said}\nEND\nexit {code}\n")
    pip_audit.chmod(0o755)
    environment = {"PIP_AUDIT": str(pip_audit), "PATH": "/usr/bin:/bin"}
    return subprocess.run([SCRIPT, "dev.lock"], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("said", "code"), [("No known vulnerabilities found", 0), (AWAY, 1), ("Could not connect to the feed", 1)]
)
def test_nothing_found_and_nobody_to_ask_are_a_line_each(tmp_path: Path, said: str, code: int) -> None:
    done = audited(tmp_path, said, code)

    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert ("NOT AUDITED" in done.stdout) == bool(code)


@pytest.mark.parametrize("said", [FOUND, BROKEN, f"{FOUND}\n{AWAY}"])
def test_a_vulnerability_or_a_lock_file_that_cannot_be_read_fails(tmp_path: Path, said: str) -> None:
    done = audited(tmp_path, said, 1)

    assert done.returncode == 1
    assert done.stdout.startswith(said.splitlines()[0])
