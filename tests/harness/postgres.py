"""A real PostgreSQL of our own, from the machine's server binaries, on loopback and in a temporary folder."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from tests.harness.relay import free_port


def server_binaries() -> Path | None:
    """The folder that holds initdb and postgres, or None."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


class Postgres:
    """One server; `create_database()` gives an empty database in it. `fsync` matters to benchmarks only."""

    def __init__(self, binaries: Path, *, fsync: bool = False) -> None:
        self._binaries = binaries
        self._fsync = fsync
        self._folder = Path(tempfile.mkdtemp(prefix="relay-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self.port = 0

    def start(self) -> "Postgres":
        subprocess.run(
            [
                self._binaries / "initdb",
                "-D",
                self.data,
                "-U",
                "relay",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "-N",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            **self._unprivileged(),
        )
        self.port = free_port()
        self.resume()
        return self

    def resume(self) -> None:
        """Starts the server on what it has."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "fsync": "on" if self._fsync else "off",
            "max_connections": "200",
            "autovacuum_naptime": "1h",  # it visits each of the hundreds of databases in that time
            "log_min_messages": "fatal",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", self.data, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "log").open("wb"),
            cwd=self._folder,
            **self._unprivileged(),
        )
        self._wait()

    def halt(self) -> None:
        """The server is gone at once, and every connection with it; what was committed stays."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)

    def _unprivileged(self) -> dict[str, object]:
        """PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _wait(self) -> None:
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=0.2):
                    ready = [self._binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-q"]
                    if subprocess.run(ready, check=False).returncode == 0:
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError((self._folder / "log").read_text())

    @property
    def data(self) -> Path:
        return self._folder / "data"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._count += 1
        name = f"relay_{self._count}"
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://relay@127.0.0.1:{self.port}/{name}"

    def create_users(self, database_url: str) -> None:
        """The roles' users, by the script that the container of PostgreSQL runs."""
        passwords = {f"{role}_DATABASE_PASSWORD": "it's a \\ secret" for role in ("SMTP", "HTTP", "WORKER", "FEEDBACK")}
        given = {"POSTGRES_USER": "relay", "POSTGRES_DB": database_url.rpartition("/")[2]}
        server = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PATH": f"{self._binaries}:{os.environ['PATH']}"}
        script = Path(__file__).parents[2] / "docker/database-users.sh"
        subprocess.run(["sh", script], check=True, env={**os.environ, **given, **server, **passwords})

    def log_refusals(self, database_url: str) -> None:
        """From here on, `refusals` knows of this database's."""
        self.execute(f"ALTER DATABASE {database_url.rpartition('/')[2]} SET log_min_messages = error")

    def execute(self, statement: str) -> None:
        """As the server's superuser."""
        with ThreadPoolExecutor(1) as apart:  # the test may have an event loop
            apart.submit(asyncio.run, self._execute(statement)).result()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="relay", database="postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def refusals(self) -> list[str]:
        """What users were denied."""
        lines = (self._folder / "log").read_text().splitlines()
        return [line for line in lines if "permission denied" in line]

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # without waiting for its clients to leave
            self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)
