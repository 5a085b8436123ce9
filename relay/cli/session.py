"""What a command works with: settings, the two keyrings, and one transaction on the database, for the system's user."""

import asyncio
import os
import pwd
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from auth.audit import Actor
from config.database import Database
from config.settings import Settings, load
from relay.actions.transaction import Transaction, Transactions
from relay.wiring import check_roots, load_keyrings, open_database, open_ses

T = TypeVar("T")

_LOGIN = Path("/proc/self/loginuid")  # set once at log-in and kept by sudo and su: audit(7)
_NOBODY = 2**32 - 1  # not set: no log-in, or a container


def read(work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Runs `work` in a read transaction."""

    async def run(transactions: Transactions) -> T:
        async with transactions.read() as t:
            return await work(t)

    return with_transactions(run)


def write(work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Runs `work` in one write transaction: on disk when this returns, undone when it raises."""

    async def run(transactions: Transactions) -> T:
        async with transactions.write() as t:
            return await work(t)

    return with_transactions(run)


def with_transactions(work: Callable[[Transactions], Awaitable[T]]) -> T:
    """Runs `work`, which makes its own transactions."""

    async def run() -> T:
        settings = load()
        secret, sealing = load_keyrings(settings)
        async with open_database(settings) as database:
            await check_roots(settings, database)
            asking = partial(open_ses, settings)
            return await work(Transactions(database, settings, secret, sealing, operator(), time.time, asking))

    return asyncio.run(run())


def with_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Runs `work` on the database, for stores and queues that make their own transactions."""

    async def run() -> T:
        settings = load()
        async with open_database(settings) as database:
            await check_roots(settings, database)
            return await work(settings, database)

    return asyncio.run(run())


def given(**options: Any) -> dict[str, Any]:
    """The options that were given; 0 and empty text stand for "none of its own"; no is an answer."""
    return {name: value if value is False else value or None for name, value in options.items() if value is not None}


def operator() -> Actor:
    """The user of the operating system who gave the command, and who logged in, where that is another.

    Not from the environment, which says what anybody likes.
    """
    uid = os.geteuid()
    try:
        login = int(_LOGIN.read_text())
    except (OSError, ValueError):
        login = _NOBODY
    user = _user(uid)
    return Actor("operator", user if login in (uid, _NOBODY) else f"{_user(login)} as {user}")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as any number
        return str(uid)
