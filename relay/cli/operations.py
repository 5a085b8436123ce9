"""notify-relay db and secrets: what operators ask and do."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from config import backup
from config.database import Database
from config.settings import Settings, SettingsError, load
from delivery import grants, rotation, schema
from relay import wiring
from relay.cli import texts
from relay.cli.output import Json, done
from relay.cli.session import with_database

BackupFile = Annotated[Path, typer.Argument(metavar=texts.PREVIEW_FILE, help=texts.DB_BACKUP_FILE)]


def database_commands() -> typer.Typer:
    app = typer.Typer(help=texts.DB, no_args_is_help=True)

    @app.command("upgrade", help=texts.DB_UPGRADE)
    def upgrade(as_json: Json = False) -> None:
        async def run() -> None:
            database = Database(load().database_url, statement_seconds=None)  # an index of millions of rows takes long
            try:
                await schema.upgrade(database)
            finally:
                await database.close()

        asyncio.run(run())
        done({"current": True}, as_json, texts.DB_CURRENT)

    @app.command("backup", help=texts.DB_BACKUP)
    def back_up(file: BackupFile, as_json: Json = False) -> None:
        settings = load()
        if not settings.is_sqlite:
            raise SettingsError(texts.DB_BACKUP_POSTGRESQL)
        backup.copy(Path(make_url(settings.database_url).database or ""), file)
        done({"file": str(file), "octets": file.stat().st_size}, as_json, texts.DB_BACKED_UP, file=file)

    @app.command("grant", help=texts.DB_GRANT)
    def grant(as_json: Json = False) -> None:
        asyncio.run(_grant(load()))
        users = list(grants.GRANTS)
        done({"granted": users}, as_json, texts.DB_GRANTED, users=", ".join(users))

    return app


def secrets_commands() -> typer.Typer:
    app = typer.Typer(help=texts.SECRETS, no_args_is_help=True)

    @app.command("rotate", help=texts.SECRETS_ROTATE)
    def rotate(as_json: Json = False) -> None:
        async def run(settings: Settings, database: Database) -> int:
            secret, sealing = wiring.load_keyrings(settings)
            return await rotation.rotate(database, secret, sealing, time.time)

        count = with_database(run)
        done({"reencrypted": count}, as_json, texts.SECRETS_ROTATED, count=count)

    @app.callback()
    def secrets() -> None:
        """Keeps `rotate` a word of its own while it is the only command here."""

    return app


async def _grant(settings: Settings) -> None:
    if settings.is_sqlite:
        raise SettingsError(texts.DB_NO_USERS)
    async with wiring.open_database(settings) as database, database.write() as connection:
        if missing := await grants.missing(connection):
            raise SettingsError(texts.DB_USERS_MISSING, users=", ".join(missing))
        await grants.apply(connection)
