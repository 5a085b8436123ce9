"""The database goes away, or its disk is full: clients are put off, nothing is half written, and all mends itself."""

import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from notifications_python_client import NotificationsAPIClient
from notifications_python_client.errors import HTTP503Error

from config.keyring import Keyring
from tests.harness.api import VALUES, open_office
from tests.harness.mail import CONTENT, address, connect, group_id, log_in
from tests.harness.postgres import Postgres
from tests.harness.relay import Credentials, Relay
from tests.harness.waiting import wait_for_answer

Make = Callable[..., Relay]


def test_postgresql_gone_and_back_puts_clients_off_and_needs_no_restart(
    own_postgres: Postgres, make_relay: Make
) -> None:
    keys = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = make_relay(DATABASE_URL=own_postgres.take_migrated(), **keys)
    key = relay.start().create_key()
    children = relay.children()
    recipient, put_off = address(), address()
    with connect(relay, key) as client:
        assert group_id(client.submit([recipient]))
        own_postgres.halt()
        assert client.submit([put_off]).startswith("451 4.3.0 temporary failure on our side; nothing was accepted")
        wait_for_answer(
            lambda: log_in(relay, key.username, key.password), "454 4.7.0 log-in cannot be checked right now"
        )
        assert client.ask("MAIL FROM:<clerk@city.example>").startswith("451 4.3.0 ")
        assert relay.get("/healthz")[0] == 200
        status, body = relay.get("/readyz")
        assert (status, json.loads(body)) == (
            503,
            {"database": "does not answer", "smtp": "ok", "http": "ok", "site": "ok"},
        )
        assert "relay_submissions_total" in relay.get("/metrics")[1]
        own_postgres.resume()
        assert group_id(wait_for_answer(lambda: client.submit([put_off]), "250 "))
    wait_for_answer(lambda: log_in(relay, key.username, key.password), "235 ")
    relay.wait_for_mail(recipient)
    relay.wait_for_mail(put_off)
    assert relay.get("/readyz")[0] == 200
    assert relay.children() == children, "no process died of it"


def test_api_clients_hear_503_while_postgresql_is_away_and_nothing_is_sent_twice_or_lost(
    own_postgres: Postgres, make_relay: Make
) -> None:
    keys = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = make_relay(DATABASE_URL=own_postgres.take_migrated(), **keys)
    office = open_office(relay.start())
    client = NotificationsAPIClient(office.key.api_key, base_url=office.url)
    values = dict(VALUES)
    recipient, put_off = address(), address()
    client.send_email_notification(recipient, office.template, values)
    own_postgres.halt()
    for call in (
        lambda: client.send_email_notification(put_off, office.template, values),
        lambda: client.get_all_notifications(),
    ):
        with pytest.raises(HTTP503Error) as raised:
            call()
        (error,) = raised.value.message
        assert (error["error"], raised.value.response.headers["Retry-After"]) == ("ServiceUnavailable", "10")
    own_postgres.resume()
    client.send_email_notification(put_off, office.template, values)
    client.request_session.close()
    relay.wait_for_mail(recipient)
    relay.wait_for_mail(put_off)


def test_serve_waits_for_a_postgresql_that_starts_beside_it(own_postgres: Postgres, make_relay: Make) -> None:
    keys = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = make_relay(DATABASE_URL=own_postgres.take_migrated(), **keys)
    own_postgres.halt()
    threading.Timer(3.0, own_postgres.resume).start()
    relay.start()
    (line,) = relay.log_lines("database.awaited")
    assert line["error"] == "ConnectionRefusedError"
    assert relay.get("/readyz")[0] == 200


def test_writer_that_holds_sqlite_for_a_moment_is_waited_for(relay: Relay, key: Credentials) -> None:
    other = sqlite3.connect(relay.folder / "var/relay.db", isolation_level=None, check_same_thread=False)
    with connect(relay, key) as client:
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(1.0, other.rollback).start()
        started = time.monotonic()
        assert group_id(client.submit([address()]))
        assert time.monotonic() - started > 0.5
    other.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a full disk needs the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_puts_clients_off_and_leaves_nothing_half_written(make_relay: Make, small_disk: Path) -> None:
    relay = make_relay(DATABASE_URL=f"sqlite+aiosqlite:///{small_disk}/relay.db")
    key = relay.start().create_key()
    recipients = [address(str(number)) for number in range(3)]
    filler = small_disk / "filler"
    with connect(relay, key) as client:
        assert group_id(client.submit([address()]))
        fill(filler, small_disk)
        answer = client.submit(recipients, CONTENT + b"x" * 76 + b"\r\n" * 2 + (b"y" * 76 + b"\r\n") * 5000)
        assert answer.startswith("452 4.3.1 no room to store the message; try again in a few minutes")
        assert client.submit(recipients).startswith("452 4.3.1 ")
        filler.unlink()
        last = address()
        group = group_id(wait_for_answer(lambda: client.submit([last]), "250 "))
    relay.wait_for_status(group, "delivered")
    assert not any(relay.mail_to(recipient) for recipient in recipients)
    assert len(relay.outbox()) == 2
    with sqlite3.connect(small_disk / "relay.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM messages").fetchone() == (2,)
        assert database.execute("SELECT count(*) FROM queue").fetchone() == (0,)
    database.close()


def fill(file: Path, disk: Path) -> None:
    """Until not one octet more fits."""
    with file.open("wb", buffering=0) as out:
        for size in (65536, 4096, 1):
            try:
                while True:
                    out.write(b"\0" * size)
            except OSError:
                pass
    assert os.statvfs(disk).f_bavail == 0


def test_outbox_that_cannot_be_written_keeps_messages_waiting(make_relay: Make) -> None:
    relay = make_relay()
    (relay.folder / "var").mkdir(exist_ok=True)
    (relay.folder / "var/outbox").write_text("a file where the folder should be")
    key = relay.start().create_key()
    with connect(relay, key) as client:
        group = group_id(client.submit([address()]))
    wait_for_answer(lambda: str(throttled(relay, group)), "[")
    (history,) = relay.histories(group)
    assert (history["status"], history["attempts"]) == ("created", [])
    assert history["waiting_until"] is not None


def throttled(relay: Relay, group: str) -> object:
    lines = [line for line in relay.log_lines() if line.get("group_id") == group and line.get("outcome") == "throttled"]
    return lines or "not yet"
