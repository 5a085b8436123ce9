"""A service that has sent very much, as its writers would leave it: messages in bulk, and what was counted of them.

Ten keys, a hundred templates, three doors, both channels, every end, over a year. The last key and the last template
of each channel are seldom used, and `TECHNICAL_FAILURE` is rare: what is looked for far back.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, text
from sqlalchemy.schema import CreateIndex, DropIndex

from config.database import Database
from config.encrypted import cipher, hasher
from config.keyring import Keyring
from delivery.figures.folding import DAYS_SECONDS, HOURS_SECONDS
from delivery.figures.spans import Span
from delivery.figures.tables import FOLDED
from delivery.store.rows import Codec
from delivery.store.tables import messages
from messages.address import Address
from messages.message import Channel, Door, KeyType, new_id
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.status import Status
from tests.fakes.messages import make_message

DAY = 86_400
YEAR_SECONDS = 365 * DAY
_AT_ONCE = 20_000
_PEOPLE = 100_000
_SELDOM = 0.000_02  # of all: 200 of ten million
_DOORS = {Door.SMTP: 60, Door.HTTP: 35, Door.SITE: 5}
_ENDS = {
    Status.DELIVERED: 96.0,
    Status.PERMANENT_FAILURE: 2.4,
    Status.TEMPORARY_FAILURE: 1.0,
    Status.CANCELLED: 0.1,
    Status.SENDING: 0.49,
    Status.TECHNICAL_FAILURE: 0.01,
}

Counted = Counter[tuple[Any, ...]]  # by start, span, and the columns of `NAMES`
NAMES = ("channel", "door", "key_type", "key_id", "template_id", "status")


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one service. `keys` and `templates` are as often used as the others, but for the last of each."""

    service_id: UUID
    zone: str
    until: float
    accepted: int
    keys: list[tuple[UUID, KeyType]]
    emails: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(80)])
    texts: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(20)])
    seed: int = 14

    def at(self, number: int) -> float:
        """When the message of that number was accepted; the last one just now."""
        return self.until - 60 - YEAR_SECONDS * (1 - (number + 1) / self.accepted)

    def span(self, at: float) -> Span:
        """Of the count that holds what was accepted then."""
        age = self.until - at
        return Span.HOUR if age < HOURS_SECONDS else Span.DAY if age < DAYS_SECONDS else Span.MONTH


def person(number: int, channel: Channel) -> Recipient:
    """The first is sent more than others."""
    if channel is Channel.SMS:
        return PhoneNumber(f"+1613555{number % 10_000:04}")
    return Address.parse(f"reader-{number}@example.org")


async def fill(database: Database, keyring: Keyring, plan: Plan) -> tuple[Counted, Counted]:
    """Writes the messages, and returns how many there are and how many parts, by what they are counted by."""
    counted, units = Counted(), Counted()
    await _indexed(database, present=False)
    rows = _Rows(database.is_sqlite, keyring, plan)
    for first in range(0, plan.accepted, _AT_ONCE):
        portion = [*rows.make(first, min(_AT_ONCE, plan.accepted - first), counted, units)]
        await _write(database, rows.columns, portion)
    await _indexed(database, present=True)
    return counted, units


async def count(database: Database, plan: Plan, counted: Counted, units: Counted) -> None:
    """What the writers and the folding would have made of them."""
    for table, shortest in FOLDED.items():
        totals: dict[tuple[Any, ...], list[int]] = {}
        for (start, span, *kinds), number in counted.items():
            kept = Span.DAY if span is Span.HOUR else span
            kept = span if shortest is Span.HOUR else kept
            place = dict(zip(NAMES, kinds, strict=True)) | {"service_id": plan.service_id, "span": kept.value}
            place["start"] = kept.begins(start, plan.zone)
            total = totals.setdefault(tuple(place[each.name] for each in table.primary_key.columns), [0, 0])
            total[0] += number
            total[1] += units[start, span, *kinds]
        names = [column.name for column in table.primary_key.columns]
        rows = [
            dict(zip(names, place, strict=True)) | {"messages": number, "units": parts}
            for place, (number, parts) in totals.items()
        ]
        for first in range(0, len(rows), _AT_ONCE):
            async with database.write() as connection:
                await connection.execute(insert(table), rows[first : first + _AT_ONCE])


class _Rows:
    """Of messages: encrypted as they are, and otherwise as cheap as can be."""

    def __init__(self, is_sqlite: bool, keyring: Keyring, plan: Plan) -> None:
        self._plan = plan
        self._dice = random.Random(plan.seed)
        self._id: Callable[[bytes], Any] = bytes if is_sqlite else lambda octets: UUID(bytes=octets)
        self._ciphers = [cipher(messages.c[name], keyring) for name in ("recipient", "subject", "reverse_path")]
        hashing = hasher(messages.c.recipient, keyring)
        self._people = {
            channel: [(str(each), hashing.hash(each.key)) for each in (person(n, channel) for n in range(_PEOPLE))]
            for channel in Channel
        }
        row = Codec(keyring).message_row(make_message(service_id=plan.service_id))
        self._row = {
            name: self._id(value.bytes) if isinstance(value, UUID) else value
            for name, value in row.items()
            if value is not None
        }
        self.columns = [*dict.fromkeys((*self._row, "provider_id", "original_message_id"))]

    def make(self, first: int, size: int, counted: Counted, units: Counted) -> Iterator[tuple[Any, ...]]:
        dice, plan, id_ = self._dice, self._plan, self._id
        doors = dice.choices([*_DOORS], [*_DOORS.values()], k=size)
        ends = dice.choices([*_ENDS], [*_ENDS.values()], k=size)
        keys = dice.choices(plan.keys, cum_weights=_often(len(plan.keys)), k=size)
        emails = dice.choices(plan.emails, cum_weights=_often(len(plan.emails)), k=size)
        texts = dice.choices(plan.texts, cum_weights=_often(len(plan.texts)), k=size)
        recipients, subjects, reverse_paths = self._ciphers
        for number in range(size):
            at, chance, octets = plan.at(first + number), dice.random(), dice.randbytes(48)
            channel = Channel.SMS if dice.random() < 0.2 else Channel.EMAIL
            template_id = (texts if channel is Channel.SMS else emails)[number]
            key_id, key_type = keys[number]
            address, found_by = self._people[channel][0 if chance < 0.001 else int(chance * _PEOPLE)]
            parts = 0 if channel is Channel.EMAIL else 1 + (chance > 0.7)
            message_id = new_id(at, octets[:10]).bytes
            row = self._row | {
                "id": id_(message_id),
                "group_id": id_(octets[10:26]),
                "content_id": id_(octets[26:42]),
                "key_id": id_(key_id.bytes),
                "key_type": key_type.value,
                "channel": channel.value,
                "door": doors[number].value,
                "template_id": id_(template_id.bytes),
                "status": ends[number].value,
                "recipient": recipients.encrypt(address.encode(), message_id),
                "recipient_hash": found_by,
                "subject": subjects.encrypt(b"Your permit is ready", message_id),
                "reverse_path": reverse_paths.encrypt(b"bounces@notification.example.ca", message_id),
                "original_message_id": f"<{first + number}@dept.example.ca>",
                "provider_id": octets[:16].hex(),
                "billable_units": parts,
                "created_at": at,
                "expires_at": at + DAY,
            }
            yield tuple([row[name] for name in self.columns])
            span = plan.span(at)
            start = span.begins(int(at // 900) * 900, plan.zone)
            kinds = (channel.value, doors[number].value, key_type.value, key_id, template_id)
            for status in {Status.CREATED, ends[number]} - {Status.SENDING}:
                counted[start, span, *kinds, status.value] += 1
                units[start, span, *kinds, status.value] += parts


def _often(number: int) -> list[float]:
    """Each as often as the others, and the last one seldom."""
    return [*accumulate([(1 - _SELDOM) / (number - 1)] * (number - 1) + [_SELDOM])]


async def _write(database: Database, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    async with database.write() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        if not database.is_sqlite:
            await raw.copy_records_to_table("messages", records=rows, columns=columns)
            return
        marks = ", ".join("?" * len(columns))
        await raw.executemany(f"INSERT INTO messages ({', '.join(columns)}) VALUES ({marks})", rows)


async def _indexed(database: Database, *, present: bool) -> None:
    """Indexes are made of all at once: row by row ten million take hours."""
    for index in messages.indexes:
        async with database.write() as connection:
            await connection.execute(CreateIndex(index) if present else DropIndex(index))
    if present and not database.is_sqlite:
        async with database.engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text("VACUUM ANALYZE messages"))
