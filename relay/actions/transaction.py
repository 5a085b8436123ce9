"""What an action works with: one transaction, who asks and when, the settings and the two root secrets.

Each action that changes something records it here, in the transaction that makes the change.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import audit, keys, services
from auth.audit import Actor
from auth.principal import Key, Service
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Settings

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transaction:
    connection: AsyncConnection
    settings: Settings
    secret: Keyring
    _sealing: Keyring | None  # None: it is not for who asks, and no action that they may ask for needs it
    actor: Actor
    now: float  # seconds since the epoch

    @property
    def sealing(self) -> Keyring:
        assert self._sealing is not None
        return self._sealing

    @property
    def limits(self) -> Limits:
        return self.settings.limits

    async def key(self, named: str) -> Key:
        """By its id or its user name. Raises AuthError."""
        return await keys.named(self.connection, self.secret, self.limits, named)

    async def service(self, named: str) -> Service:
        """By its id or its name. Raises AuthError."""
        return await services.named(self.connection, self.limits, named)

    async def key_to_change(self, named: str) -> Key:
        """As `key`; nobody else changes it before the transaction ends, so that what was there before is told truly."""
        found = await self.key(named)
        await self._lock(keys.keys, found.id)
        return await keys.find(self.connection, self.secret, self.limits, found.id)

    async def service_to_change(self, named: str) -> Service:
        """As `service`, likewise."""
        found = await self.service(named)
        await self._lock(services.services, found.id)
        return await services.find(self.connection, self.limits, found.id)

    async def _lock(self, table: Table, row_id: UUID) -> None:
        await self.connection.execute(select(table.c.id).where(table.c.id == row_id).with_for_update(key_share=True))

    async def record(
        self,
        action: str,
        kind: str,
        object_id: UUID | str,
        before: Fields | None,
        after: Fields | None,
        *,
        service_id: UUID | None = None,
        sealed: Collection[str] = (),
    ) -> None:
        """Writes into the audit who did it. Where there is a before and an after, only what differs is kept.

        Of the fields `sealed`, which are encrypted where they are, how many entries they have.
        """
        if before is not None and after is not None:
            names = [name for name in after if before.get(name) != after[name]]
            before, after = ({name: each.get(name) for name in names} for each in (before, after))
        await audit.add(
            self.connection,
            self.actor,
            self.now,
            action=action,
            object_kind=kind,
            object_id=object_id,
            service_id=service_id,
            before=_without(before, sealed),
            after=_without(after, sealed),
        )


def _without(fields: Fields | None, sealed: Collection[str]) -> Fields | None:
    if fields is None:
        return None
    return {name: len(value) if name in sealed else value for name, value in fields.items()}


@dataclass(frozen=True, slots=True)
class Transactions:
    """One after the other, of one who asks: for what has to wait for others in between."""

    database: Database
    settings: Settings
    secret: Keyring
    sealing: Keyring | None  # as of Transaction
    actor: Actor
    now: Callable[[], float]  # seconds since the epoch
    open_ses: Callable[[], AbstractAsyncContextManager[Any]]  # a client of it

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """On disk at its end, undone when it raises."""
        async with self.database.write() as connection:
            yield Transaction(connection, self.settings, self.secret, self.sealing, self.actor, self.now())

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        async with self.database.read() as connection:
            yield Transaction(connection, self.settings, self.secret, self.sealing, self.actor, self.now())
