"""One web site for each module of tests: its tests share a loop, a database and what the ones before left there.

On SQLite, or where a module says ON_POSTGRESQL, on PostgreSQL as the user `relay_site`.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from config.database import Database
from delivery import grants
from tests.harness.migrated import template
from tests.harness.site import RunningSite, running_site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = f"{Path(__file__).parent}/"
    for item in items:
        if str(item.path).startswith(here) and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Database, Database]]:
    """An owner's and the site's: one file of SQLite, and of PostgreSQL with what the site's user is granted there."""
    if not getattr(request.module, "ON_POSTGRESQL", False):
        path = tmp_path_factory.mktemp("site") / "relay.db"
        path.write_bytes(template())
        owner = own = Database(f"sqlite+aiosqlite:///{path}", synchronous="OFF")
    else:
        server = request.getfixturevalue("postgres")
        url = server.take_migrated()
        server.create_users(url)
        server.log_refusals(url)
        owner, own = Database(url), Database(url.replace("//relay@", "//relay_site@"))
        async with owner.write() as connection:
            await grants.apply(connection)
    yield owner, own
    await asyncio.gather(*(each.close() for each in {owner, own}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(databases: tuple[Database, Database]) -> Database:
    return databases[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site_database(databases: tuple[Database, Database]) -> Database:
    return databases[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(database: Database, site_database: Database) -> AsyncIterator[RunningSite]:
    async with running_site(database, own=site_database) as found:
        yield found
