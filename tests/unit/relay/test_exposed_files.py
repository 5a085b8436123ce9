"""Files with secrets that others on the machine can read are named: at the start, and by `check`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import PREFIX, load
from relay import wiring

SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="
URL = "postgresql+asyncpg://relay:geheim@db/relay"


@pytest.fixture
def folder(no_variables: None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as made:  # pytest's own folders let nobody in
        Path(made).chmod(0o755)
        yield Path(made)


def write(file: Path, text: str, mode: int = 0o644) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def test_each_file_that_others_can_read_is_named(folder: Path) -> None:
    named = [write(folder / name, SECRET) for name in ("sealing.key", "a", "tls.key")]
    write(folder / "secret.key", SECRET, 0o600)
    write(folder / "tls.crt", "public")
    settings = load(
        state_dir=folder,
        secret_key_file=str(folder / "a"),
        tls={"cert_file": f"{folder}/tls.crt", "key_file": f"{folder}/tls.key"},
    )
    assert set(wiring.exposed_files(settings)) == set(named)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (f"secret_key = '{SECRET}'", True),
        (f"sealing_key = '{SECRET}'", True),
        (f"SECRET_KEY = '{SECRET}'", True),  # as variables are written
        (f"database_url = '{URL}'", True),
        ("database_url = 'postgresql+asyncpg://relay@db/relay'", False),
        ("log_level = 'debug'", False),
    ],
)
def test_a_settings_file_counts_where_it_holds_a_secret(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, holds: bool
) -> None:
    file = write(folder / "relay.toml", f"{text}\nstate_dir = '{folder}'\n")
    monkeypatch.setenv(f"{PREFIX}CONFIG", str(file))
    assert wiring.exposed_files(load()) == ([file] if holds else [])
    file.chmod(0o640)
    assert wiring.exposed_files(load()) == []


def test_a_value_of_the_file_that_the_environment_hides_keeps_nobody_from_starting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(folder / "relay.toml", f"database_url = 'geheim'\nstate_dir = '{folder}'\n")
    monkeypatch.setenv(f"{PREFIX}CONFIG", str(file))
    monkeypatch.setenv(f"{PREFIX}DATABASE_URL", "sqlite+aiosqlite:///relay.db")
    assert wiring.exposed_files(load()) == [file]
