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
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, make_url

from tests.harness.migrated import connected, copy, migrate
from tests.harness.once import once
from tests.harness.relay import free_port

T = TypeVar("T")
# What is for a machine that loses its power, for copies of the server, and for queries of many seconds.
_CARELESS = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0", "jit": "off"}
# What a test may have changed but for rows: tables, columns, indexes, triggers, grants, settings of the database.
_SHAPE = """
SELECT md5(string_agg(shape, ',' ORDER BY shape)) FROM (
  SELECT concat_ws(' ', relname, relkind, relacl::text, relhastriggers, relnatts) AS shape
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', setrole, setconfig::text) FROM pg_db_role_setting
  WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL SELECT version_num FROM alembic_version
) AS shapes"""


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
        self._spare: list[str] = []
        self._shape = ""
        self.port = 0

    def start(self) -> "Postgres":
        self._unprivileged()
        _copy(_cluster(self._binaries), self.data)
        self.port = free_port()
        self.resume()
        return self

    def _make(self) -> None:
        """A new cluster, in which nobody has made anything."""
        given = ["-U", "relay", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "--wal-segsize=1"]
        subprocess.run(
            [self._binaries / "initdb", "-D", self.data, *given],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            **self._unprivileged(),
        )

    def resume(self) -> None:
        """Starts the server on what it has."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            **({"fsync": "on"} if self._fsync else _CARELESS),
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

    def halt(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """The server is gone at once, and every connection with it; what was committed stays.

        SIGQUIT: immediate, it recovers at its start; SIGINT: fast, it ends in order; SIGKILL: as a machine dies.
        """
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)

    def standby(self) -> "Postgres":
        """Another server that has all of this one, and waits for what is committed here: from now on each commit here
        is in both when it is told."""
        other = Postgres(self._binaries, fsync=self._fsync)
        source = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "relay"]
        subprocess.run(
            [self._binaries / "pg_basebackup", "-D", other.data, "-R", "-X", "stream", "-c", "fast", *source],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=other._folder,
            **other._unprivileged(),
        )
        other.port = free_port()
        other.resume()
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.execute("SELECT pg_reload_conf()")
        return other

    def promote(self) -> None:
        """A standby takes writes from now on."""
        self.execute("SELECT pg_promote()")

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
        url = self._new_url()
        self.execute(f"CREATE DATABASE {make_url(url).database}")
        return url

    def _new_url(self) -> str:
        self._count += 1
        return self._url(f"relay_{self._count}")

    def _url(self, database: str) -> str:
        return f"postgresql+asyncpg://relay@127.0.0.1:{self.port}/{database}"

    def take_migrated(self) -> str:
        """The URL of a database with the schema and no row: one that a test gave back, or a copy of the template."""
        if self._spare:
            return self._spare.pop()
        url = self._new_url()
        self._apart(copy(make_url(url)))
        self._shape = self._shape or self._apart(_shape(make_url(url)))
        return url

    def give_back(self, url: str) -> None:
        """Empties it for another test, where nothing but its rows was changed."""
        if self._apart(_emptied(make_url(url), self._shape)):
            self._spare.append(url)

    def create_users(self, database_url: str) -> None:
        """The roles' users, by the script that the container of PostgreSQL runs."""
        passwords = {
            f"{role}_DATABASE_PASSWORD": "it's a \\ secret" for role in ("SMTP", "HTTP", "SITE", "WORKER", "FEEDBACK")
        }
        given = {"POSTGRES_USER": "relay", "POSTGRES_DB": database_url.rpartition("/")[2]}
        server = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PATH": f"{self._binaries}:{os.environ['PATH']}"}
        script = Path(__file__).parents[2] / "docker/database-users.sh"
        subprocess.run(["sh", script], check=True, env={**os.environ, **given, **server, **passwords})

    def log_refusals(self, database_url: str) -> None:
        """From here on, `refusals` knows of this database's."""
        self.execute(f"ALTER DATABASE {database_url.rpartition('/')[2]} SET log_min_messages = error")

    def execute(self, statement: str) -> None:
        """As the server's superuser."""
        self._apart(self._execute(statement))

    def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        with ThreadPoolExecutor(1) as apart:  # the test may have an event loop
            return apart.submit(asyncio.run, work).result()

    async def _execute(self, statement: str) -> None:
        async with connected(make_url(self._url("postgres"))) as server:
            await server.execute(statement)

    def files(self, database_url: str) -> list[Path]:
        """All that the server keeps, but for what is of other databases only."""
        mine = self.data / "base" / str(self._apart(_folder(make_url(database_url))))
        folders = [each for each in self.data.iterdir() if each.name != "base"]
        return [path for folder in (mine, *folders) for path in (folder, *folder.rglob("*")) if path.is_file()]

    def refusals(self) -> list[str]:
        """What users were denied."""
        lines = (self._folder / "log").read_text().splitlines()
        return [line for line in lines if "permission denied" in line]

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # without waiting for its clients to leave
            self._process.wait(60)
        shutil.rmtree(self._folder, ignore_errors=True)


def _copy(data: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", data, to], check=True)  # whoever the owner is


def _cluster(binaries: Path) -> Path:
    """What a server begins with: made once in a run of tests, with the schema, which is copied from there on."""

    def make(folder: Path) -> None:
        first = Postgres(binaries)
        try:
            first._make()
            first.port = free_port()
            first.resume()
            first._apart(migrate(make_url(first._url("postgres"))))
            first.halt(signal.SIGINT)
            _copy(first.data, folder)
        finally:
            first.stop()

    return once("postgresql", make)


async def _emptied(url: URL, shape: str) -> bool:
    """Whether it is as it was made: nobody is connected, and but for rows, which are gone now, nothing was changed."""
    async with connected(url) as database:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        if await database.fetchval(others) or await database.fetchval(_SHAPE) != shape:
            return False
        tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [f'DELETE FROM "{row[0]}"' for row in tables if row[0] != "alembic_version"]
        # Without triggers: the audit only grows, and foreign keys have an order.
        await database.execute("; ".join(["SET session_replication_role = replica", *rows]))
        return True


async def _folder(url: URL) -> int:
    async with connected(url) as database:
        return int(await database.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()"))


async def _shape(url: URL) -> str:
    async with connected(url) as database:
        return str(await database.fetchval(_SHAPE))
