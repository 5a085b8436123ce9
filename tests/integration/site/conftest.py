"""One web site for each module of tests: its tests share a loop, a database and what the ones before left there."""

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from config.database import Database
from tests.harness.migrated import template
from tests.harness.site import RunningSite, running_site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    path = tmp_path_factory.mktemp("site") / "relay.db"
    path.write_bytes(template())
    found = Database(f"sqlite+aiosqlite:///{path}", synchronous="OFF")
    yield found
    await found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(database: Database) -> AsyncIterator[RunningSite]:
    async with running_site(database) as found:
        yield found
