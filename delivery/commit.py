"""Group commit: whoever arrives while a transaction runs shares the next one, so an fsync serves many.

Knows nothing of what is written.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from sqlalchemy import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")

Results = Sequence[Result | Exception]
Transact = Callable[[Callable[[Connection], Results[Result]]], Awaitable[Results[Result]]]


class GroupCommit(Generic[Item, Result]):
    """Collects items and applies them together in one write transaction.

    `apply` gets the open transaction and the items, and returns for each what its submitter shall get (written) or the
    exception that it shall see (not written). When `apply` or the commit raises, nothing of the batch was written; a
    batch that may have failed for one member's sake is then tried again one by one.
    """

    def __init__(
        self,
        transact: Transact[Result],
        apply: Callable[[Connection, Sequence[Item]], Results[Result]],
        *,
        is_outage: Callable[[Exception], bool],
        limit: int = 200,
    ) -> None:
        self._transact = transact
        self._apply = apply
        self._is_outage = is_outage
        self._limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """What `apply` gave for the item, which is on disk then; raises the exception it gave, or the database's error.

        Cancelling the caller does not take the item back: it is written whole or not at all.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await asyncio.shield(done)

    async def drain(self) -> None:
        """Returns when nothing waits any more."""
        while self._runner is not None:
            await asyncio.shield(self._runner)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._commit_once()
        finally:
            self._runner = None

    async def _commit_once(self) -> None:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []

        def work(connection: Connection) -> Results[Result]:
            # Taken only now: those who came while we waited for our turn ride along. Maybe in a thread: one step each.
            while self._waiting and len(batch) < self._limit:
                batch.append(self._waiting.popleft())
            return self._apply(connection, [item for item, _ in batch])

        try:
            results = await self._transact(work)
        except Exception as error:
            if not batch:  # the transaction could not even begin
                batch.extend(self._waiting)
                self._waiting.clear()
            if len(batch) == 1 or self._is_outage(error):
                _tell(batch, [error] * len(batch))
            else:
                await self._commit_singly(batch)
        else:
            _tell(batch, results)

    async def _commit_singly(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        for at, entry in enumerate(batch):
            try:
                results = await self._transact(partial(self._apply_one, entry[0]))
            except Exception as error:
                if self._is_outage(error):  # once is enough: the rest would each wait for the same
                    return _tell(batch[at:], [error] * (len(batch) - at))
                _tell([entry], [error])
            else:
                _tell([entry], results)
        return None

    def _apply_one(self, item: Item, connection: Connection) -> Results[Result]:
        return self._apply(connection, [item])


def _tell(batch: Sequence[tuple[Item, asyncio.Future[Result]]], results: Results[Result]) -> None:
    for (_, done), result in zip(batch, results, strict=True):
        if done.cancelled():
            continue
        if isinstance(result, Exception):
            done.set_exception(result)
            done.exception()  # a submitter that was cancelled never asks: no "never retrieved" warning
        else:
            done.set_result(result)
