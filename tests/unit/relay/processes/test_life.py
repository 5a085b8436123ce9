"""How a child process ends, by what its body raised."""

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

from auth.errors import BAD_DOMAIN, AuthError
from config.settings import SettingsError
from relay.processes import life
from relay.processes.supervisor import EXIT_CONFIGURATION, Links


@pytest.fixture
def links() -> Iterator[Links]:
    lifeline, ready = os.pipe(), os.pipe()
    yield Links(lifeline[0], ready[1], 0)
    for descriptor in (*lifeline, *ready):
        os.close(descriptor)


@pytest.mark.parametrize("error", [SettingsError("NOTIFY_RELAY_X: no"), AuthError(BAD_DOMAIN, reason="no dot")])
async def test_child_that_starting_again_cannot_help_says_so(links: Links, error: Exception) -> None:
    async def body(stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        raise error

    assert await life.live(body, links) == EXIT_CONFIGURATION


async def test_child_that_lost_its_database_after_the_start_is_replaced(links: Links) -> None:
    async def body(stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        ready()
        raise ConnectionResetError

    assert await life.live(body, links) == 1
