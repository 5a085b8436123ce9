"""What is private stays out of the database's files, the logs and the metrics."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.database import Database
from config.keyring import Keyring
from tests.harness.at_work import at_work, open_to_people
from tests.harness.mail import connect, email, group_id, log_in
from tests.harness.postgres import Postgres
from tests.harness.relay import Relay
from tests.harness.sampled import sampled
from tests.harness.site import OPENABLE
from tests.harness.store import Store

WORDS = {
    "recipient": "marie.curie.8471",
    "domain": "quiet-harbour.example",
    "guest": "guest.of.honour.5512",
    "sender": "case.worker.9023",
    "subject": "Decision on file Zebra-31",
    "body": "the applicant's number is 046 454 286",
    "attachment": "annex-with-a-telling-name",
}


@dataclass(frozen=True)
class Place:
    """A relay, and where it keeps what it has."""

    relay: Relay
    url: str  # of its database
    of_server: Callable[[], list[Path]]

    def files(self) -> list[Path]:
        mine = (path for path in self.relay.folder.rglob("*") if path.is_file() and path.parent.name != "outbox")
        return [*mine, *self.of_server()]


def correspond(relay: Relay) -> list[str]:
    """Makes a service, sends by it, in the ways that write; everything private that was said."""
    service = str(relay.create_service("--trial")["id"])
    recipient, guest = f"{WORDS['recipient']}@{WORDS['domain']}", f"{WORDS['guest']}@{WORDS['domain']}"
    for each in (recipient, guest):
        relay.run("service", "guest", "add", service, each)
    key = relay.create_key(service=service)
    content = email(WORDS["subject"], WORDS["body"] + "\n", To=recipient, Cc=guest)
    content.add_attachment(WORDS["body"] * 20_000, filename=WORDS["attachment"])  # large: stored in parts
    with connect(relay, key) as client:
        sender = f"{WORDS['sender']}@{WORDS['domain']}"
        group = group_id(client.submit([recipient, guest], content.as_bytes(), sender), 2)
        assert client.submit([f"stranger.{recipient}"]).startswith("550 ")
        assert client.submit([recipient], b"\r\n" + WORDS["body"].encode()).startswith("554 ")
    for username in (key.api_key, key.username + "x"):
        assert log_in(relay, username, key.password + "0").startswith("535 ")
    relay.wait_for_status(group, "delivered")
    secret = key.api_key[-36:]
    return [*WORDS.values(), key.password, secret, key.api_key, key.username + "x"]


async def visit(relay: Relay, url: str, secret: str) -> list[str]:
    """Everything private that a person typed or was shown at the web site, where they did everything once."""
    await asyncio.to_thread(open_to_people, relay)
    database = Database(url)
    try:
        async with at_work(relay, Store(database, Keyring.parse(secret))) as amala:
            await amala.everything(OPENABLE)
            return amala.private
    finally:
        await database.close()


def found_in(files: list[Path], words: list[str]) -> list[tuple[str, str]]:
    hits = []
    for path in files:
        octets = path.read_bytes()
        hits += [(path.name, word) for word in words if word.encode() in octets or word.encode("utf-16-le") in octets]
    return hits


@pytest.fixture(params=sampled(["sqlite", "postgresql"], lambda at: at == 0))
def place(request: pytest.FixtureRequest, make_relay: Callable[..., Relay]) -> Place:
    roots = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    settings = {"LOG_LEVEL": "debug", "CALLBACKS__ALLOW_PRIVATE": "true", **roots}
    if request.param == "sqlite":
        relay = make_relay(**settings)
        return Place(relay, f"sqlite+aiosqlite:///{relay.folder}/var/relay.db", list)
    server: Postgres = request.getfixturevalue("own_postgres")
    url = server.take_migrated()
    return Place(make_relay(DATABASE_URL=url, **settings), url, lambda: server.files(url))


def test_nothing_private_is_in_files_logs_or_metrics(place: Place) -> None:
    relay = place.relay.start()
    secret = relay.environment["NOTIFY_RELAY_SECRET_KEY"]
    words = [*correspond(relay), *asyncio.run(visit(relay, place.url, secret))]
    written = {"log"} if place.of_server() else {"log", "relay.db", "relay.db-wal"}
    assert written <= {path.name for path in place.files()}
    assert found_in(place.files(), ["Passports"])  # a service's name is no secret: this is where they would be
    assert found_in(place.files(), words) == []
    metrics = relay.get("/metrics")[1]
    assert [word for word in words if word in metrics] == []
    relay.stop()
    assert found_in(place.files(), words) == []
