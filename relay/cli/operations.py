"""notify-relay db, message, queue and secrets: what operators ask and do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from auth import services
from auth.errors import AuthError
from config.database import Database
from config.settings import Settings, load
from delivery import rotation, schema
from delivery.queue.sql import SqlQueue
from delivery.store.base import History
from delivery.store.sql import SqlStore
from messages.message import Message
from relay import wiring
from relay.cli import texts
from relay.cli.output import Json, plain, show, show_list

T = TypeVar("T")
OfService = Annotated[UUID | None, typer.Option("--service", help=texts.OF_SERVICE)]


def database_commands() -> typer.Typer:
    app = typer.Typer(help=texts.DB, no_args_is_help=True)

    @app.command("upgrade", help=texts.DB_UPGRADE)
    def upgrade() -> None:
        async def run() -> None:
            database = Database(load().database_url)
            try:
                await schema.upgrade(database)
            finally:
                await database.close()

        asyncio.run(run())
        typer.echo(texts.DB_CURRENT)

    return app


def message_commands() -> typer.Typer:
    app = typer.Typer(help=texts.MESSAGE, no_args_is_help=True)

    @app.command("show", help=texts.MESSAGE_SHOW)
    def show_one(message_id: Annotated[UUID, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
        async def find(settings: Settings, database: Database) -> list[History]:
            store = SqlStore(database, wiring.secret_keyring(settings))
            found = await store.history(message_id)
            if found is not None:
                return [found]
            # The reply to an SMTP client names the group: take its id, too.
            return [h for each in await store.group(message_id) if (h := await store.history(each)) is not None]

        rows = [_history(history) for history in _with_database(find)]
        if not rows:
            raise AuthError(texts.NO_MESSAGE, id=message_id)
        if as_json:
            show(rows[0] if rows[0]["id"] == str(message_id) else {"messages": rows}, as_json)
            return
        for row in rows:
            tries = row.pop("attempts")
            show(row, as_json)
            if tries:
                columns = ("number", "provider", "started_at", "ended_at", "outcome", "reason")
                show_list("attempts", tries, columns, as_json)
            typer.echo()

    return app


def _history(history: History) -> dict[str, Any]:
    message: Message = history.message
    row = plain(message) | {"recipient": str(message.recipient), "reason": history.reason}
    row |= {"waiting_until": history.waiting_until, "attempts": [plain(attempt) for attempt in history.attempts]}
    return row


def queue_commands() -> typer.Typer:
    app = typer.Typer(help=texts.QUEUE, no_args_is_help=True)

    @app.command("stats", help=texts.QUEUE_STATS)
    def stats(as_json: Json = False) -> None:
        found = _with_queue(lambda queue: queue.stats(time.time()))
        rows = [{"lane": lane.value, **plain(waits)} for lane, waits in found.lanes.items()]
        held = sorted("all" if service is None else str(service) for service in found.held)
        if as_json:
            show({"lanes": rows, "held": held}, as_json)
            return
        for row in rows:
            row["oldest_seconds"] = round(row["oldest_seconds"])
        show_list("lanes", rows, tuple(rows[0]), as_json)
        typer.echo(texts.QUEUE_ON_HOLD.format(held=" ".join(held) or texts.NOTHING))

    @app.command("hold", help=texts.QUEUE_HOLD)
    def hold(service: OfService = None) -> None:
        _with_queue(lambda queue: queue.hold(service), service)
        typer.echo(texts.QUEUE_HELD.format(whose=_whose(service)))

    @app.command("release", help=texts.QUEUE_RELEASE)
    def release(service: OfService = None) -> None:
        _with_queue(lambda queue: queue.unhold(service), service)
        typer.echo(texts.QUEUE_RELEASED.format(whose=_whose(service)))

    @app.command("retry", help=texts.QUEUE_RETRY)
    def retry(service: OfService = None) -> None:
        count = _with_queue(lambda queue: queue.retry(time.time(), service), service)
        typer.echo(texts.QUEUE_RETRIED.format(count=count))

    return app


def secrets_commands() -> typer.Typer:
    app = typer.Typer(help=texts.SECRETS, no_args_is_help=True)

    @app.command("rotate", help=texts.SECRETS_ROTATE)
    def rotate() -> None:
        async def run(settings: Settings, database: Database) -> int:
            return await rotation.rotate(database, *wiring.load_keyrings(settings))

        typer.echo(texts.SECRETS_ROTATED.format(count=_with_database(run)))

    @app.callback()
    def secrets() -> None:
        """Keeps `rotate` a word of its own while it is the only command here."""

    return app


def _whose(service_id: UUID | None) -> str:
    return texts.QUEUE_OF_ALL if service_id is None else texts.QUEUE_OF_SERVICE.format(id=service_id)


def _with_queue(work: Callable[[SqlQueue], Awaitable[T]], service_id: UUID | None = None) -> T:
    """Raises AuthError when a service is named that does not exist."""

    async def run(settings: Settings, database: Database) -> T:
        if service_id is not None:
            async with database.read() as connection:
                await services.find(connection, settings.limits, service_id)
        return await work(SqlQueue(database))

    return _with_database(run)


def _with_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = load()
        async with wiring.open_database(settings) as database:
            await wiring.check_roots(settings, database)
            return await work(settings, database)

    return asyncio.run(run())
