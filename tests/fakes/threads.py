"""What a fake needs to serve callers that block."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def in_a_thread(opened: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Runs it in an event loop of its own."""
    loop, ready, stop, found = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[T]()

    async def serve() -> None:
        async with opened as running:
            found.append(running)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
