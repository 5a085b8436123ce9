"""NAME_FILE: a secret that stands in a file of its own."""

import tempfile
from pathlib import Path

import pytest

from config.settings import PREFIX, SettingsError, load
from relay import private

pytestmark = pytest.mark.usefixtures("no_variables")

SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="


@pytest.mark.parametrize("name", ["SECRET_KEY", "SEALING_KEY"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_is_what_its_file_says_without_the_line_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, end: str
) -> None:
    (tmp_path / "key").write_bytes(f"{SECRET},older{end}".encode())
    monkeypatch.setenv(f"{PREFIX}{name}_FILE", str(tmp_path / "key"))

    secret = getattr(load(), name.lower())
    assert secret.get_secret_value() == f"{SECRET},older"


def test_the_settings_file_may_name_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgresql+asyncpg://relay:geheim@db/relay\n")
    (tmp_path / "relay.toml").write_text(f'database_url_file = "{tmp_path}/url"\n')
    monkeypatch.setenv(f"{PREFIX}CONFIG", str(tmp_path / "relay.toml"))

    assert load().database_url == "postgresql+asyncpg://relay:geheim@db/relay"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "there is no file {file}"),
        (b"", "{file} is empty"),
        (b"\n", "{file} is empty"),
        (b"\xff\xfe", "{file} is not UTF-8"),
        (b"A" * 70_000, "{file} is too long for a secret"),
    ],
)
def test_a_file_that_gives_no_secret_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY_FILE", str(file))

    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value) == f"{PREFIX}SECRET_KEY_FILE: {problem.format(file=file)}"


def test_a_folder_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY_FILE", str(tmp_path))
    with pytest.raises(SettingsError, match=r"SECRET_KEY_FILE: .* cannot be read: Is a directory"):
        load()


def test_a_secret_that_is_set_in_both_ways_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(SECRET)
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", SECRET)

    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).startswith(f"{PREFIX}SECRET_KEY_FILE: {PREFIX}SECRET_KEY is set as well")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("folder", "mode", "is_open"), [(0o755, 0o644, True), (0o755, 0o640, False), (0o700, 0o644, False)]
)
def test_others_can_read_what_they_may_read_and_reach(folder: int, mode: int, is_open: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # pytest's own folders let nobody in
        file = Path(name, "key")
        file.write_text(SECRET)
        file.chmod(mode)
        Path(name).chmod(folder)
        (Path(name) / "link").symlink_to(file)
        assert private.is_open_to_others(file) is is_open
        assert private.is_open_to_others(Path(name) / "link") is is_open
    assert not private.is_open_to_others(file)
