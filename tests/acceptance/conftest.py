"""A running relay for all tests that need nothing special of it: SQLite, the outbox; in CI two processes of a kind."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.api import LISTED, VALUES, Api, Office, open_office
from tests.harness.mail import address
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import IS_WHOLE

Make = Callable[..., Relay]


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    running = Relay(tmp_path_factory.mktemp("relay"), PROCESSES=2 if IS_WHOLE else 1).start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def key(relay: Relay) -> Credentials:
    """A normal key of a live service."""
    return relay.create_key()


@pytest.fixture(scope="session")
def author_key(relay: Relay) -> Credentials:
    """Of a service whose mail is answered to whoever wrote it."""
    return relay.create_key(service=str(relay.create_service("--live", "--reply-to", "any")["id"]))


@pytest.fixture(scope="session")
def office(relay: Relay) -> Office:
    """A service that uses the HTTP door."""
    return open_office(relay)


@pytest.fixture(scope="session")
def listed(office: Office) -> str:
    """The reference of more messages than a page of the API holds."""
    reference = f"batch {os.urandom(8).hex()}"
    api = Api(office.relay, office.key)
    for number in range(LISTED):
        message = office.message(address(), reference=reference, personalisation={**VALUES, "number": number})
        assert api.post(message).status == 201
    api.close()
    return reference


@pytest.fixture
def make_relay(tmp_path: Path) -> Iterator[Make]:
    """Makes relays with settings of their own, not started; ends them after the test."""
    made: list[Relay] = []

    def make(name: str = "relay", **settings: Any) -> Relay:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        made.append(Relay(folder, **{"PROCESSES": 1, **settings}))
        return made[-1]

    yield make
    for relay in made:
        relay.end()
