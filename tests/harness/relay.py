"""The real command, run as an operator runs it: own folder, own ports, own environment, real signals."""

import contextlib
import io
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from tests.harness.command import Forked, commands
from tests.harness.migrated import template
from tests.harness.proc import parent
from tests.harness.waiting import wait_until

_PORTS = range(
    10_000, 32_000
)  # below those that the kernel picks for clients and for port 0: nobody gets ours by chance
_PASS = """
import os, sys
names, end = sys.argv[1], sys.argv.index("--")
given, command = [int(each) for each in sys.argv[2:end]], sys.argv[end + 1 :]
apart = [os.dup2(each, 100 + at) for at, each in enumerate(given)]
for at, each in enumerate(apart, 3):
    os.dup2(each, at)
os.closerange(3 + len(given), 200)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": names}
os.execv(command[0], command)
"""
COMMAND = (sys.executable, "-c", "from relay.cli import main; main()")


@cache
def _ports() -> Iterator[int]:
    """In turn, from where test runs beside us are unlikely to be. (Hypothesis seeds `random`.)"""
    first = random.SystemRandom().randrange(len(_PORTS))
    return itertools.cycle([*_PORTS[first:], *_PORTS[:first]])


def free_port() -> int:
    """One that nobody listens on, and that no other test of this run is given."""
    for port in _ports():
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def _put_database(path: Path) -> None:
    """With the newest schema, unless another relay in the same folder has one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(template())


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `key create --json` printed, as far as a client needs it."""

    key_id: str
    service_id: str
    username: str
    password: str
    api_key: str


class Relay:
    """One installation in `folder`. `environment` adds settings; names without their NOTIFY_RELAY_ prefix.

    On SQLite its database has the schema already, but not where it is `fresh`: then the relay makes it.
    """

    def __init__(self, folder: Path, *, fresh: bool = False, **environment: object) -> None:
        self.folder = folder
        if not fresh and not {"DATABASE_URL", "STATE_DIR"} & environment.keys():
            _put_database(folder / "var/relay.db")
        self.port, self.tls_port, self.metrics_port, self.http_port, self.site_port = (free_port() for _ in range(5))
        self.public_url = "https://api.relay.example"  # as behind a proxy: what answers name, not where we listen
        settings: dict[str, object] = {
            "SMTP__LISTEN": f"127.0.0.1:{self.port}",
            "SMTP__LISTEN_TLS": f"127.0.0.1:{self.tls_port}",
            "METRICS__LISTEN": f"127.0.0.1:{self.metrics_port}",
            "HTTP__LISTEN": f"127.0.0.1:{self.http_port}",
            "HTTP__PUBLIC_URL": self.public_url,
            "SITE__LISTEN": f"127.0.0.1:{self.site_port}",
            "DNS__RESOLVERS": "127.0.0.1:9",  # nobody is there: no test asks the world
            **environment,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_RELAY_")}
        inherited["LC_ALL"] = "C.UTF-8"  # English, wherever the tests run
        self.environment = inherited | {
            (name if name.startswith("AWS_") and not name.startswith("AWS__") else f"NOTIFY_RELAY_{name}"): str(value)
            for name, value in settings.items()
        }
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.said = b""  # on standard output
        self._output: io.FileIO | None = None
        self.log = folder / "log"
        self._listed: set[str] = set()  # files of the outbox
        self._envelopes: dict[Path, dict[str, object]] = {}  # of the outbox, each read once; none changes

    # -- the command -----------------------------------------------------------------------------------------------

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        done = commands().run(arguments, self.folder, self.environment)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr}")
        return done

    def run_afresh(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """A command as a shell starts it, interpreter and all."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

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

    def create_template(self, service: str, subject: str | None, body: str, name: str = "Notice") -> str:
        """The id of a new template: of email, or without a subject of texts."""
        file = self.folder / "template.md"
        file.write_text(body)
        kind = ("--type", "sms") if subject is None else ("--type", "email", "--subject", subject)
        named = ("--service", service, "--name", name, *kind)
        return str(self.json("template", "create", *named, "--body-file", str(file))["id"])

    # -- the processes ---------------------------------------------------------------------------------------------

    def start_on(self, sockets: Mapping[str, socket.socket], *, afresh: bool = False, seconds: float = 60) -> "Relay":
        """`serve` on listening sockets that the test keeps, passed as a service manager does it."""
        passed = {name: each.fileno() for name, each in sockets.items()}
        if not afresh:
            return self.start(passed=passed, seconds=seconds)
        through = (sys.executable, "-c", _PASS, ":".join(sockets), *map(str, passed.values()), "--")
        return self.start(through=through, passed=passed, seconds=seconds)

    def start(
        self,
        *arguments: str,
        through: Sequence[str] = (),
        passed: Mapping[str, int] = {},
        afresh: bool = False,
        seconds: float = 60,
        announced: str = " ready: ",
    ) -> "Relay":
        """`serve`, until it says that it is ready; `through` is a command that runs it, with descriptors `passed`.

        `afresh`: as a shell starts it, interpreter, imports and all.
        """
        reading, writing = os.pipe()
        try:
            with self.log.open("ab") as log:
                if through or afresh:
                    self.process = subprocess.Popen(
                        [*through, *COMMAND, "serve", *arguments],
                        cwd=self.folder,
                        env=self.environment,
                        stdout=writing,
                        stderr=log,
                        start_new_session=True,
                        pass_fds=[*passed.values()],
                    )
                else:
                    started = ("serve", *arguments)
                    given = (started, self.folder, self.environment, writing, log.fileno())
                    self.process = commands().start(*given, passed)
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._output = io.FileIO(reading)
        deadline = time.monotonic() + seconds
        self.said = b""
        while announced.encode() not in self.said:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise AssertionError(f"not ready: {self.said!r} {self.log.read_text()[-2000:]}")
            time.sleep(0.02)
            self.listen()
        return self

    def listen(self) -> str:
        """All that `serve` has printed for people so far."""
        assert self._output is not None
        self.said += self._output.read() or b""
        return self.said.decode()

    def children(self) -> dict[int, str]:
        """Process ids of the running children and their names, as the log tells them."""
        named: dict[int, str] = {}
        for line in self.log_lines("process.started"):
            named[int(str(line["pid"]))] = str(line["process"])
        # By their parent: a supervisor that was killed wrote down no end of its children.
        return {pid: name for pid, name in named.items() if self.process and parent(pid) == self.process.pid}

    def log_lines(self, event: str = "") -> list[dict[str, object]]:
        """The log; of one event only, where it is named."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if event in line and line.startswith("{") and line.endswith("}")]

    def stop(self, seconds: float = 60) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._forget()
        return code

    def end(self) -> None:
        """For the end of a test: gone, whatever state it is in."""
        if self.process is not None:
            try:
                self.stop(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # our own session: nobody else's process
                self.process.wait()
                self._forget()

    def kill(self) -> None:
        """The supervisor dies without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._forget()

    def _forget(self) -> None:
        assert self._output is not None
        self._output.close()
        self.process = self._output = None

    # -- what came of it -------------------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, str]:
        """An ops endpoint's status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def outbox(self) -> list[tuple[dict[str, object], bytes]]:
        """What was sent, oldest first: the .json and the bytes of the .eml."""
        return [(envelope, path.with_suffix(".eml").read_bytes()) for path, envelope in sorted(self._sent().items())]

    def _sent(self) -> dict[Path, dict[str, object]]:
        """All envelopes by their files."""
        outbox = self.folder / "var/outbox"
        added = set(os.listdir(outbox) if outbox.is_dir() else ()) - self._listed
        self._listed |= added
        paths = [outbox / name for name in added if name.endswith(".json") and not name.endswith(".sms.json")]
        self._envelopes |= {path: json.loads(path.read_text()) for path in paths}
        return self._envelopes

    def wait_for_outbox(self, count: int, seconds: float = 60) -> list[tuple[dict[str, object], bytes]]:
        deadline = time.monotonic() + seconds
        while len(found := self.outbox()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(found)} of {count} messages in the outbox")
            time.sleep(0.02)
        return found

    def wait_for_mail(self, recipient: str, seconds: float = 60) -> tuple[dict[str, object], bytes]:
        """What was sent to one recipient, who got nothing before and gets one message."""
        found = wait_until(lambda: self.mail_to(recipient), seconds, lambda: f"nothing for {recipient} in the outbox")
        assert len(found) == 1
        return found[0]

    def mail_to(self, recipient: str) -> list[tuple[dict[str, object], bytes]]:
        return [
            (envelope, path.with_suffix(".eml").read_bytes())
            for path, envelope in self._sent().items()
            if envelope["rcpt_to"] == [recipient]
        ]

    @cached_property
    def records(self) -> dict[str, str]:
        """The TXT records of the default domain, by name, as `domain show` asks to publish them."""
        records = self.json("domain", "show")["records"]
        assert isinstance(records, list)
        return {record["name"]: record["value"] for record in records if record["type"] == "TXT"}

    def histories(self, group_id: str) -> list[dict[str, object]]:
        """`message show` of all messages of a group."""
        messages = self.json("message", "show", group_id)["messages"]
        assert isinstance(messages, list)
        return messages

    def wait_for_status(self, group_id: str, status: str, seconds: float = 60) -> list[dict[str, object]]:
        """The group's histories, when all its messages have reached a status."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.histories(group_id)
            if all(message["status"] == status for message in found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not {status}: {found}")
            time.sleep(0.2)
