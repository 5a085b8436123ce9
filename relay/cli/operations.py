"""notify-relay db, queue and secrets: what operators ask and do."""

import asyncio
import time
from typing import Any

import typer

from config.database import Database
from config.settings import Settings, SettingsError, load
from delivery import grants, rotation, schema
from delivery.queue.base import Hold
from delivery.queue.sql import SqlQueue
from messages.text import Text
from relay import wiring
from relay.actions import holds
from relay.actions import queue as changing
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.output import Json, done, say, show, show_list, spoken
from relay.cli.session import read, with_database, write
from relay.plain import moment, plain


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

    @app.command("grant", help=texts.DB_GRANT)
    def grant(as_json: Json = False) -> None:
        asyncio.run(_grant(load()))
        users = list(grants.GRANTS)
        done({"granted": users}, as_json, texts.DB_GRANTED, users=", ".join(users))

    return app


def queue_commands() -> typer.Typer:
    app = typer.Typer(help=texts.QUEUE, no_args_is_help=True)

    @app.command("stats", help=texts.QUEUE_STATS)
    def stats(as_json: Json = False) -> None:
        found = with_database(lambda _, database: SqlQueue(database).stats(time.time()))
        rows = [{"lane": lane.value, **plain(waits)} for lane, waits in found.lanes.items()]
        held = sorted(texts.QUEUE_OF_ALL if service is None else str(service) for service in found.held)
        if as_json:
            show({"lanes": rows, "held": held}, as_json)
            return
        for row in rows:
            row["oldest_seconds"] = round(row["oldest_seconds"])
        show_list("lanes", rows, tuple(rows[0]), as_json)
        say(texts.QUEUE_ON_HOLD, held=" ".join(map(spoken, held)) or Text(texts.NOTHING))

    @app.command("holds", help=texts.QUEUE_HOLDS)
    def list_holds(service: OfServiceIfAny = None, as_json: Json = False) -> None:
        found = read(lambda t: holds.every(t, service))
        rows = [_hold_row(each) for each in found]
        if not as_json:
            for row in rows:
                row["service_id"] = row["service_id"] or texts.QUEUE_OF_ALL
                row["lifts"] = spoken(row["lifts"])
        show_list("holds", rows, ("service_id", "lane", "reason", "since", "lifts"), as_json)

    @app.command("hold", help=texts.QUEUE_HOLD)
    def hold(service: OfServiceIfAny = None, as_json: Json = False) -> None:
        owner = write(lambda t: changing.hold(t, service))
        said = texts.QUEUE_HELD if owner is None else texts.QUEUE_HELD_OF
        done({"service_id": owner, "held": True}, as_json, said, id=owner)

    @app.command("release", help=texts.QUEUE_RELEASE)
    def release(service: OfServiceIfAny = None, as_json: Json = False) -> None:
        owner = write(lambda t: changing.release(t, service))
        said = texts.QUEUE_RELEASED if owner is None else texts.QUEUE_RELEASED_OF
        done({"service_id": owner, "held": False}, as_json, said, id=owner)

    @app.command("retry", help=texts.QUEUE_RETRY)
    def retry(service: OfServiceIfAny = None, as_json: Json = False) -> None:
        count, owner = write(lambda t: changing.retry(t, service))
        done({"service_id": owner, "due": count}, as_json, texts.QUEUE_RETRIED, count=count)

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


def _hold_row(each: Hold) -> dict[str, Any]:
    row = plain(each)
    return row | {"since": moment(each.since), "lifts": texts.QUEUE_LIFTS[each.reason.value]}


async def _grant(settings: Settings) -> None:
    if settings.is_sqlite:
        raise SettingsError(texts.DB_NO_USERS)
    async with wiring.open_database(settings) as database, database.write() as connection:
        if missing := await grants.missing(connection):
            raise SettingsError(texts.DB_USERS_MISSING, users=", ".join(missing))
        await grants.apply(connection)
