"""The real command with the fake SES beside it, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.database import Database
from config.keyring import Keyring
from tests.fakes.aws import CREDENTIALS
from tests.harness.relay import Relay
from tests.harness.ses_process import Ses


@pytest.fixture
def ses(tmp_path: Path) -> Iterator[Ses]:
    process = Ses(tmp_path / "ses.log")
    yield process
    process.end()


Install = Callable[..., Relay]


@pytest.fixture
def install(tmp_path: Path, database: Database, ses: Ses) -> Iterator[Install]:
    """Makes the test's installation, with further settings; it is ended with the test."""
    made: list[Relay] = []

    def make(**settings: object) -> Relay:
        usual = {
            "DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
            "SECRET_KEY": Keyring.generate(),
            "SEALING_KEY": Keyring.generate(),
            "EMAIL__PROVIDER": "ses",
            "AWS__ENDPOINT_URL": ses.url,
            **CREDENTIALS,
        }
        relay = Relay(tmp_path, **usual | settings)
        made.append(relay)
        return relay

    yield make
    for relay in made:
        relay.end()
