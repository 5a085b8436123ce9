"""The schema's history (Alembic, additive only): bringing a database up to it, and telling whether it is.

Additive only, because the previous version's processes go on running on the new schema during an upgrade.
"""

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

import migrations
from config.database import Database, hold

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 0x6E6F7469667972  # any number of our own, for PostgreSQL's advisory lock


_VERSION = table("alembic_version", column("version_num"))


def history() -> "Config":
    """The migrations, as Alembic's commands take them."""
    from alembic.config import Config  # here: most who look at a database find it current, and need no Alembic

    config = Config()
    config.set_main_option("script_location", str(resources.files(migrations)))
    return config


async def upgrade(database: Database) -> None:
    """Brings the database to the newest schema, in one transaction, one process at a time."""

    from alembic import command

    def run(connection: Connection) -> None:
        config = history()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.write() as connection:
        await connection.run_sync(hold, _LOCK)
        await connection.run_sync(run)


async def is_current(database: Database) -> bool:
    """Whether the database has the schema that this version was written for."""

    def revision(connection: Connection) -> str | None:
        if not inspect(connection).has_table(_VERSION.name):
            return None
        found: str | None = connection.execute(select(_VERSION.c.version_num)).scalar()
        return found

    async with database.read() as connection:
        return await connection.run_sync(revision) == head()


def head() -> str:
    """The newest revision: each is the number that its file's name begins with."""
    files = resources.files(migrations).joinpath("versions").iterdir()
    return max(file.name.partition("_")[0] for file in files if file.name[:1].isdigit())
