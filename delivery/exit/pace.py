"""The pace of texts: each waits in the line of what it leaves from, and is worked on when its slot is near.

Waiting is no attempt, and takes no place of other messages. A worker that is late takes another slot: what it missed is
a gap, and never an excess. Slots are given out by delivery/queue/lines.py.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import structlog

from config.database import OUTAGES
from delivery.exit.origin import Identities, choose
from delivery.exit.pauses import PAUSE_SECONDS, Pause
from delivery.library.origination import OriginationIdentity
from delivery.providers.base import Throttled, TooFast
from delivery.queue.base import Claim, LineSlot
from delivery.queue.lines import HORIZON_SECONDS, Waiting, parts_of
from delivery.rounds import OUTAGE_SECONDS, Rounds
from messages.message import Message

Working = Callable[[Sequence[Claim]], Coroutine[Any, Any, None]]

_AHEAD_SECONDS = 0.3  # before its slot a text is loaded and sealed
_NEAR_SECONDS = 0.1  # before it its attempt is written down: a commit takes a few ms, on a busy machine many
_TOGETHER_SECONDS = 0.1  # slots so near to each other are worked on as one batch
_IDLE_SECONDS = 0.1
_LEAST_SECONDS = 0.02


class Lines(Protocol):
    """What this needs of delivery.queue.lines."""

    async def line_up(self, places: Sequence[tuple[Message, UUID]], owner: str) -> None: ...

    async def waiting(self) -> list[Waiting]: ...

    async def claim(self, line: UUID, limit: int, owner: str, lease_until: float) -> list[Claim]: ...

    async def another(self, slot: LineSlot, parts: int) -> LineSlot | None: ...

    async def hold(self, line: UUID, seconds: float) -> None: ...


@dataclass(slots=True)
class Pace:
    """One per worker process. `concurrency` texts at most are under way in it."""

    lines: Lines
    identities: Identities
    concurrency: int
    lease_seconds: float
    now: Callable[[], float]
    greet: Callable[[], Awaitable[None]]  # the provider: its first text is not to be late
    pause: Pause = field(default_factory=Pause)
    _under_way: int = 0
    _rounds: Rounds = field(init=False)

    def __post_init__(self) -> None:
        self._rounds = Rounds(self._on_outage)

    def _on_outage(self, error: Exception) -> None:
        structlog.get_logger("worker").warning("worker.database_unavailable", error=type(error).__name__)

    async def line_up(self, claimed: Sequence[Message], owner: str) -> list[Message]:
        """Puts messages that were just claimed into their lines; returns those that there is nothing for to leave from.

        Raises as the database does.
        """
        chosen = await self._chosen(claimed)
        await self.lines.line_up([(message, identity.id) for message, identity in chosen if identity], owner)
        self._rounds.wake()
        return [message for message, identity in chosen if identity is None]

    async def own(self, messages: Sequence[Message]) -> set[UUID]:
        """Those of the messages that leave from what their service has for itself."""
        chosen = await self._chosen(messages)
        return {message.id for message, identity in chosen if identity and identity.service_id is not None}

    async def _chosen(self, messages: Sequence[Message]) -> list[tuple[Message, OriginationIdentity | None]]:
        every = await self.identities.all()
        return [(message, choose(every, message)) for message in messages]

    async def run(self, stopping: asyncio.Event, owner: str, work: Working) -> None:
        """Takes texts from the lines as their slots come, until `stopping` is set; what was taken is worked on."""
        await self.greet()
        async with self._rounds.until(stopping):
            while not stopping.is_set():
                await self._rounds.outlive(lambda: self._round(owner, work))

    async def _round(self, owner: str, work: Working) -> None:
        paused = self.pause.until - time.monotonic()
        if paused > 0 or (self.pause.probing and self._under_way) or self._under_way >= self.concurrency:
            await self._rounds.sleep(min(max(paused, _IDLE_SECONDS), 1.0))
            return
        near, soonest = HORIZON_SECONDS / 2, _IDLE_SECONDS
        for each in await self.lines.waiting():
            # Half of the horizon at once: a transaction for several slots, and none of them lost between two.
            if each.seconds > near:
                soonest = min(soonest, each.seconds - near)
            elif claims := await self._claimed(each.line, owner):
                for batch in _batches(claims):
                    self._rounds.start(self._later(batch, work))
                soonest = _LEAST_SECONDS
                if self.pause.probing:
                    break
        # Not all at the same moment: one of the workers has it, and the others' transactions were for nothing.
        await self._rounds.sleep(max(soonest, _LEAST_SECONDS) * (1 + random.random() / 4))  # noqa: S311

    async def _claimed(self, line: UUID, owner: str) -> list[Claim]:
        limit = 1 if self.pause.probing else self.concurrency - self._under_way
        claims = await self.lines.claim(line, limit, owner, self.now() + self.lease_seconds) if limit > 0 else []
        self._under_way += len(claims)
        return claims

    async def _later(self, batch: Sequence[Claim], work: Working) -> None:
        try:
            first = min(claim.slot.at for claim in batch if claim.slot)
            await asyncio.sleep(first - _AHEAD_SECONDS - time.monotonic())
            await work(batch)
        finally:
            self._under_way -= len(batch)
            self._rounds.wake()

    async def throttled(self, slot: LineSlot, error: Throttled) -> None:
        """Too fast for one of them: its line waits, for all workers. All else: the provider's texts wait, in this one.

        While the database is away nothing is asked of it.
        """
        seconds = error.retry_after_seconds or PAUSE_SECONDS
        if not isinstance(error, TooFast):
            self.pause.begin(seconds, time.monotonic())
            return
        with contextlib.suppress(*OUTAGES):
            await self.lines.hold(slot.line, seconds)

    async def near(self, slot: LineSlot) -> None:
        """Waits until the slot is so near that who leaves in it writes its attempt down."""
        await asyncio.sleep(slot.at - _NEAR_SECONDS - time.monotonic())

    async def turn(self, message: Message, slot: LineSlot) -> None:
        """Waits for the message's slot; for another one, where that is over. Raises Throttled where none can be had."""
        current: LineSlot | None = slot
        while current is not None:
            await asyncio.sleep(current.at - time.monotonic())
            if time.monotonic() <= current.at + current.tolerance_seconds:
                return
            try:
                current = await self.lines.another(current, parts_of(message))
            except OUTAGES:
                raise Throttled("database_away", OUTAGE_SECONDS) from None


def _batches(claims: Sequence[Claim]) -> Iterator[list[Claim]]:
    batch: list[Claim] = []
    for claim in claims:
        if batch and claim.slot and batch[0].slot and claim.slot.at > batch[0].slot.at + _TOGETHER_SECONDS:
            yield batch
            batch = []
        batch.append(claim)
    if batch:
        yield batch
