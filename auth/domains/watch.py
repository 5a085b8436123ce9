"""Looks whether the keys of domains are published, and lets another one sign where that is so (selectors.py).

One process of a machine runs it. Of several machines the one that claims a domain looks; were it two, their looks would
count as one. Knows nothing of messages or providers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.domains import inspection, names
from auth.domains.dkim_keys import Change
from auth.domains.names import Domain
from auth.domains.resolvers import Resolver
from auth.domains.selectors import Look, State
from config.database import Database
from config.settings import Email

_EVERY_SECONDS = 10.0
_AT_ONCE = 10  # domains; a resolver that is away costs each of them its time


class SelectorWatch:
    """`is_used` tells whether a service sends from a domain; `now` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        resolvers: Sequence[Resolver],
        email: Email,
        is_used: Callable[[AsyncConnection, str], Awaitable[bool]],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._resolvers = resolvers
        self._email = email
        self._is_used = is_used
        self._now = now
        self._log = structlog.get_logger("domains")

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks until `stopping` is set, which ends a look under way. Never raises for an outage."""
        looking = asyncio.create_task(self._run())
        await stopping.wait()
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    async def look(self) -> None:
        """Looks at every domain that is due."""
        async with self._database.read() as connection:
            due = await names.due(connection, self._now())
        turns = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._look_in_turn(domain, turns) for domain in due))

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # outage or bug: what was not looked at is due again
                self._log.error("domain.not_looked_at", error=type(error).__name__)
            await asyncio.sleep(_EVERY_SECONDS)

    async def _look_in_turn(self, domain: Domain, turns: asyncio.Semaphore) -> None:
        async with turns:
            async with self._database.write() as connection:
                if not await names.claim(connection, domain, self._now()):
                    return
            began = self._now()
            looks = await inspection.look_at_keys(self._resolvers, domain)
            trusted = names.is_default(domain.name, self._email)
            async with self._database.write() as connection:
                domain, change = await names.observe(connection, domain, looks, began, trusted=trusted)
                is_used = trusted or await self._is_used(connection, domain.name)
            self._tell(domain, change)
            if any(look is Look.UNANSWERED for look, _ in looks.values()):
                self._log.warning("domain.unanswered", domain=domain.name)
            if is_used and not names.is_ready(domain, self._now()):
                self._log.error("domain.not_ready", domain=domain.name, selector=change.signs)

    def _tell(self, domain: Domain, change: Change) -> None:
        name = domain.name
        for selector, state in change.moved.items():
            if state is State.PUBLISHED:
                self._log.info("domain.selector_published", domain=name, selector=selector)
            else:
                self._log.warning("domain.selector_withdrawn", domain=name, selector=selector)
        if change.signs != change.signed:
            self._log.warning("domain.selector_changed", domain=name, before=change.signed, selector=change.signs)
