"""`message find --to` takes a number as people write it: it refused each one, for it has no @ sign."""

import asyncio
from pathlib import Path

from config.database import Database
from config.keyring import Keyring
from tests.harness.relay import Relay
from tests.harness.store import Store
from tests.harness.texts import put_text


async def texted(relay: Relay, root: str) -> str:
    database = Database(f"sqlite+aiosqlite:///{relay.folder}/var/relay.db")
    text = await put_text(Store(database, Keyring.parse(root)), number="+16135550142")
    await database.close()
    return str(text.id)


def test_a_text_is_found_by_the_number_of_its_reader(tmp_path: Path) -> None:
    root = Keyring.generate()
    relay = Relay(tmp_path, SECRET_KEY=root, SEALING_KEY=Keyring.generate())
    message_id = asyncio.run(texted(relay, root))
    for written in ("613-555-0142", "+1 613 555-0142"):
        (found,) = relay.json("message", "find", "--to", written)["messages"]  # type: ignore[misc]
        assert (found["id"], found["recipient"]) == (message_id, "+16135550142")
    refused = relay.run("message", "find", "--to", "nobody", check=False)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
