"""Files that are for our own eyes: whole or not there at all."""

from pathlib import Path

import pytest

from relay import private


def test_file_is_for_its_owner_only_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state/secret.key"
    private.write(path, b"one")

    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "tls.key"
    path.write_bytes(b"old")
    path.chmod(0o644)
    private.write(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_first_of_two_writers_wins_where_nothing_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    private.write_new(path, b"first")
    with pytest.raises(FileExistsError):
        private.write_new(path, b"second")

    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
