"""Mail that waits in a database for a relay whose provider grants a rate, and when each message left."""

import math
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from config.database import Database
from config.keyring import Keyring
from messages.message import Message
from tests.fakes.aws import CREDENTIALS
from tests.fakes.messages import make_message
from tests.harness.postgres import Postgres
from tests.harness.relay import Relay
from tests.harness.ses_process import Ses
from tests.harness.store import Store, group_of

CONTENT = b"From: Passports <passports@notification.example.ca>\r\nSubject: Test\r\n\r\nHello\r\n"
_GROUP = 500


def installed(folder: Any, database: Database, root: str) -> Relay:
    return Relay(
        folder,
        DATABASE_URL=database.engine.url.render_as_string(hide_password=False),
        SECRET_KEY=root,
        SEALING_KEY=Keyring.generate(),
        EMAIL__PROVIDER="ses",
        **CREDENTIALS,
    )


@contextmanager
def running(relay: Relay, ses: Ses, workers: int, postgres: Postgres | None) -> Iterator[None]:
    """Workers, until the block ends, and with them the provider."""
    relay.environment["NOTIFY_RELAY_AWS__ENDPOINT_URL"] = ses.url
    with _first(postgres.pid if postgres else None):
        try:
            relay.start("--role", "worker", "--processes", str(workers))
            assert relay.process
            for pid in (relay.process.pid, *relay.children()):
                _nice(pid, -15)
            yield
        finally:
            relay.end()
            ses.end()


@contextmanager
def _first(postmaster: int | None) -> Iterator[None]:
    """Before all else on the machine: what is measured is the rate, and not who runs beside it."""
    if postmaster is None:
        yield
        return
    _nice(postmaster, -15)  # and all that it starts from now on
    try:
        yield
    finally:
        _nice(postmaster, 0)


def _nice(pid: int, priority: int) -> None:
    with suppress(PermissionError):  # where we may
        os.setpriority(os.PRIO_PROCESS, pid, priority)


async def put(store: Store, count: int, **changes: Any) -> list[Message]:
    """In the queue, due now."""
    made: list[Message] = []
    while len(made) < count:
        first = make_message(content_bytes=len(CONTENT), **changes)
        shared = {"content_id": first.content_id, "group_id": first.group_id, **changes}
        more = [make_message(content_bytes=len(CONTENT), **shared) for _ in range(min(_GROUP, count - len(made)) - 1)]
        await store.putting.put(group_of((first, *more), CONTENT))
        made += [first, *more]
    return made


def left_at(ses: Ses) -> dict[UUID, float]:
    return {UUID(line["tags"]["message_id"]): line["at"] for line in ses.accepted()}


def most_in_a_second(times: Sequence[float]) -> int:
    """In any second, wherever it begins."""
    within, most = deque[float](), 0
    for at in sorted(times):
        within.append(at)
        while at - within[0] >= 1:
            within.popleft()
        most = max(most, len(within))
    return most


def waits(messages: Sequence[Message], left: dict[UUID, float]) -> list[float]:
    """How long each has waited, the shortest first; of one that has not left: for ever."""
    return sorted(left.get(each.id, math.inf) - each.created_at for each in messages)


def told(waited: Sequence[float]) -> str:
    return f"{waited[len(waited) // 2]:.2f} s, p99 {p99(waited):.2f}, at most {waited[-1]:.2f}"


def p99(waited: Sequence[float]) -> float:
    return waited[-1 - len(waited) // 100]


def outcomes(relay: Relay) -> Counter[str]:
    """Of all calls of the provider."""
    return Counter(str(line["outcome"]) for line in relay.log_lines("message.attempted"))
