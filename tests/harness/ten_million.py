"""A service that has sent very much, as its writers would leave it: messages in bulk, and what was counted of them.

Ten keys, a hundred templates, three doors, both channels, every end, a year of days alike. The last key and the last
template of each channel are seldom used. Rows that a page shows are made one by one; the days between are copies of one
day, made by the database, whose texts do not open.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert, text
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
from messages.message import Channel, Door, KeyType, first_id, new_id
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.status import Status
from tests.fakes.messages import make_message

DAY = 86_400
DAYS = 365
_WHOLE = (*range(4), DAYS - 1)  # days ago of which each row is made on its own
_COPIED_DAY = 3
_RARE = 200
_AT_ONCE = 10_000
_PEOPLE = range(20_000)
_DOORS = {Door.SMTP: 60, Door.HTTP: 35, Door.SITE: 5}
_ENDS = {
    Status.DELIVERED: 96.0,
    Status.PERMANENT_FAILURE: 2.4,
    Status.TEMPORARY_FAILURE: 1.0,
    Status.CANCELLED: 0.1,
    Status.SENDING: 0.49,
    Status.TECHNICAL_FAILURE: 0.01,
}
_COPY = "INSERT INTO messages ({names}) SELECT {values} FROM messages WHERE id >= :first AND id < :last"
_COPIED = {
    "sqlite": {
        "id": "earlier(id, :seconds)",
        "group_id": "randomblob(16)",
        "content_id": "randomblob(16)",
        "provider_id": "hex(randomblob(16))",
    },
    "postgresql": {
        "id": "(lpad(to_hex(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint"
        " - CAST(:seconds AS bigint) * 1000), 12, '0') || substr(replace(id::text, '-', ''), 13))::uuid",
        "group_id": "gen_random_uuid()",
        "content_id": "gen_random_uuid()",
        "provider_id": "replace(gen_random_uuid()::text, '-', '')",
    },
}

_KINDS = {
    table: [each.name for each in table.primary_key if each.name not in ("service_id", "start", "span", "status")]
    for table in FOLDED
}
_COLUMNS = [column.name for column in messages.columns]


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one service: so many messages on each day of a year."""

    service_id: UUID
    zone: str
    until: float
    a_day: int
    keys: list[tuple[UUID, KeyType]]
    emails: list[UUID]
    texts: list[UUID]

    @property
    def accepted(self) -> int:
        return self.a_day * DAYS + 2 * _RARE

    def at(self, days_ago: int, number: int = 0) -> float:
        """When a day's message of that number was accepted, in whole milliseconds."""
        return round(self.until - 60 - (days_ago + 1) * DAY + DAY * number / self.a_day, 3)

    def span(self, at: float, shortest: Span) -> Span:
        """Of the count that holds what was accepted then."""
        age = self.until - at
        if age < HOURS_SECONDS:
            return shortest
        return Span.DAY if age < DAYS_SECONDS else Span.MONTH


def person(number: int, channel: Channel) -> Recipient:
    """The first is sent more than others."""
    if channel is Channel.SMS:
        return PhoneNumber(f"+1613555{number % 10_000:04}")
    return Address.parse(f"reader-{number}@example.org")


async def fill(database: Database, keyring: Keyring, plan: Plan) -> int:
    """Writes the messages and their counts; how many of test keys there are."""
    rows, tally = _Rows(database.is_sqlite, keyring, plan), Tally(plan)
    await _indexed(database, present=False)
    for days_ago in _WHOLE:
        made = [*rows.of_day(days_ago)]
        tally.add(made)
        await _write(database, made)
    await _write(database, rare := [*rows.rare()])
    tally.add(rare)
    a_day = Tally(plan)
    a_day.add(rows.of_day(_COPIED_DAY))
    for days_ago in sorted(set(range(DAYS)) - set(_WHOLE)):
        await _copy(database, plan, days_ago - _COPIED_DAY)
        tally.earlier(a_day, (days_ago - _COPIED_DAY) * DAY)
    await _indexed(database, present=True)
    await tally.write(database)
    return tally.tests


Made = dict[str, Any]  # a row, with ids as they are


class _Rows:
    """Of messages, as cheap as can be; those of a day are the same each time."""

    def __init__(self, is_sqlite: bool, keyring: Keyring, plan: Plan) -> None:
        self._plan = plan
        self._ciphers = {name: cipher(messages.c[name], keyring) for name in ("recipient", "subject", "reverse_path")}
        hashing = hasher(messages.c.recipient, keyring)
        self._people = {
            channel: [(str(each).encode(), hashing.hash(each.key)) for each in (person(n, channel) for n in _PEOPLE)]
            for channel in Channel
        }
        self._row = Codec(keyring).message_row(make_message(service_id=plan.service_id))

    def of_day(self, days_ago: int) -> Iterator[Made]:
        dice, plan, size = random.Random(days_ago), self._plan, self._plan.a_day
        doors = dice.choices([*_DOORS], [*_DOORS.values()], k=size)
        ends = dice.choices([*_ENDS], [*_ENDS.values()], k=size)
        keys = dice.choices(plan.keys[:-1], k=size)
        emails, texts = (dice.choices(every[:-1], k=size) for every in (plan.emails, plan.texts))
        for number in range(size):
            template_id = texts[number] if dice.random() < 0.2 else emails[number]
            at = plan.at(days_ago, number)
            yield self._made(dice, at, doors[number], ends[number], keys[number], template_id)

    def rare(self) -> Iterator[Made]:
        """Of the last key with any template, and of the last template with any key."""
        dice, plan = random.Random(0), self._plan
        for number in range(_RARE):
            at, end = plan.at(number * (DAYS - 1) // _RARE, number), [*_ENDS][number % len(_ENDS)]
            yield self._made(dice, at, Door.HTTP, end, plan.keys[-1], plan.emails[0])
            yield self._made(dice, at + 0.1, Door.HTTP, end, plan.keys[0], plan.emails[-1])

    def _made(
        self, dice: random.Random, at: float, door: Door, end: Status, key: tuple[UUID, KeyType], template_id: UUID
    ) -> Made:
        channel = Channel.SMS if template_id in self._plan.texts else Channel.EMAIL
        message_id, octets, chance = new_id(at, dice.randbytes(10)), dice.randbytes(32), dice.random()
        recipient, found_by = self._people[channel][0 if chance < 0.01 else int(chance * len(_PEOPLE))]
        said = {"recipient": recipient, "subject": b"Your permit is ready", "reverse_path": b"bounces@example.ca"}
        sealed = {name: self._ciphers[name].encrypt(value, message_id.bytes) for name, value in said.items()}
        return (
            self._row
            | sealed
            | {
                "id": message_id,
                "group_id": UUID(bytes=octets[:16]),
                "content_id": UUID(bytes=octets[16:]),
                "key_id": key[0],
                "key_type": key[1].value,
                "channel": channel.value,
                "door": door.value,
                "template_id": template_id,
                "status": end.value,
                "recipient_hash": found_by,
                "original_message_id": f"<{message_id}@dept.example.ca>",
                "provider_id": str(UUID(bytes=octets[8:24])),
                "billable_units": 0 if channel is Channel.EMAIL else 1 + (chance > 0.7),
                "created_at": at,
                "expires_at": at + DAY,
            }
        )


class Tally:
    """What the writers and the folding make of messages: by the hour, until it is written."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._messages: dict[Table, Counter[tuple[Any, ...]]] = {table: Counter() for table in FOLDED}
        self._units: dict[Table, Counter[tuple[Any, ...]]] = {table: Counter() for table in FOLDED}
        self.tests = 0

    def add(self, rows: Iterable[Made]) -> None:
        for row in rows:
            self.tests += row["key_type"] == KeyType.TEST.value
            hour = int(row["created_at"] // 3600) * 3600
            for table, kinds in _KINDS.items():
                for status in {Status.CREATED.value, row["status"]} - {Status.SENDING.value}:
                    place = (hour, *(row[name] for name in kinds), status)
                    self._messages[table][place] += 1
                    self._units[table][place] += row["billable_units"]

    def earlier(self, other: "Tally", seconds: int) -> None:
        """The same as the other has, so much earlier."""
        self.tests += other.tests
        for mine, its in ((self._messages, other._messages), (self._units, other._units)):
            for table, places in its.items():
                for (hour, *kinds), number in places.items():
                    mine[table][(hour - seconds, *kinds)] += number

    async def write(self, database: Database) -> None:
        for table in FOLDED:
            places: dict[tuple[Any, ...], list[int]] = {}
            for (hour, *kinds), number in self._messages[table].items():
                span = self._plan.span(hour, FOLDED[table])
                place = (span.begins(hour, self._plan.zone), span.value, *kinds)
                total = places.setdefault(place, [0, 0])
                total[0] += number
                total[1] += self._units[table][(hour, *kinds)]
            names = ("start", "span", *_KINDS[table], "status", "messages", "units")
            rows = [dict(zip(names, (*place, *total), strict=True)) for place, total in places.items()]
            for first in range(0, len(rows), _AT_ONCE):
                async with database.write() as connection:
                    portion = [{"service_id": self._plan.service_id} | row for row in rows[first : first + _AT_ONCE]]
                    await connection.execute(insert(table), portion)
        if not database.is_sqlite:
            await _tidied(database, *(table.name for table in FOLDED))


async def _write(database: Database, rows: list[Made]) -> None:
    for first in range(0, len(rows), _AT_ONCE):
        async with database.write() as connection:
            await connection.execute(insert(messages), rows[first : first + _AT_ONCE])


async def _copy(database: Database, plan: Plan, days: int) -> None:
    """The day that is copied, so many days earlier."""
    values = {name: name for name in _COLUMNS} | _COPIED[database.engine.dialect.name]
    values |= {name: f"{name} - {days * DAY}" for name in ("created_at", "expires_at")}
    statement = text(_COPY.format(names=", ".join(values), values=", ".join(values.values())))
    ids = [first_id(plan.at(_COPIED_DAY - back)) for back in (0, 1)]
    first, last = (each.bytes if database.is_sqlite else each for each in ids)
    async with database.write() as connection:
        if database.is_sqlite:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await raw.create_function("earlier", 2, _earlier)
        await connection.execute(statement, {"first": first, "last": last, "seconds": days * DAY})


def _earlier(octets: bytes, seconds: int) -> bytes:
    return (int.from_bytes(octets[:6], "big") - seconds * 1000).to_bytes(6, "big") + octets[6:]


async def _indexed(database: Database, *, present: bool) -> None:
    """Indexes are made of all at once: row by row ten million take hours."""
    for index in sorted(messages.indexes, key=lambda each: str(each.name)):
        async with database.write() as connection:
            await connection.execute(CreateIndex(index) if present else DropIndex(index))
    if present and not database.is_sqlite:
        await _tidied(database, "messages")


async def _tidied(database: Database, *tables: str) -> None:
    """As PostgreSQL's own upkeep leaves them."""
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in tables:
            await autocommit.execute(text(f"VACUUM ANALYZE {table}"))
