"""What a worker does not send now: what has expired or must not be written ends; texts that have a pace go to lines."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from delivery.exit.pace import Pace
from delivery.exit.portions import Work
from delivery.exit.recording import Recording, text
from delivery.providers.table import Providers
from delivery.queue.base import Queue
from delivery.store.base import Outcome, Record
from delivery.store.suppressed import Stop
from messages.message import Message
from messages.status import Status


class Suppressions(Protocol):
    """What this needs of delivery.store.suppressed."""

    async def stopped(self, messages: Iterable[Message]) -> Mapping[UUID, Stop]: ...


@dataclass(frozen=True, slots=True)
class Screening:
    """One per worker. `delay` says in how many seconds a message is tried again."""

    owner: str
    suppressions: Suppressions
    providers: Providers
    queue: Queue
    recording: Recording
    pace: Pace | None
    delay: Callable[[int, Message], float]
    now: Callable[[], float]

    async def passed(self, known: list[Work]) -> list[Work]:
        """Those that are sent now. Raises as the database does."""
        return await self._lined_up(await self._wanted(await self._living(known)))

    async def _living(self, known: list[Work]) -> list[Work]:
        """Ends what has expired; the others."""
        now = self.now()
        over = [message for _, message in known if now >= message.expires_at]
        await self._end((Record(each.id, None, Outcome.EXPIRED, now, reason="expired"), each) for each in over)
        return [(claim, message) for claim, message in known if now < message.expires_at]

    async def _end(self, ends: Iterable[tuple[Record, Message]]) -> None:
        """Together: thousands one by one would hold up all behind them."""
        await asyncio.gather(*(self.recording.end(record, message) for record, message in ends))

    async def _wanted(self, known: list[Work]) -> list[Work]:
        """Ends what must not be sent; the others. Asked again when a text has had its turn at the pace."""
        found = await self.suppressions.stopped(message for _, message in known)
        shared = [message for _, message in known if found.get(message.id) is Stop.OPTED_OUT_OF_SHARED]
        stopped = found.keys() - (await self.pace.own(shared) if self.pace and shared else ())
        await self._end((self._stopped(each, found[each.id]), each) for _, each in known if each.id in stopped)
        return [(claim, message) for claim, message in known if message.id not in stopped]

    def _stopped(self, message: Message, stop: Stop) -> Record:
        status = Status.PERMANENT_FAILURE
        return Record(message.id, None, Outcome.STOPPED, self.now(), status=status, reason=stop.reason)

    async def _lined_up(self, known: list[Work]) -> list[Work]:
        """Sends those that have to wait for their pace to its lines; the others."""
        waiting = [message for claim, message in known if claim.slot is None and self._is_paced(message)]
        if self.pace is None or not waiting:
            return known
        for message in await self.pace.line_up(waiting, self.owner):
            # No number for that country, or the one that was asked for is gone: an operator can mend it.
            log, sender_id = structlog.get_logger("worker"), text(message.sender_id)
            log.error("worker.no_sender", **message.log_context(), sender_id=sender_id)
            await self.queue.give_back([message.id], self.now() + self.delay(1, message))
        gone = {message.id for message in waiting}
        return [(claim, message) for claim, message in known if message.id not in gone]

    def _is_paced(self, message: Message) -> bool:
        provider = self.providers.get((message.channel, message.key_type))
        return provider is not None and provider.paced and self.now() < message.expires_at
