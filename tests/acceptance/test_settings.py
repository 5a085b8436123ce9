"""Settings that cannot be used: one line that names what to mend, exit code 1, no traceback, and no value."""

import re
from collections.abc import Callable

import pytest

from tests.harness.mail import connect
from tests.harness.relay import Relay

Make = Callable[..., Relay]
SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="


def refusal(relay: Relay, *command: str) -> str:
    """The one line that the command leaves with."""
    done = relay.run(*command, check=False)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert re.fullmatch(r"notify-relay: [^\n]+\n", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    return done.stderr.removeprefix("notify-relay: ").rstrip("\n")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SMTP__LISTEN", "2587", "write it as host:port"),
        ("SMTP__LISTEN_TLS", "127.0.0.1:many", "write it as host:port"),
        ("SMTP__MAX_RECIPIENTS", "0", "greater than or equal to 1"),
        ("SMTP__HOSTNAME", "our relay", "letters, digits, hyphens and dots"),
        ("SMTP__BARE_LF", "perhaps", "'normalise' or 'refuse'"),
        ("PROCESSES", "two", "valid integer"),
        ("EMAIL__PROVIDER", "pigeon", "'outbox' or 'ses'"),
        ("DATABASE_URL", "mysql://root:secret@db/relay", "use sqlite"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "a file"),
        ("DATABASE_URL", "postgresql+asyncpg://relay:secret@db/relay?sslmode=require", "write ssl=require"),
        ("DATABASE_URL", "postgresql+asyncpg://relay:secret@db:port/relay", "port"),
        ("EMAIL__DEFAULT_DOMAIN", "localhost", "a full domain name"),
        ("AWS__ENDPOINT_URL", "email.example.ca", "http"),
        ("AWS__REGION", "Montreal!", "ca-central-1"),
        ("SECRET_KEY", SECRET, ""),
        ("SEALING_KEY", "not base64 at all", ""),
        ("TLS__CERT_FILE", "relay.crt", "one key for each certificate"),
    ],
)
def test_setting_that_cannot_be_used_is_named(make_relay: Make, name: str, value: str, words: str) -> None:
    line = refusal(make_relay(**{name: value}), "serve")
    assert line.startswith(f"NOTIFY_RELAY_{name}")
    assert words in line
    assert "secret@" not in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[smtp\nlisten = '127.0.0.1:2587'\n", "relay.toml: not valid TOML"),
        (b"\xff\xfe\x00", "relay.toml: not valid TOML"),
        (b"log_level = 'loud'\n", "NOTIFY_RELAY_LOG_LEVEL: "),
        (b"[smtp]\nmax_recipients = 'many'\n", "NOTIFY_RELAY_SMTP__MAX_RECIPIENTS: "),
        (b"[smtpp]\nhostname = 'a'\n", "NOTIFY_RELAY_SMTPP: "),
        (b"tls = 1\n", "NOTIFY_RELAY_TLS: "),
    ],
    ids=["syntax", "bytes", "value", "nested", "name", "kind"],
)
def test_damaged_settings_file_is_refused_in_one_line(make_relay: Make, text: bytes, words: str) -> None:
    relay = make_relay()
    relay.environment["NOTIFY_RELAY_CONFIG"] = "relay.toml"
    (relay.folder / "relay.toml").write_bytes(text)
    assert words in refusal(relay, "serve")
    assert words in refusal(relay, "service", "list")


def test_missing_settings_file_is_refused(make_relay: Make) -> None:
    assert refusal(make_relay(CONFIG="nowhere.toml"), "serve").startswith("NOTIFY_RELAY_CONFIG")


def test_settings_file_is_used_and_the_environment_wins(make_relay: Make) -> None:
    relay = make_relay(CONFIG="relay.toml")
    (relay.folder / "relay.toml").write_text(
        "[smtp]\nhostname = 'mail.city.example'\nlisten = '127.0.0.1:1'\n[metrics]\nlisten = '127.0.0.1:2'\n"
    )
    relay.start()
    assert relay.get("/healthz")[0] == 200
    with connect(relay) as client:
        assert client.ask("EHLO client.example").splitlines()[0] == "250 mail.city.example"


def test_files_that_are_no_certificate_are_named(make_relay: Make) -> None:
    relay = make_relay(TLS__CERT_FILE="relay.crt", TLS__KEY_FILE="relay.key")
    assert refusal(relay, "serve").startswith("NOTIFY_RELAY_TLS__CERT_FILE: ")
    for name in ("relay.crt", "relay.key"):
        (relay.folder / name).write_text("no certificate")
    assert refusal(relay, "serve").startswith("NOTIFY_RELAY_TLS__CERT_FILE: ")


def test_variables_of_another_version_are_warned_of(make_relay: Make) -> None:
    relay = make_relay(SMTP__LISTEN_QUIC="192.0.2.0/24", SMTP__LISTN="127.0.0.1:1", PUSH__PROVIDER="aws")
    relay.start()
    named = {line["name"] for line in relay.log_lines("settings.unknown")}
    assert named == {f"NOTIFY_RELAY_{name}" for name in ("SMTP__LISTEN_QUIC", "SMTP__LISTN", "PUSH__PROVIDER")}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://relay:geheim@127.0.0.1:1/relay",
        "postgresql+asyncpg://relay:geheim@localhost:1/relay",
        "postgresql+asyncpg://relay:geheim@nowhere.invalid/relay",
        "sqlite+aiosqlite:///junk.db",
        "sqlite+aiosqlite:////proc/relay.db",
    ],
)
def test_database_that_cannot_be_used_is_named_without_its_password(make_relay: Make, url: str) -> None:
    relay = make_relay(DATABASE_URL=url, SECRET_KEY="A" * 43 + "=", SEALING_KEY="A" * 43 + "=")
    (relay.folder / "junk.db").write_bytes(b"this is not a database" * 500)
    commands = [("service", "list"), ("db", "upgrade")]
    if "sqlite" in url:  # for a server it waits: test_processes.py
        commands.append(("serve",))
    for command in commands:
        line = refusal(relay, *command)
        assert "NOTIFY_RELAY_DATABASE_URL" in line or "/proc/relay.db" in line
        assert "geheim" not in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--role", "everything"),
        ("serve", "--processes", "0"),
        ("serve", "--fast"),
        ("key", "create", "--name", "n"),
        ("message", "show", "not-an-id"),
        ("rummage",),
    ],
)
def test_wrong_usage_is_exit_code_2(make_relay: Make, arguments: tuple[str, ...]) -> None:
    done = make_relay().run(*arguments, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_refusal_of_a_fresh_start_is_one_line_too(make_relay: Make) -> None:
    done = make_relay(SMTP__LISTEN="nowhere").run_afresh("serve")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"notify-relay: NOTIFY_RELAY_SMTP__LISTEN: [^\n]+\n", done.stderr)
