"""What is private stays out of the database's files, the logs and the metrics."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from config.database import Database
from config.keyring import Keyring
from tests.harness.at_work import at_work, open_to_people
from tests.harness.mail import connect, email, group_id, log_in
from tests.harness.postgres import Postgres
from tests.harness.relay import Relay
from tests.harness.site import OPENABLE
from tests.harness.store import Store

Make = Callable[..., Relay]
WORDS = {
    "recipient": "marie.curie.8471",
    "domain": "quiet-harbour.example",
    "guest": "guest.of.honour.5512",
    "sender": "case.worker.9023",
    "subject": "Decision on file Zebra-31",
    "body": "the applicant's number is 046 454 286",
    "attachment": "annex-with-a-telling-name",
}


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


def found_in(files: Iterator[Path], words: list[str]) -> list[tuple[str, str]]:
    hits = []
    for path in files:
        octets = path.read_bytes()
        hits += [(path.name, word) for word in words if word.encode() in octets or word.encode("utf-16-le") in octets]
    return hits


def test_nothing_private_is_in_sqlite_files_logs_or_metrics(make_relay: Make) -> None:
    secret = Keyring.generate()
    relay = make_relay(LOG_LEVEL="debug", CALLBACKS__ALLOW_PRIVATE="true", SECRET_KEY=secret).start()
    url = f"sqlite+aiosqlite:///{relay.folder}/var/relay.db"
    words = [*correspond(relay), *asyncio.run(visit(relay, url, secret))]
    files = [path for path in relay.folder.rglob("*") if path.is_file() and path.parent.name != "outbox"]
    assert {"relay.db", "relay.db-wal", "log"} <= {path.name for path in files}
    assert found_in(iter(files), words) == []
    metrics = relay.get("/metrics")[1]
    assert [word for word in words if word in metrics] == []
    relay.stop()
    files = [path for path in relay.folder.rglob("*") if path.is_file() and path.parent.name != "outbox"]
    assert found_in(iter(files), words) == []


def test_nothing_private_is_in_postgresql_files(make_relay: Make, own_postgres: Postgres) -> None:
    url = own_postgres.take_migrated()
    keys = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = make_relay(DATABASE_URL=url, CALLBACKS__ALLOW_PRIVATE="true", **keys)
    words = [*correspond(relay.start()), *asyncio.run(visit(relay, url, keys["SECRET_KEY"]))]
    relay.stop()
    files = own_postgres.files(url)
    assert found_in(iter(files), ["Passports"])  # the service's name is no secret: this is where they would be
    assert found_in(iter(files), words) == []
    assert found_in(iter([relay.log]), words) == []
