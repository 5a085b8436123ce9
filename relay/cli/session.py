"""What a command works with: settings, the two keyrings, and one transaction on the database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import keys, services
from auth.principal import Key, Service
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Settings, load
from relay.wiring import check_roots, load_keyrings, open_database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    connection: AsyncConnection
    settings: Settings
    secret: Keyring
    sealing: Keyring

    @property
    def limits(self) -> Limits:
        return self.settings.limits

    async def key(self, named: str) -> Key:
        """By its id or its user name. Raises AuthError."""
        return await keys.named(self.connection, self.secret, self.limits, named)

    async def service(self, named: str) -> Service:
        """By its id or its name. Raises AuthError."""
        return await services.named(self.connection, self.limits, named)


def read(work: Callable[[Session], Awaitable[T]]) -> T:
    """Runs `work` in a read transaction."""
    return asyncio.run(_run(work, writes=False))


def write(work: Callable[[Session], Awaitable[T]]) -> T:
    """Runs `work` in one write transaction: on disk when this returns, undone when it raises."""
    return asyncio.run(_run(work, writes=True))


def with_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Runs `work` on the database, for stores and queues that make their own transactions."""

    async def run() -> T:
        settings = load()
        async with open_database(settings) as database:
            await check_roots(settings, database)
            return await work(settings, database)

    return asyncio.run(run())


def given(**options: Any) -> dict[str, Any]:
    """The options that were given; 0 and empty text stand for "none of its own"."""
    return {name: value or None for name, value in options.items() if value is not None}


async def _run(work: Callable[[Session], Awaitable[T]], writes: bool) -> T:
    settings = load()
    secret, sealing = load_keyrings(settings)
    async with open_database(settings) as database:
        await check_roots(settings, database)
        async with database.write() if writes else database.read() as connection:
            return await work(Session(connection, settings, secret, sealing))
