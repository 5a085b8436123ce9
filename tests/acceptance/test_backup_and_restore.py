"""Copy, restore and go on as docs/operations.md has it: its commands are taken from it, and run.

A relay on the restored copy goes on, and sends nothing twice: what left since is cancelled before the hold ends.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from config.keyring import Keyring
from tests.conftest import skip_or_fail
from tests.harness.mail import connect
from tests.harness.relay import COMMAND, Credentials, Relay
from tests.harness.sampled import one_database

Make = Callable[..., Relay]
GUIDE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
BLOCKS = dict(re.findall(r"<!-- run: ([a-z ]+) -->\n```\n(.*?)```", GUIDE, re.DOTALL))
RESTORED = "relay_restored"


class Operator:
    """Types what the guide says, where the relay runs."""

    def __init__(self, relay: Relay, folder: Path, database_url: str) -> None:
        self.relay = relay
        command = folder / "notify-relay"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
        command.chmod(0o700)
        plain = make_url(database_url).set(drivername="postgresql")
        self.variables = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "DATABASE": plain.render_as_string(hide_password=False),
            "RESTORED": plain.set(database=RESTORED).render_as_string(hide_password=False),
        }

    def types(self, block: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", BLOCKS[block]],
            cwd=self.relay.folder,
            env=self.relay.environment | self.variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def send(relay: Relay, key: Credentials, recipient: str) -> None:
    with connect(relay, key) as client:
        assert client.submit([recipient]).startswith("250 ")


def status(relay: Relay, recipient: str) -> str:
    (found,) = relay.json("message", "find", "--to", recipient)["messages"]  # type: ignore[misc]
    return str(found["status"])


@one_database("sqlite")
def test_a_relay_on_a_restored_copy_goes_on_and_sends_nothing_twice(
    make_relay: Make, tmp_path: Path, database_url: str
) -> None:
    kind = "sqlite" if "sqlite" in database_url else "postgresql"
    if kind == "postgresql" and not (shutil.which("pg_dump") and shutil.which("createdb")):
        skip_or_fail("NOT RESTORED ON POSTGRESQL: no pg_dump here (Debian: apt-get install postgresql-client)")
    secrets = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    url = "sqlite+aiosqlite:///var/relay.db" if kind == "sqlite" else database_url
    relay = make_relay(PROCESSES=1, DATABASE_URL=url, **secrets)
    (tmp_path / "bin").mkdir()
    operator = Operator(relay, tmp_path / "bin", database_url)
    (relay.folder / "backup").mkdir()
    if kind == "postgresql":
        relay.run("db", "upgrade")
    relay.start(seconds=60)
    key = relay.create_key()
    relay.run("queue", "hold")
    send(relay, key, "before@city.example")

    operator.types(f"{kind} copy")
    send(relay, key, "lost@city.example")
    relay.run("queue", "release")
    relay.wait_for_mail("before@city.example")
    relay.stop()
    shutil.copy(relay.log, relay.folder / "relay.log")

    if kind == "postgresql":
        restored = make_url(database_url).set(database=RESTORED).render_as_string(hide_password=False)
        relay.environment["NOTIFY_RELAY_DATABASE_URL"] = restored
    operator.types(f"{kind} restore")
    relay.start(seconds=60)
    assert status(relay, "before@city.example") == "created"  # it waits again
    send(relay, key, "after@city.example")
    said = operator.types("go on")
    assert "1 messages are cancelled" in said
    relay.wait_for_mail("after@city.example")
    relay.stop()

    assert status(relay, "before@city.example") == "cancelled"
    assert relay.json("message", "find", "--to", "lost@city.example")["messages"] == []
    assert sorted(Counter(line["message_id"] for line in relay.log_lines("message.attempted")).values()) == [1, 1, 1]


def test_the_guide_has_each_step() -> None:
    steps = {f"{kind} {step}" for kind in ("sqlite", "postgresql") for step in ("copy", "restore")}
    assert BLOCKS.keys() == steps | {"go on"}
