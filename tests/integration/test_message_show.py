"""notify-relay message show: every time of a message in the same words."""

import asyncio
from pathlib import Path

import pytest

from config.database import Database
from config.keyring import Keyring
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import put
from tests.integration.conftest import Answer, Run

ROOT = Keyring.generate()


@pytest.fixture
def settings() -> dict[str, str]:
    return {"SECRET_KEY": ROOT}


def test_what_waits_says_until_when_as_it_says_all_times(run: Run, answer: Answer, tmp_path: Path) -> None:
    sent = message(scheduled_for=NOW + 600)

    async def store() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/relay.db")
        await put(Store(database, Keyring.parse(ROOT)), sent)
        await database.close()

    asyncio.run(store())
    shown = answer("message", "show", sent.id)
    assert shown["created_at"].endswith("T12:00:00Z")
    assert shown["waiting_until"] == shown["scheduled_for"] == shown["created_at"].replace("12:00:00", "12:10:00")
    assert f"waiting_until        {shown['waiting_until']}" in run("message", "show", sent.id)[1]
