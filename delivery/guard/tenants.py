"""Services whose SES tenant is paused: the worker that met it holds their mail, which goes on when SES sends again."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
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
        told = [_notice(service_id, {"change": "paused"}, hold.since) for service_id, hold in held.items()]
        await self._database.transact(partial(notices.note, noted=told))
        try:
            async with self._open_ses() as client:
                for service_id, hold in held.items():
                    await self._look(client, service_id, hold)
        except SendError as error:
            self._log.warning("guard.tenants_unavailable", reason=error.reason)

    async def _look(self, client: Any, service_id: UUID, hold: Hold) -> None:
        """One that SES does not answer for keeps no other waiting."""
        try:
            sends = await ses_tenants.sends(client, ses_tenants.name(self._prefix, service_id))
        except SendError as error:
            self._log.warning("guard.tenants_unavailable", service_id=str(service_id), reason=error.reason)
            return
        if sends:
            await self._lift(service_id, hold)

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
            still = await interventions.reasons(connection, service_id)
            lifted = _notice(service_id, {"change": "lifted", "still": still}, self._now())
            await connection.run_sync(notices.note, [lifted])


def _notice(service_id: UUID, said: Mapping[str, Any], at: float) -> Notice:
    """The same for the same hold, or its end."""
    return Notice(Kind.REPUTATION, f"{service_id} tenant {said['change']} {at}", service_id, said, at)
