"""Texts in a database that a relay sends, and how fast they left."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from config.database import Database
from delivery.library import origination
from delivery.library.origination import ANYWHERE, Kind, OriginationIdentity
from delivery.store.tables import queue
from messages.message import Channel, ContentKind, Message
from messages.phone import PhoneNumber
from messages.sms.recipe import Recipe
from tests.fakes.messages import make_message
from tests.harness.store import Store, group_of


def sms_settings(url: str) -> dict[str, object]:
    """What sends a relay's texts to the fake at `url`."""
    return {"SMS__PROVIDER": "aws", "SMS__ENDPOINT_URL": url, "SMS__CONFIGURATION_SET": "relay"}


async def add_sender(database: Database, number: str, rate: float, now: float, **more: Any) -> OriginationIdentity:
    given = {"kind": Kind.LONG_CODE, "countries": (ANYWHERE,), **more}
    async with database.write() as connection:
        return await origination.add(connection, now, identity=number, parts_per_second=rate, **given)


async def put_text(store: Store, words: str = "Hello", number: str = "+16135550142", **changes: Any) -> Message:
    """A text in the queue, due now."""
    content = Recipe("", words).to_json()
    of_text = {"channel": Channel.SMS, "content_kind": ContentKind.TEXT, "recipient": PhoneNumber(number)}
    given = {"billable_units": 1, **of_text, **changes}
    text = make_message(content_bytes=len(content), **given)
    await store.putting.put(group_of((text,), content))
    return text


async def put_texts(store: Store, count: int, **changes: Any) -> list[Message]:
    """To `count` people."""
    return list(await asyncio.gather(*(put_text(store, number=f"+1613555{at:04}", **changes) for at in range(count))))


async def emptied(database: Database, seconds: float) -> None:
    """Returns once nothing waits."""
    async with asyncio.timeout(seconds):
        while True:
            async with database.read() as connection:
                if not await connection.scalar(select(func.count()).select_from(queue)):
                    return
            await asyncio.sleep(0.2)


async def lined_up(database: Database) -> int:
    """How many wait for their pace."""
    async with database.read() as connection:
        waiting = select(func.count()).select_from(queue).where(queue.c.line.is_not(None))
        return int(await connection.scalar(waiting) or 0)


def most_in_a_second(sent: Sequence[Mapping[str, Any]]) -> int:
    """Parts: the most in any second, wherever it begins."""
    within: deque[Mapping[str, Any]] = deque()
    most = parts = 0
    for text in sorted(sent, key=lambda each: each["at"]):
        within.append(text)
        parts += text["parts"]
        while text["at"] - within[0]["at"] >= 1:
            parts -= within.popleft()["parts"]
        most = max(most, parts)
    return most


def parts_per_second(sent: Sequence[Mapping[str, Any]]) -> float:
    """From the first to the last."""
    times = sorted(text["at"] for text in sent)
    return (sum(text["parts"] for text in sent) - 1) / (times[-1] - times[0])


def quickest_half(sent: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Half of them, one after the other as they left, that took the least time: beside what else the machine did."""
    ordered, half = sorted(sent, key=lambda text: text["at"]), len(sent) // 2
    return max((ordered[at : at + half] for at in range(len(ordered) - half + 1)), key=parts_per_second)


def tagged(sent: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """The message of each."""
    return [UUID(text["context"]["message_id"]) for text in sent]
