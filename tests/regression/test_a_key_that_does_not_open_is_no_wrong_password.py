"""While roots change, a process may not read what another wrote: who logs in is to try again, not to give up."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from auth import keys
from config import encrypted
from config.database import Database
from config.keyring import Keyring
from tests.harness.http_door import Door as HttpDoor
from tests.harness.http_door import running_door as running_http_door
from tests.harness.migrated import migrated
from tests.harness.smtp_door import Client, Door, plain, running_door

OTHER = Keyring.parse(Keyring.generate())
DAMAGE = {
    # As a process with a newer root writes them.
    "another root": lambda issued: {
        "secret": encrypted.cipher(keys.keys.c.secret, OTHER).encrypt(issued.secret.encode(), issued.key.id.bytes),
        "secret_hash": encrypted.hasher(keys.keys.c.secret, OTHER).hash(issued.secret),
    },
    "whom it allows": lambda issued: {"allowed_senders": b"damaged"},
}


@pytest.fixture
async def smtp(tmp_path: Path) -> AsyncIterator[Door]:
    async with running_door(tmp_path) as door:
        yield door


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[HttpDoor]:
    database = await migrated(f"sqlite+aiosqlite:///{tmp_path}/relay.db", synchronous="OFF")
    async with running_http_door(database) as door:
        yield door
    await database.close()


async def damage(database: Database, issued: keys.Issued, how: str) -> None:
    async with database.write() as connection:
        await connection.execute(
            keys.keys.update().where(keys.keys.c.id == issued.key.id).values(**DAMAGE[how](issued))
        )


@pytest.mark.parametrize("how", DAMAGE)
async def test_by_smtp(smtp: Door, how: str) -> None:
    await damage(smtp.database, smtp.issued["normal"], how)
    client = await Client.connect(smtp, tls=True)
    await client.reply()
    await client.ask("EHLO client.example.org")
    with capture_logs() as logs:
        reply = await client.ask(f"AUTH PLAIN {plain(*smtp.login())}")
    assert reply.startswith("454 4.7.0 ")
    assert {"event": "key.unreadable", "key_id": str(smtp.issued["normal"].key.id)} in [
        {name: each.get(name) for name in ("event", "key_id")} for each in logs
    ]
    assert smtp.issued["normal"].secret not in json.dumps(logs, default=str)
    assert (await client.ask(f"AUTH PLAIN {plain(*smtp.login('team'))}")).startswith("235 ")  # the others work


@pytest.mark.parametrize("how", DAMAGE)
async def test_by_http(http: HttpDoor, how: str) -> None:
    await damage(http.database, http.issued["normal"], how)
    http.clock.ahead_seconds += 5
    for headers in (http.key("normal"), http.bearer("normal")):
        answer = await http.ask("GET", "/v2/templates", headers)
        assert answer.status == 503
    for headers in (http.key("team"), http.bearer("team")):  # the others of the service work
        assert (await http.ask("GET", "/v2/templates", headers)).status == 200
