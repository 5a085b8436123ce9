"""What a running relay sends itself: a letter to a contact, an answer to HELP; and who opted out, for operators."""

import asyncio
import json
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.callbacks.owner import Change, Changed, inform_owner
from delivery.feedback.answering import note_answer
from delivery.library import origination
from delivery.store.base import CallbackKind, InboundText
from delivery.store.inbound import Receiving
from tests.harness.relay import Relay

OURS, READER, CONTACT = "+16135550150", "+16135550100", "contact@city.example"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    secrets = {name: Keyring.generate() for name in ("SECRET_KEY", "SEALING_KEY")}
    running = Relay(tmp_path_factory.mktemp("notices"), PROCESSES=1, **secrets).start()
    yield running
    running.end()


async def heard(relay: Relay, service_id: UUID) -> None:
    """As the process that hears from AWS and calls services."""
    database = Database(f"sqlite+aiosqlite:///{relay.folder}/var/relay.db")
    keyring = Keyring.parse(relay.environment["NOTIFY_RELAY_SECRET_KEY"])
    managed, now = origination.self_managed, time.time()
    receiving = Receiving(database, keyring, origination.owners, managed=managed, answer=[note_answer])
    url = "https://hooks.city.example/secret"
    changed = Changed(Change.SUSPENDED, service_id, CallbackKind.STATUS, url, now - 86_400, "dns", now)
    async with database.write() as connection:
        await connection.run_sync(inform_owner, changed)
    told = {"in-1": "STOP", "in-2": "Aide", "in-3": "HELP"}
    await receiving.take([InboundText(name, READER, OURS, words, None) for name, words in told.items()], now)
    await database.close()


def test_a_contact_is_written_to_and_keywords_are_answered_past_the_opt_out(relay: Relay) -> None:
    service = str(relay.create_service("--live", "--contact", CONTACT)["id"])
    relay.run("sender", "add", OURS, "--kind", "long-code", "--service", service, "--self-managed-opt-outs")
    asyncio.run(heard(relay, UUID(service)))

    _, letter = relay.wait_for_mail(CONTACT)
    assert b"hooks.city.example" in letter
    assert b"secret" not in letter
    deadline = time.monotonic() + 60
    while len(files := list((relay.folder / "var/outbox").glob("*.sms.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    texts = [json.loads(each.read_text()) for each in files]
    assert {each["to"] for each in texts} == {READER}
    assert sorted(each["body"].partition(".")[0] for each in texts) == [
        "Passports: notices by text message",
        "Passports: you will get no more texts from this number",
    ]

    (listed,) = relay.json("opt-out", "list", "--service", service)["opt_outs"]  # type: ignore[misc]
    assert listed["number"] == READER
    assert str(listed["since"]).endswith("Z")
    relay.run("opt-out", "remove", "613-555-0100", "--service", service)
    assert relay.json("opt-out", "list", "--service", service)["opt_outs"] == []
    assert relay.run("opt-out", "remove", READER, "--service", service, check=False).returncode == 1
    assert READER not in relay.run("audit", "list").stdout
