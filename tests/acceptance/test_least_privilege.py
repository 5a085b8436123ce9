"""Which secrets each process of `serve` holds, in its environment and in its memory, as /proc shows them."""

import base64
import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.keyring import Keyring
from tests.harness.mail import address, send
from tests.harness.proc import descriptors
from tests.harness.relay import Relay
from tests.harness.sampled import sampled
from tests.harness.waiting import wait_until

Make = Callable[..., Relay]
AWS = {"AWS_ACCESS_KEY_ID": "AKIA7XBENCHBENCHBENC", "AWS_SECRET_ACCESS_KEY": "bench/v9Jq2LwY0rTn6sKfUe4HdZc8MxAo1PgQi"}
MAY_HOLD = {
    "supervisor": set(),
    "ops": set(),
    "smtp-0": {"SECRET_KEY"},
    "http-0": {"SECRET_KEY"},
    "site-0": {"SECRET_KEY"},
    "feedback-0": {"SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
    "worker-0": {"SECRET_KEY", "SEALING_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
}


def memory(pid: int) -> Iterator[bytes]:
    """All that a process can write, and so what it was told or found out."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as octets:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if rights.startswith("rw"):
                start, end = (int(each, 16) for each in span.split("-"))
                with contextlib.suppress(OSError):  # of a device
                    octets.seek(start)
                    yield octets.read(end - start)


def held(pid: int, secrets: dict[str, str]) -> set[str]:
    """The names of those that are in its memory, as text or decoded."""
    sought = {name: {value.encode(), _decoded(value)} for name, value in secrets.items()}
    return {
        name for octets in memory(pid) for name, shapes in sought.items() if any(shape in octets for shape in shapes)
    }


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return value.encode()


def pids(relay: Relay) -> dict[str, int]:
    assert relay.process is not None
    return {"supervisor": relay.process.pid} | {name: pid for pid, name in relay.children().items()}


@pytest.fixture(scope="module", params=sampled(["variables", "file", "made"], lambda at: at == 2))
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Relay, dict[str, str]]]:
    """A relay that got its secrets in one of three ways, and what they are."""
    given = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = Relay(
        tmp_path_factory.mktemp("relay"), PROCESSES=1, **AWS, **(given if request.param == "variables" else {})
    )
    if request.param == "file":
        (relay.folder / "relay.toml").write_text(
            "".join(f'{name.lower()} = "{value}"\n' for name, value in given.items())
        )
        relay.environment["NOTIFY_RELAY_CONFIG"] = "relay.toml"
    relay.start(afresh=True, seconds=30)
    if request.param == "made":
        given = {
            name: (relay.folder / "var" / file).read_text().strip()
            for name, file in (("SECRET_KEY", "secret.key"), ("SEALING_KEY", "sealing.key"))
        }
    yield relay, given | AWS
    relay.end()


def test_each_process_holds_what_its_role_needs_and_no_other_secret(started: tuple[Relay, dict[str, str]]) -> None:
    relay, secrets = started
    key = relay.create_key()
    recipient = address()
    send(relay, key, recipient)
    relay.wait_for_mail(recipient)
    worker = pids(relay)["worker-0"]
    os.kill(worker, signal.SIGKILL)  # its successor gets them again
    wait_until(lambda: pids(relay).get("worker-0", worker) != worker)
    recipient = address()
    send(relay, key, recipient)
    relay.wait_for_mail(recipient)

    running = pids(relay)
    assert running.keys() == MAY_HOLD.keys()
    for pid in running.values():  # a setting is none either: a database's URL has a password
        assert not re.search(rb"NOTIFY_RELAY_|AWS_", Path(f"/proc/{pid}/environ").read_bytes())
    assert {name: held(pid, secrets) for name, pid in running.items()} == MAY_HOLD


def test_a_door_can_reach_no_secret_of_others_by_its_descriptors(started: tuple[Relay, dict[str, str]]) -> None:
    relay, _ = started
    for name, pid in pids(relay).items():
        if name != "supervisor":
            assert not [each for each in descriptors(pid) if "memfd" in each], name


def test_a_role_of_its_own_keeps_no_secret_that_it_does_not_need(make_relay: Make) -> None:
    given = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = make_relay(**AWS, **given).start("--role", "smtp", afresh=True, seconds=30)
    found = {name: held(pid, given | AWS) for name, pid in pids(relay).items()}
    assert found == {name: MAY_HOLD[name] for name in ("supervisor", "ops", "smtp-0")}
