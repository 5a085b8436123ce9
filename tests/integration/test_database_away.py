"""What a command says of a PostgreSQL that it cannot use: which part of the URL is wrong, and never the password."""

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from relay.cli import main
from tests.harness.postgres import Postgres, server_binaries
from tests.harness.relay import free_port

PASSWORD = "hunter2"
Said = Callable[..., str]


@pytest.fixture(scope="module")
def guarded(postgres: Postgres) -> Iterator[Postgres]:
    """A server that asks the role `app` for its password, and lets `stranger` in nowhere."""
    rules = postgres.data / "pg_hba.conf"
    before = rules.read_text()
    _tell(postgres, f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE ROLE stranger LOGIN")
    rules.write_text(f"host all app 127.0.0.1/32 scram-sha-256\nhost all stranger 127.0.0.1/32 reject\n{before}")
    _tell(postgres, "SELECT pg_reload_conf()")
    time.sleep(0.5)  # it reads them when it comes to it
    yield postgres
    rules.write_text(before)
    _tell(postgres, "SELECT pg_reload_conf()", "DROP ROLE app", "DROP ROLE stranger")


def _tell(postgres: Postgres, *statements: str) -> None:
    binaries = server_binaries()
    assert binaries
    for each in statements:
        command = [
            binaries / "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(postgres.port),
            "-U",
            "relay",
            "-qc",
            each,
            "postgres",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    def said(url: str, *command: str) -> str:
        monkeypatch.setenv("NOTIFY_RELAY_DATABASE_URL", f"postgresql+asyncpg://{url}")
        for name in ("SECRET_KEY", "SEALING_KEY"):
            monkeypatch.setenv(f"NOTIFY_RELAY_{name}", "A" * 43 + "=")
        with pytest.raises(SystemExit) as left:
            main(list(command))
        printed = capsys.readouterr()
        assert left.value.code == 1
        assert PASSWORD not in printed.out + printed.err
        return printed.out + printed.err

    return said


@pytest.mark.parametrize(
    ("user", "name", "words"),
    [
        (f"app:{PASSWORD}x", "postgres", "refuses the user name or the password"),
        ("nobody-at-all", "postgres", "does not know the user, or does not let it in"),
        ("stranger", "postgres", "does not know the user, or does not let it in"),
        (f"app:{PASSWORD}", "no-such-base", "has no database of the name"),
    ],
)
def test_what_the_server_refuses_is_told(guarded: Postgres, said: Said, user: str, name: str, words: str) -> None:
    url = f"{user}@127.0.0.1:{guarded.port}/{name}"
    told = said(url, "service", "list")
    assert told.startswith("notify-relay: the database cannot be used: ")
    assert (told.count("\n"), words in told) == (1, True)
    assert words in said(url, "check")


def test_a_server_that_is_not_there_is_told_from_a_name_that_is_none(said: Said) -> None:
    assert "nothing listens" in said(f"app:{PASSWORD}@127.0.0.1:{free_port()}/relay", "service", "list")
    assert "is not found" in said(f"app:{PASSWORD}@no-such-host.invalid/relay", "service", "list")


def test_a_server_without_tls_is_told(guarded: Postgres, said: Said) -> None:
    url = f"app:{PASSWORD}@127.0.0.1:{guarded.port}/postgres?ssl=require"
    assert "takes no TLS" in said(url, "service", "list")
