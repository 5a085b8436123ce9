"""The schema's history against the tables that the code believes in."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

import delivery.store.tables
import delivery.templates  # noqa: F401 - each import adds its tables to the metadata
from auth import domains, guests, keys, limits, roots, senders, services  # noqa: F401
from config.database import Database, metadata
from delivery import schema


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection:sqlalchemy.exc.SAWarning")  # SQLite's, of substr()
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index:UserWarning")
async def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def difference(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        assert await connection.run_sync(difference) == []


async def test_an_upgraded_database_is_current_and_upgrading_again_changes_nothing(database: Database) -> None:
    assert await schema.is_current(database)
    await schema.upgrade(database)
    assert await schema.is_current(database)


async def test_an_empty_database_is_not_current(database_url: str) -> None:
    handle = Database(database_url)
    assert not await schema.is_current(handle)
    await handle.close()


async def test_many_may_upgrade_at_once(database_url: str) -> None:
    handles = [Database(database_url) for _ in range(4)]
    await asyncio.gather(*(schema.upgrade(handle) for handle in handles))

    assert await schema.is_current(handles[0])
    for handle in handles:
        await handle.close()


async def test_downgrade_leaves_nothing_behind(database: Database) -> None:
    def down(connection: Connection) -> list[str]:
        config: Config = schema._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return inspect(connection).get_table_names()

    async with database.write() as connection:
        assert await connection.run_sync(down) == ["alembic_version"]
