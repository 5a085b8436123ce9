"""Services whose SES tenant is paused: the worker that met it holds their mail, which goes on when SES sends again."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import structlog

from auth import audit, notices
from auth.notices import Kind, Notice
from config.database import Database
from delivery.guard.reputation import ACTOR
from delivery.providers import ses_tenants
from delivery.providers.base import SendError
from delivery.queue import interventions
from delivery.queue.base import Hold, HoldReason


class TenantGuard:
    """One process of all machines is at it at a time. `open_ses` makes a client of SES."""

    def __init__(
        self,
        database: Database,
        open_ses: Callable[[], AbstractAsyncContextManager[Any]],
        prefix: str,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._open_ses = open_ses
        self._prefix = prefix
        self._now = now
        self._log = structlog.get_logger("guard")

    async def step(self) -> None:
        """Asks SES about each tenant that is held, tells of it, and lifts the hold when it sends."""
        async with self._database.read() as connection:
            holds = [each for each in await interventions.held(connection) if each.reason is HoldReason.TENANT]
        held = {each.service_id: each for each in holds if each.service_id is not None}
        if not held:
            return
        try:
            async with self._open_ses() as client:
                for service_id, hold in held.items():
                    await self._tell(service_id, "paused", hold.since)
                    if await ses_tenants.sends(client, ses_tenants.name(self._prefix, service_id)):
                        await self._lift(service_id, hold)
        except SendError as error:
            self._log.warning("guard.tenants_unavailable", reason=error.reason)

    async def _lift(self, service_id: UUID, hold: Hold) -> None:
        async with self._database.write() as connection:
            await interventions.release(connection, service_id, reason=HoldReason.TENANT)
            before = {"reason": HoldReason.TENANT.value, "since": hold.since}
            await audit.add(
                connection,
                ACTOR,
                self._now(),
                action="queue.release",
                object_kind="queue",
                object_id=service_id,
                service_id=service_id,
                before=before,
                after=None,
            )
        await self._tell(service_id, "lifted", self._now())

    async def _tell(self, service_id: UUID, change: str, at: float) -> None:
        """Once of each hold and its end."""
        notice = Notice(Kind.REPUTATION, f"{service_id} tenant {change} {at}", service_id, {"change": change}, at)
        await self._database.transact(lambda connection: notices.note(connection, [notice]))
