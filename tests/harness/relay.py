"""The real command, run as an operator runs it: own folder, own ports, own environment, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-c", "from relay.cli import main; main()")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `key create --json` printed, as far as a client needs it."""

    key_id: str
    service_id: str
    username: str
    password: str
    api_key: str


class Relay:
    """One installation in `folder`. `environment` adds settings; names without their NOTIFY_RELAY_ prefix."""

    def __init__(self, folder: Path, **environment: object) -> None:
        self.folder = folder
        self.port, self.tls_port, self.metrics_port = free_port(), free_port(), free_port()
        settings: dict[str, object] = {
            "SMTP__LISTEN": f"127.0.0.1:{self.port}",
            "SMTP__LISTEN_TLS": f"127.0.0.1:{self.tls_port}",
            "METRICS__LISTEN": f"127.0.0.1:{self.metrics_port}",
            **environment,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_RELAY_")}
        self.environment = inherited | {
            (name if name.startswith("AWS_") and not name.startswith("AWS__") else f"NOTIFY_RELAY_{name}"): str(value)
            for name, value in settings.items()
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    # -- the command -----------------------------------------------------------------------------------------------

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr}")
        return done

    def json(self, *arguments: str) -> dict[str, object]:
        found = json.loads(self.run(*arguments, "--json").stdout)
        assert isinstance(found, dict)
        return found

    def create_key(self, *options: str, key_type: str = "normal", service: str | None = None) -> Credentials:
        """A key, of a new live service unless one is named."""
        if service is None:
            service = str(self.create_service("--live")["id"])
        made = self.json("key", "create", "--service", service, "--name", "test key", "--type", key_type, *options)
        return Credentials(
            str(made["id"]),
            service,
            str(made["smtp_username"]),
            str(made["smtp_password"]),
            str(made["api_key"]),
        )

    def create_service(self, *options: str, name: str = "Passports") -> dict[str, object]:
        local = f"{name.lower()}-{os.urandom(3).hex()}"
        return self.json("service", "create", "--name", name, "--email-from", local, *options)

    # -- the processes ---------------------------------------------------------------------------------------------

    def start(self, *arguments: str, seconds: float = 15) -> "Relay":
        """`serve`, until it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        os.set_blocking(self.process.stdout.fileno(), False)
        said = b""
        while b" ready: " not in said:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"not ready: {said!r} {self.log.read_text()[-2000:]}")
            time.sleep(0.02)
            said += self.process.stdout.read() or b""
        return self

    def children(self) -> dict[int, str]:
        """Process ids of the running children and their names, as the log tells them."""
        running: dict[int, str] = {}
        for line in self.log_lines():
            if line.get("event") == "process.started":
                running[int(str(line["pid"]))] = str(line["process"])
            elif line.get("event") == "process.died":
                running.pop(int(str(line["pid"])), None)
        return running

    def log_lines(self) -> list[dict[str, object]]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def stop(self, seconds: float = 20) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def end(self) -> None:
        """For the end of a test: gone, whatever state it is in."""
        if self.process is not None:
            try:
                self.stop(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # our own session: nobody else's process
                self.process.wait()

    # -- what came of it -------------------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, str]:
        """An ops endpoint's status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def outbox(self) -> list[tuple[dict[str, object], bytes]]:
        """What was sent, oldest first: the .json and the bytes of the .eml."""
        found = sorted((self.folder / "var/outbox").glob("*.json"))
        return [(json.loads(path.read_text()), path.with_suffix(".eml").read_bytes()) for path in found]

    def wait_for_outbox(self, count: int, seconds: float = 10) -> list[tuple[dict[str, object], bytes]]:
        deadline = time.monotonic() + seconds
        while len(found := self.outbox()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(found)} of {count} messages in the outbox")
            time.sleep(0.02)
        return found
