"""notify-relay db backup: whole, of one moment, beside somebody who writes; never over another file."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from config import backup
from tests.integration.conftest import Answer, Run


def test_a_copy_is_whole_while_somebody_writes(answer: Answer, tmp_path: Path) -> None:
    answer("service", "create", "--name", "Passports", "--email-from", "passports")
    with closing(sqlite3.connect(tmp_path / "relay.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM services")
        made = answer("db", "backup", tmp_path / "backup" / "copy.db")
        writer.execute("COMMIT")

    copy = Path(made["file"])
    assert made["octets"] == copy.stat().st_size
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [each.name for each in copy.parent.iterdir()] == ["copy.db"]
    with closing(sqlite3.connect(copy)) as opened:
        assert opened.execute("SELECT name FROM services").fetchall() == [("Passports",)]


def test_a_file_that_is_there_is_not_replaced(run: Run, answer: Answer, tmp_path: Path) -> None:
    answer("db", "backup", tmp_path / "copy.db")
    before = (tmp_path / "copy.db").read_bytes()
    code, out, err = run("db", "backup", tmp_path / "copy.db")
    assert (code, out) == (1, "")
    assert "File exists" in err
    assert (tmp_path / "copy.db").read_bytes() == before


def test_a_copy_is_its_owners_from_the_first_octet_on(tmp_path: Path) -> None:
    """Also in a folder where others write: a file that they put in its place would be theirs to read."""
    with closing(sqlite3.connect(tmp_path / "relay.db")) as made:
        made.execute("CREATE TABLE a (b)")
    backup.copy(tmp_path / "relay.db", tmp_path / "copy.db")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_database_that_is_damaged_gives_no_copy(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_bytes(b"this is not a database" * 500)
    with pytest.raises(backup.BackupError, match="not a database"):
        backup.copy(tmp_path / "relay.db", tmp_path / "copy.db")
    assert {each.name for each in tmp_path.iterdir()} == {"relay.db"}


def test_postgresql_has_tools_of_its_own(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_DATABASE_URL", "postgresql+asyncpg://relay@127.0.0.1:9/relay")
    code, _, err = run("db", "backup", tmp_path / "copy.db")
    assert code == 1
    assert "pg_dump" in err
