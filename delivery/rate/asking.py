"""What the provider grants, asked by one process of all machines at a time, for all of them."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog

from config.database import OUTAGES, Database
from delivery.providers.base import Deferred, SendError, Unknown
from delivery.providers.ses_account import account as ask
from delivery.rate import shared
from delivery.rounds import outlived, wait

EVERY_SECONDS = 60.0  # SES takes one such call a second, of all that we ask it
_AGAIN_SECONDS = 5.0  # where it was not reached, or erred
_ROUND_SECONDS = 5.0
_LEASE_SECONDS = 30.0
_FIRST_SECONDS = 5.0  # then work begins without it
_LOOK_SECONDS = 0.1

Opened = Callable[[], AbstractAsyncContextManager[Any]]  # a client of SES; raises a SendError


class Asking:
    """One per worker process."""

    def __init__(self, database: Database, account: str, open_ses: Opened, now: Callable[[], float]) -> None:
        self._database = database
        self._account = account
        self._open_ses = open_ses
        self._now = now
        self._log = structlog.get_logger("rate")

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set. Never raises for an outage, of SES or of the database."""
        while not stopping.is_set():
            with outlived("rate"):
                await self.ask()
            await wait(stopping, _ROUND_SECONDS)

    async def first(self) -> None:
        """Before the first message leaves: returns when it is known what was granted, whoever asked, or soon after."""
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                if await self.ask():
                    return
                while not await self._database.query(lambda c: shared.is_asked(c, self._account)):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except OUTAGES as error:  # a TimeoutError is one
            self._log.warning("rate.not_known", error=type(error).__name__)

    async def ask(self) -> bool:
        """If it is time, and nobody else's turn; whether it was ours.

        Where nothing is said, what was said holds; of a quota for an hour.
        """
        if not await self._database.query(lambda c: shared.is_due(c, self._account, self._now(), EVERY_SECONDS)):
            return False
        if not await self._database.transact(self._take_turn):
            return False
        try:
            async with self._open_ses() as client:
                said = await ask(client)
        except SendError as error:
            self._log.warning("rate.not_told", reason=error.reason)
            now, pause = self._now(), _AGAIN_SECONDS if isinstance(error, Deferred | Unknown) else EVERY_SECONDS
            await self._database.transact(lambda c: shared.end_turn(c, self._account, now + pause, now))
        else:
            await self._database.transact(lambda c: shared.grant(c, self._account, said, self._now()))
        return True

    def _take_turn(self, connection: Any) -> bool:
        return shared.take_turn(connection, self._account, self._now(), EVERY_SECONDS, _LEASE_SECONDS)
