"""How much a worker has in hand at once: portions of a batch, under one budget of content for the whole process.

Of a portion only those are attempted whose calls start now: whatever else of it a worker leaves that dies can be
claimed again at once.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from delivery.queue.base import Claim
from messages.message import ContentKind, Message

Work = tuple[Claim, Message]
AT_ONCE = 16  # some 20 ms of work from the commit of so many attempts until the last call is on its way
_NEAR_SECONDS = 0.05  # between slots


def portions(work: Sequence[Work], limit_bytes: int, built_bytes: int) -> Iterator[list[Work]]:
    """Portions whose contents stay within the limit together; a larger message makes one alone.

    The smallest come first, and of what is still to be built (its time grows with its size) a portion has no more than
    `built_bytes`: small messages do not wait until large ones are built.
    """
    portion: list[Work] = []
    size = built = 0
    for claim, message in sorted(work, key=lambda each: each[1].content_bytes):
        building = message.content_bytes if message.content_kind is ContentKind.RENDERED else 0
        if portion and (size + message.content_bytes > limit_bytes or built + building > built_bytes):
            yield portion
            portion, size, built = [], 0, 0
        portion.append((claim, message))
        size += message.content_bytes
        built += building
    if portion:
        yield portion


def starts(portion: Sequence[Work]) -> Iterator[list[Work]]:
    """Those whose calls start together, behind one commit of their attempts; of what has slots in their order."""
    start: list[Work] = []
    for claim, message in sorted(portion, key=lambda each: _slot_at(each[0])):
        if len(start) == AT_ONCE or (start and _slot_at(claim) > _slot_at(start[0][0]) + _NEAR_SECONDS):
            yield start
            start = []
        start.append((claim, message))
    if start:
        yield start


def _slot_at(claim: Claim) -> float:
    return claim.slot.at if claim.slot else 0.0


class Room:
    """Bytes of content under way in one process; who comes when it is full waits in line."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._line = asyncio.Lock()  # first come, first served: a large portion is not passed by small ones for ever
        self._left = asyncio.Event()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Holds `size` bytes for the block; one that is larger than all of the room has it alone."""
        async with self._line:
            while self._used and self._used + size > self._limit:
                self._left.clear()
                await self._left.wait()
            self._used += size
        try:
            yield
        finally:
            self._used -= size
            self._left.set()
