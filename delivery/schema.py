"""The schema's history (Alembic, additive only): bringing a database up to it, and telling whether it is.

Additive only, because the previous version's processes go on running on the new schema during an upgrade.
"""

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import migrations
from config.database import Database

_LOCK = 0x6E6F7469667972  # any number of our own, for PostgreSQL's advisory lock


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(migrations)))
    return config


async def upgrade(database: Database) -> None:
    """Brings the database to the newest schema, in one transaction, one process at a time."""

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.write() as connection:  # on SQLite the write turn is the lock
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK})
        await connection.run_sync(run)


async def is_current(database: Database) -> bool:
    """Whether the database has the schema that this version was written for."""

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.read() as connection:
        return await connection.run_sync(revision) == ScriptDirectory.from_config(_config()).get_current_head()
