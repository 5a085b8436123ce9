"""What operators see: probes, metrics of all processes together, and one log line per step of a message."""

import json
import re
import time
from collections.abc import Callable
from uuid import uuid4

from config.keyring import Keyring
from tests.harness.mail import address, connect, group_id, log_in
from tests.harness.relay import Credentials, Relay
from tests.harness.waiting import wait_until

Make = Callable[..., Relay]
NAMES = (
    "relay_submissions_total",
    "relay_accept_seconds",
    "relay_smtp_connections",
    "relay_auth_failures_total",
    "delivery_queue_depth",
    "delivery_queue_oldest_seconds",
    "delivery_attempts_total",
    "delivery_attempt_seconds",
    "delivery_seconds",
    "delivery_messages_total",
    "relay_build_info",
    "relay_certificate_expires_at",
)


def metric(relay: Relay, sample: str) -> float:
    text = relay.get("/metrics")[1]
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_probes_answer(relay: Relay) -> None:
    assert relay.get("/healthz") == (200, "ok\n")
    status, body = relay.get("/readyz")
    assert (status, json.loads(body)) == (200, {"database": "ok", "smtp": "ok", "http": "ok", "site": "ok"})
    assert relay.get("/somewhere-else")[0] == 404


COUNTED = (
    'relay_submissions_total{door="smtp",outcome="accepted"}',
    "relay_accept_seconds_count",
    'delivery_attempts_total{outcome="relayed",provider="outbox"}',
    'delivery_attempt_seconds_count{provider="outbox"}',
    'delivery_seconds_count{channel="email",lane="normal",stage="relayed"}',
    'delivery_messages_total{channel="email",status="delivered"}',
)


def test_metrics_sum_over_processes_and_name_nobody(relay: Relay, key: Credentials) -> None:
    before = [metric(relay, sample) for sample in COUNTED]
    failures = metric(relay, 'relay_auth_failures_total{reason="credentials"}')
    recipients = [address(str(number)) for number in range(12)]
    for recipient in recipients:  # a connection each: the kernel spreads them over both doors
        with connect(relay, key) as client:
            assert group_id(client.submit([recipient]))
    assert log_in(relay, "nobody-here", "x").startswith("535 ")
    for recipient in recipients:
        relay.wait_for_mail(recipient)
    # A metric follows its file in the outbox by the length of a commit.
    wait_until(lambda: metric(relay, COUNTED[-1]) >= before[-1] + 12)
    assert [metric(relay, sample) for sample in COUNTED] == [value + 12 for value in before]
    assert metric(relay, 'relay_auth_failures_total{reason="credentials"}') == failures + 1
    text = relay.get("/metrics")[1]
    for name in NAMES:
        assert re.search(rf"^# TYPE {name} ", text, re.MULTILINE), name
    assert metric(relay, 'delivery_queue_depth{lane="normal"}') == 0
    assert metric(relay, "relay_certificate_expires_at") > time.time() + 300 * 86400
    for word in ("@", "example.org", "pid=", key.username, key.password, key.service_id):
        assert word not in text


def test_open_connections_are_counted_over_all_doors(relay: Relay, key: Credentials) -> None:
    before = metric(relay, "relay_smtp_connections")
    clients = [connect(relay, key) for _ in range(6)]
    assert metric(relay, "relay_smtp_connections") == before + 6
    for client in clients:
        client.quit()
    wait_until(lambda: metric(relay, "relay_smtp_connections") == before)


def test_each_message_has_one_line_when_accepted_and_one_when_attempted(relay: Relay, key: Credentials) -> None:
    with connect(relay, key) as client:
        group = group_id(client.submit([address(), address()]), 2)
    histories = relay.wait_for_status(group, "delivered")
    lines = [line for line in relay.log_lines() if line.get("group_id") == group]
    accepted = [line for line in lines if line["event"] == "message.accepted"]
    attempted = [line for line in lines if line["event"] == "message.attempted"]
    assert len(lines) == 3
    assert len(accepted) == 1
    assert (accepted[0]["recipients"], accepted[0]["service_id"]) == (2, key.service_id)
    assert sorted(str(line["message_id"]) for line in attempted) == sorted(str(each["id"]) for each in histories)


def test_refused_message_has_one_line_too(relay: Relay, key: Credentials) -> None:
    before = len([line for line in relay.log_lines() if line["event"] == "message.refused"])
    with connect(relay, key) as client:
        assert client.submit([address()], b"\r\nno header section\r\n").startswith("554 ")
    refused = [line for line in relay.log_lines() if line["event"] == "message.refused"]
    assert len(refused) == before + 1
    assert (refused[-1]["code"], refused[-1]["enhanced"]) == (554, "5.6.0")


def lane(stats: dict[str, object], name: str) -> dict[str, object]:
    lanes = stats["lanes"]
    assert isinstance(lanes, list)
    return next(each for each in lanes if each["lane"] == name)


def test_held_queue_keeps_messages_until_it_is_released(relay: Relay, key: Credentials) -> None:
    relay.run("queue", "hold")
    recipient = address()
    with connect(relay, key) as client:
        group = group_id(client.submit([recipient]))
    time.sleep(0.5)
    stats = relay.json("queue", "stats")
    assert lane(stats, "normal")["waiting"] == 1
    assert stats["held"] == ["all"]
    assert metric(relay, 'delivery_queue_depth{lane="normal"}') == 1
    assert relay.histories(group)[0]["status"] == "created"
    relay.run("queue", "release")
    relay.wait_for_mail(recipient)


def test_queue_stats_tell_what_waits_for_what_and_who_is_on_hold(relay: Relay, key: Credentials) -> None:
    relay.run("queue", "hold", "--service", key.service_id)
    with connect(relay, key) as client:
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        content = f"From: me@example.ca\r\nX-Notify-Scheduled-For: {later}\r\n\r\nx\r\n"
        group = group_id(client.submit([address()], content.encode()))
    stats = relay.json("queue", "stats")
    scheduled = lane(stats, "normal")["scheduled"]
    assert stats["held"] == [key.service_id]
    printed = relay.run("queue", "stats").stdout.splitlines()
    relay.run("queue", "release", "--service", key.service_id)
    assert (scheduled, relay.histories(group)[0]["status"]) == (1, "created")
    assert printed[0].split() == [
        "lane",
        "waiting",
        "oldest_seconds",
        "deferred",
        "scheduled",
        "parked",
        "claimed",
        "paced",
        "held",
    ]
    assert printed[-1] == f"on hold: {key.service_id}"


def test_hold_and_release_say_what_they_did_and_know_their_services(relay: Relay, key: Credentials) -> None:
    held = relay.run("queue", "hold", "--service", key.service_id).stdout
    released = relay.run("queue", "release", "--service", key.service_id).stdout
    assert held.count("\n") == released.count("\n") == 1
    assert key.service_id in held
    assert key.service_id in released
    unknown = str(uuid4())
    for command in ("hold", "release", "retry"):
        done = relay.run("queue", command, "--service", unknown, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"notify-relay: there is no service {unknown}; see: notify-relay service list\n"
    assert relay.json("queue", "stats")["held"] == []


def test_check_finds_nothing_to_mend_on_a_good_relay(relay: Relay) -> None:
    results = relay.json("check")["checks"]
    assert isinstance(results, list)
    assert {each["result"] for each in results} == {"ok"}


def test_check_notices_a_secret_of_another_installation(make_relay: Make) -> None:
    relay = make_relay()
    relay.create_key()
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = Keyring.generate()
    done = relay.run("check", check=False)
    assert done.returncode == 1
    (row,) = [line for line in done.stdout.splitlines() if "PROBLEM" in line]
    assert row.split()[0] == "secrets"
    assert "NOTIFY_RELAY_SECRET_KEY: the secret key is not the one that this database was made with" in row


def test_check_leaves_no_proof_of_a_secret_in_the_database(make_relay: Make) -> None:
    relay = make_relay()
    relay.run("check", check=False)  # the first command of an installation: the database is made, and nothing proved
    relay.environment["NOTIFY_RELAY_SECRET_KEY"] = Keyring.generate()
    relay.create_key()


def test_records_to_publish_stand_in_blocks_that_fit_a_terminal(relay: Relay) -> None:
    *blocks, zone, selectors = relay.run("domain", "show").stdout.strip().split("\n\n")
    assert len(blocks) == len(zone.splitlines()[1:]) == 4
    assert selectors.endswith(": signs")
    for block in blocks:
        assert [line.split()[0] for line in block.splitlines()] == ["purpose", "name", "type", "value"]


def test_certificate_metric_is_about_the_certificate_in_use(make_relay: Make) -> None:
    relay = make_relay().start()
    before = metric(relay, "relay_certificate_expires_at")
    assert before > time.time() + 300 * 86400
    for name in ("tls.crt", "tls.key"):  # renewed, and not yet read by the doors
        (relay.folder / "var" / name).unlink()
    assert metric(relay, "relay_certificate_expires_at") == before
