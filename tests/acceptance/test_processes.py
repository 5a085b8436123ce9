"""The processes as an operator and a service manager meet them: start, stop, death, roles, sockets."""

import os
import signal
import smtplib
import socket
import threading
import time
from collections.abc import Callable

import pytest

from config.database import Database
from config.keyring import Keyring
from tests.harness.mail import address, connect, send
from tests.harness.proc import is_running
from tests.harness.relay import Credentials, Relay, free_port
from tests.harness.waiting import wait_until

Make = Callable[..., Relay]


def pid_of(relay: Relay, process: str) -> int:
    return next((pid for pid, name in relay.children().items() if name == process), 0)


def keys() -> dict[str, str]:
    return {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}


# -- Start and stop ------------------------------------------------------------------------------------------------


def send_until_told_off(relay: Relay, key: Credentials, accepted: list[str]) -> None:
    """Sends message after message; notes the recipients of those that were answered 250."""
    try:
        with connect(relay, key) as client:
            for _ in range(1000):
                recipient = address()
                if client.submit([recipient]).startswith("250 "):
                    accepted.append(recipient)
                else:
                    return
    except (smtplib.SMTPException, OSError):
        pass


def test_sigterm_under_load_ends_with_0_and_everything_accepted_is_delivered(make_relay: Make) -> None:
    relay = make_relay(PROCESSES=2)
    key = relay.start().create_key()
    accepted: list[str] = []
    clients = [threading.Thread(target=send_until_told_off, args=(relay, key, accepted)) for _ in range(20)]
    for client in clients:
        client.start()
    wait_until(lambda: len(accepted) > 60)
    started = time.monotonic()
    assert relay.stop(20) == 0
    assert time.monotonic() - started < 20
    for client in clients:
        client.join(60)
    relay.start()
    outbox = relay.folder / "var/outbox"
    wait_until(lambda: len(list(outbox.glob("*.json"))) >= len(accepted))
    assert set(accepted) <= {envelope["rcpt_to"][0] for envelope, _ in relay.outbox()}  # type: ignore[index]


def test_demo_is_made_once_and_what_it_makes_is_for_its_owner_only(make_relay: Make) -> None:
    relay = make_relay(fresh=True).start("--demo")
    own = "notify-relay"  # sends codes and what the site tells people
    made = relay.json("service", "list")["services"]
    assert {service["name"] for service in made} == {"Demo service", own}  # type: ignore[attr-defined]
    for name in ("secret.key", "sealing.key", "tls.key", "demo.json", "relay.db"):
        assert (relay.folder / "var" / name).stat().st_mode & 0o077 == 0, name
    assert relay.stop() == 0
    relay.start("--demo")
    assert len(relay.json("service", "list")["services"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(("setting", "attribute"), [("SMTP__LISTEN", "port"), ("METRICS__LISTEN", "metrics_port")])
def test_second_serve_on_a_port_in_use_fails_loudly_and_harms_nobody(
    relay: Relay, key: Credentials, make_relay: Make, setting: str, attribute: str
) -> None:
    send(relay, key, address())
    port = getattr(relay, attribute)
    second = make_relay(**{setting: f"127.0.0.1:{port}", "STATE_DIR": relay.folder / "var"})
    done = second.run("serve", check=False)
    assert done.returncode == 1
    problem = f"NOTIFY_RELAY_{setting}: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert done.stderr == f"notify-relay: {problem}\n"
    assert 'relay_submissions_total{door="smtp",outcome="accepted"}' in relay.get("/metrics")[1]


# -- Death ---------------------------------------------------------------------------------------------------------


def test_children_die_with_their_supervisor(make_relay: Make) -> None:
    relay = make_relay().start()
    children = relay.children()
    assert sorted(children.values()) == ["feedback-0", "http-0", "ops", "site-0", "smtp-0", "worker-0"]
    relay.kill()
    wait_until(lambda: not any(map(is_running, children)), 5)
    relay.start().stop()


def test_dead_child_is_replaced_and_its_waiting_connections_are_served(make_relay: Make) -> None:
    relay = make_relay()
    key = relay.start().create_key()
    for process in ("worker-0", "ops", "smtp-0"):
        before = pid_of(relay, process)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda process=process, before=before: pid_of(relay, process) not in (0, before))  # type: ignore[misc]
    recipient = address()
    send(relay, key, recipient)
    relay.wait_for_mail(recipient)
    wait_until(lambda: relay.get("/healthz")[0] == 200)

    # A door that dies at birth again and again is given a pause: time enough to connect to nobody.
    for _ in range(3):
        before = pid_of(relay, "smtp-0")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda before=before: pid_of(relay, "smtp-0") != before)  # type: ignore[misc]
        if pid_of(relay, "smtp-0") == 0:
            break
    waiting = [socket.create_connection(("127.0.0.1", relay.port), timeout=60) for _ in range(30)]
    for each in waiting:
        assert each.recv(100).startswith(b"220 ")
        each.close()


def test_what_was_spoilt_since_the_start_takes_down_who_dies_and_nobody_else(make_relay: Make) -> None:
    """Artwork that was overwritten: only a process that starts reads it."""
    relay = make_relay()
    artwork = relay.folder / "artwork"
    artwork.mkdir()
    relay.environment["NOTIFY_RELAY_BRANDING__DIR"] = str(artwork)
    key = relay.start().create_key()
    (artwork / "wordmark.png").write_text("no picture")
    os.kill(pid_of(relay, "worker-0"), signal.SIGKILL)
    wait_until(lambda: len(relay.log_lines("process.misconfigured")) >= 4)
    assert "wordmark.png" in str(relay.log_lines("process.settings")[0]["problem"])
    recipient = address()
    send(relay, key, recipient)  # taken, and waits
    assert relay.get("/healthz")[0] == 200

    (artwork / "wordmark.png").unlink()
    relay.wait_for_mail(recipient)
    assert relay.stop() == 0


def test_key_of_another_installation_is_noticed_at_the_start(make_relay: Make) -> None:
    relay = make_relay()
    relay.create_key()
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = Keyring.generate()
    done = relay.run("serve", check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "notify-relay: NOTIFY_RELAY_SECRET_KEY: the secret key is not the one that this database was made with\n"
    )


def test_rotation_waits_for_processes_that_read_the_old_root_only(make_relay: Make) -> None:
    old, new = Keyring.generate(), Keyring.generate()
    relay = make_relay(SECRET_KEY=old).start()
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = f"{new},{old}"
    refused = relay.run("secrets", "rotate", check=False)
    assert refused.returncode == 1
    told = refused.stderr.partition(": nothing was changed: ")[2]
    assert {f"{role}@{socket.gethostname()} (" in told for role in ("smtp", "http", "worker", "feedback")} == {True}
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = old
    assert relay.run("service", "list").returncode == 0  # nothing was: who reads the old root only goes on
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = f"{new},{old}"
    relay.stop()
    relay.start()
    key = relay.create_key()
    assert "re-encrypted" in relay.run("secrets", "rotate").stdout
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = old
    assert "not the one that this database was made with" in relay.run("service", "list", check=False).stderr
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = new
    assert relay.run("service", "list").returncode == 0
    recipient = address()
    send(relay, key, recipient)
    relay.wait_for_mail(recipient)


# -- Roles ---------------------------------------------------------------------------------------------------------


def test_roles_as_two_commands_share_one_database(database: Database, database_url: str, make_relay: Make) -> None:
    both = keys()
    smtp = make_relay("smtp", DATABASE_URL=database_url, SECRET_KEY=both["SECRET_KEY"])  # and no sealing key
    worker = make_relay("worker", DATABASE_URL=database_url, **both)
    key = worker.create_key()
    smtp.start("--role", "smtp")
    recipient = address()
    group = send(smtp, key, recipient)
    assert worker.histories(group)[0]["status"] == "created"
    worker.start("--role", "worker")
    worker.wait_for_mail(recipient)
    assert sorted(smtp.children().values()) == ["ops", "smtp-0"]
    assert sorted(worker.children().values()) == ["ops", "worker-0"]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", worker.port), timeout=2)
    assert smtp.get("/readyz")[0] == worker.get("/readyz")[0] == 200


def test_worker_has_no_certificate_and_tells_none(make_relay: Make) -> None:
    relay = make_relay().start("--role", "worker")
    assert not list((relay.folder / "var").glob("tls.*"))
    assert "relay_certificate_expires_at" not in relay.get("/metrics")[1]


def test_outbox_is_there_from_the_start(make_relay: Make) -> None:
    relay = make_relay().start("--role", "worker")
    assert (relay.folder / "var/outbox").is_dir()


def test_door_that_is_replaced_serves_the_certificate_of_the_start(make_relay: Make) -> None:
    relay = make_relay().start("--role", "smtp")
    (relay.folder / "var/tls.crt").write_text("half of a renewal")
    before = pid_of(relay, "smtp-0")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of(relay, "smtp-0") not in (0, before))
    with connect(relay) as client:
        assert client.ask("EHLO client.example").startswith("250")


def test_sealing_key_is_not_made_for_a_door(make_relay: Make) -> None:
    relay = make_relay().start("--role", "smtp")
    assert not (relay.folder / "var/sealing.key").exists()


def test_postgresql_without_the_schema_is_refused_until_it_is_upgraded(make_relay: Make, postgres_url: str) -> None:
    relay = make_relay(DATABASE_URL=postgres_url, **keys())
    for command in (("serve",), ("service", "list")):
        done = relay.run(*command, check=False)
        assert done.returncode == 1
        assert done.stderr == (
            "notify-relay: the database's schema is not this version's: run `notify-relay db upgrade`\n"
        )
    relay.run("db", "upgrade")
    relay.run("db", "upgrade")
    relay.start().create_key()


def test_serve_gives_up_on_a_database_after_ten_seconds(make_relay: Make) -> None:
    relay = make_relay(DATABASE_URL=f"postgresql+asyncpg://relay:geheim@127.0.0.1:{free_port()}/relay", **keys())
    began = time.monotonic()
    done = relay.run("serve", check=False)
    assert 9 < time.monotonic() - began < 15
    assert done.returncode == 1
    assert "geheim" not in done.stderr
    awaited, told = done.stderr.splitlines()
    assert "database.awaited" in awaited
    assert told.startswith("notify-relay: the database cannot be used: nothing listens at the host and port")


def test_keys_are_asked_for_where_several_machines_share_a_database(
    make_relay: Make, migrated_postgres_url: str
) -> None:
    relay = make_relay(DATABASE_URL=migrated_postgres_url)
    done = relay.run("serve", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("notify-relay: NOTIFY_RELAY_SECRET_KEY is not set: ")
    assert done.stderr.count("\n") == 1


# -- Sockets of a service manager ----------------------------------------------------------------------------------


def test_sockets_of_a_service_manager_are_used_and_keep_their_connections(make_relay: Make) -> None:
    relay = make_relay(PROCESSES=2)
    relay.environment["NOTIFY_RELAY_SMTP__LISTEN"] = "127.0.0.1:1"  # would be refused
    starttls, tls = (socket.create_server(("127.0.0.1", port)) for port in (relay.port, relay.tls_port))
    with starttls, tls:
        key = relay.start_on({"starttls": starttls, "tls": tls}, afresh=True).create_key()
    for _ in range(4):
        recipient = address()
        send(relay, key, recipient)
        relay.wait_for_mail(recipient)
    assert relay.get("/readyz")[0] == 200
    assert relay.stop() == 0


def test_listener_for_devices_is_open_where_it_is_wanted_with_a_warning(make_relay: Make) -> None:
    port = free_port()
    relay = make_relay(SMTP__LISTEN_DEVICES=f"127.0.0.1:{port}", SMTP__DEVICES="192.0.2.0/24=nobodys-key")
    relay.start("--role", "smtp")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as device:
        assert device.recv(100)
    assert f"127.0.0.1:{port} (devices)" in relay.said.decode()
    (warning,) = relay.log_lines("smtp.devices")
    assert warning["level"] == "warning"
    assert warning["networks"] == 1
    assert "192.0.2" not in str(warning)
    assert relay.stop() == 0
    del relay.environment["NOTIFY_RELAY_SMTP__LISTEN_DEVICES"]
    relay.start("--role", "smtp")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=2)
