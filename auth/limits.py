"""How much a key and a service may send: in a minute, a day and a fiscal year, counted in the caller's transaction.

Counting stands in the transaction that stores the messages: exact over all processes, and a message that was not stored
was not counted; that most of a year is used is noted there, too. Knows nothing of doors.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, Insert, Integer, Select, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import warnings
from auth.fiscal_year import FiscalYear
from auth.principal import Principal, Service
from auth.warnings import Reached
from config.database import Id, metadata
from messages import reply
from messages.message import Channel, KeyType, Message
from messages.reply import Refused, Reply

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
YEAR_SECONDS = 366 * DAY_SECONDS  # none is longer
# What the senders of a service's messages are told of them in an hour: each of them, and all.
NOTICES_PER_SENDER, NOTICES_PER_SERVICE = 100, 1000
ANSWERS_PER_SERVICE = 100  # in an hour: so many of those who write to its address hear that nobody reads it
# After that, clients that queue give up (RFC 5321 4.5.4.1): what lifts later is not cured by waiting.
PATIENCE_SECONDS = 5 * DAY_SECONDS

limits = Table(
    "limits",
    metadata,
    Column("holder", Id, primary_key=True),
    Column("span_seconds", Integer, primary_key=True),
    Column("window_start", BigInteger, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
)


# Built once: building them took half of the time for which a put holds SQLite's write lock.
_USED = select(limits).where(
    limits.c.holder.in_(bindparam("holders", expanding=True)),
    limits.c.window_start.in_(bindparam("starts", expanding=True)),
)
_LOCKED = _USED.order_by(limits.c.holder, limits.c.span_seconds, limits.c.window_start).with_for_update()
_MADE = postgresql.insert(limits).on_conflict_do_nothing()


def _counted(insert: postgresql.Insert | sqlite.Insert) -> Insert:
    return insert.on_conflict_do_update(index_elements=list(limits.primary_key), set_={"used": insert.excluded.used})


_COUNTED = {"postgresql": _counted(postgresql.insert(limits)), "sqlite": _counted(sqlite.insert(limits))}


class Counts(Enum):
    """What counts against a limit."""

    MESSAGES = "messages"  # of both channels
    EMAILS = "emails"
    PARTS = "parts"  # of text messages
    TESTS = "tests"  # messages of a service's test keys: they take nothing from its other ones
    ANSWERS = "answers"  # to mail that nobody reads, counted when it comes in

    def of(self, message: Message | None) -> int:
        """How much a message counts, or a call that sends none."""
        if message is None:
            return int(self in (Counts.MESSAGES, Counts.ANSWERS))
        match self:
            case Counts.EMAILS:
                return int(message.channel is Channel.EMAIL)
            case Counts.PARTS:
                return max(1, message.billable_units) if message.channel is Channel.SMS else 0
            case _:
                return 1


# A holder's counts are kept beside each other, by its id and by those next to it: no random id comes so near.
_NEXT_TO = {Counts.MESSAGES: 0, Counts.EMAILS: 0, Counts.TESTS: 1, Counts.PARTS: 2, Counts.ANSWERS: 3}


class Window(NamedTuple):
    """What may be used up, from `start` (seconds since the epoch) for one span."""

    holder: UUID
    span_seconds: int
    start: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A limit that a group counts against: at most so much per window of `span_seconds` for `holder`."""

    holder: UUID  # a key, a service, or where a sender of it is told of its messages
    span_seconds: int  # windows start at multiples of it (a day at midnight UTC), but for a year's
    limit: int
    reply: Reply  # what the sender hears; formatted with limit and lifts_at
    counts: Counts = Counts.MESSAGES
    zone: str | None = None  # where the windows are fiscal years
    too_late: Reply | None = None  # what it hears instead when the limit lifts after PATIENCE_SECONDS

    @property
    def channel(self) -> Channel:
        """Where it is of one channel."""
        return Channel.SMS if self.counts is Counts.PARTS else Channel.EMAIL

    def window(self, now: float) -> Window:
        start = FiscalYear.at(now, self.zone).key if self.zone else int(now // self.span_seconds) * self.span_seconds
        place = _NEXT_TO[self.counts]
        return Window(UUID(int=self.holder.int ^ place) if place else self.holder, self.span_seconds, start)

    def lifts_at(self, now: float) -> int:
        """When the window of now ends."""
        if self.zone:
            return FiscalYear.at(now, self.zone).ends_at(self.zone)
        return self.window(now).start + self.span_seconds

    def refused(self, now: float) -> Refused:
        """What is said of a full window."""
        lifts_at = self.lifts_at(now)
        late = self.too_late is not None and lifts_at - now > PATIENCE_SECONDS
        said = self.too_late if late and self.too_late else self.reply
        return Refused(said, limit=self.limit, lifts_at=_utc(lifts_at))


def charges(principal: Principal, channels: Collection[Channel]) -> tuple[Charge, ...]:
    """What messages of this principal by these channels count against: its key's minute, and its service's limits.

    Of these the year comes first: who is told of the day would try again tomorrow.
    """
    key, service = principal.key, principal.service
    minute = Charge(key.id, MINUTE_SECONDS, key.per_minute, reply.KEY_LIMIT)
    if key.type is KeyType.TEST:
        return minute, of_tests(service)
    return (minute, *(each for channel in sorted(channels) for each in of_service(service, channel)))


def of_service(service: Service, channel: Channel) -> tuple[Charge, Charge]:
    """What a service may send by a channel: in a year and in a day."""
    emails, parts, zone = Counts.EMAILS, Counts.PARTS, service.time_zone
    if channel is Channel.EMAIL:
        late = reply.YEAR_OVER
        year = Charge(service.id, YEAR_SECONDS, service.emails_per_year, reply.YEAR_LIMIT, emails, zone, late)
        return year, Charge(service.id, DAY_SECONDS, service.per_day, reply.SERVICE_LIMIT, emails)
    late = reply.TEXT_YEAR_OVER
    year = Charge(service.id, YEAR_SECONDS, service.texts_per_year, reply.TEXT_YEAR_LIMIT, parts, zone, late)
    return year, Charge(service.id, DAY_SECONDS, service.texts_per_day, reply.TEXT_LIMIT, parts)


def of_notice(service_id: UUID, place: UUID) -> tuple[Charge, Charge]:
    """What a service's senders may be told in an hour: the one at that place, and all of them."""
    one = Charge(place, HOUR_SECONDS, NOTICES_PER_SENDER, reply.KEY_LIMIT)
    return one, Charge(service_id, HOUR_SECONDS, NOTICES_PER_SERVICE, reply.SERVICE_LIMIT)


def of_answers(service_id: UUID) -> Charge:
    """How many of those who write to a service's address are answered in an hour."""
    return Charge(service_id, HOUR_SECONDS, ANSWERS_PER_SERVICE, reply.SERVICE_LIMIT, Counts.ANSWERS)


def most(principal: Principal, channel: Channel) -> int:
    """How many messages by a channel fit the smallest of `charges` at most: of more at once none would ever go."""
    key, service = principal.key, principal.service
    if key.type is KeyType.TEST:
        return min(key.per_minute, service.tests_per_day)
    if channel is Channel.EMAIL:
        return min(key.per_minute, service.emails_per_year, service.per_day)
    return min(key.per_minute, service.texts_per_year, service.texts_per_day)


async def charge_call(connection: AsyncConnection, principal: Principal, now: float) -> Refused | None:
    """Counts a call that sends nothing against its key's minute; or why it is not to be done."""
    key = principal.key
    minute = (Charge(key.id, MINUTE_SECONDS, key.per_minute, reply.KEY_LIMIT),)

    def count_one(connection: Connection) -> Refused | None:
        with counting(connection, [minute], now) as counted:
            return counted(minute, (None,))

    return await connection.run_sync(count_one)


def of_tests(service: Service) -> Charge:
    """What its test keys may send together: a day of their own, and no year."""
    return Charge(service.id, DAY_SECONDS, service.tests_per_day, reply.TESTS_LIMIT, Counts.TESTS)


Counting = Callable[[tuple[Charge, ...], Sequence[Message | None]], Refused | None]


@contextmanager
def counting(connection: Connection, groups: Iterable[tuple[Charge, ...]], now: float) -> Iterator[Counting]:
    """Gives what counts a group of messages: called with its charges and messages, None or why it is refused.

    A group fits all its charges or counts against none. Runs inside the caller's write transaction and holds the
    windows of all `groups` until that ends; what was counted is written when the block ends, and of which years most
    is used. A constant number of statements.
    """
    asked = {charge: charge.window(now) for group in groups for charge in group}
    windows = sorted(set(asked.values()))
    used = _lock(connection, windows) if windows else {}
    before = dict(used)
    yield lambda group, messages: count(used, group, messages, now)
    _write(connection, ((window, count) for window, count in used.items() if count != before[window]))
    # Who notes it holds the year's window: no two write the same row at once.
    reached = {_reached(charge, used[window], now) for charge, window in asked.items() if charge.zone}
    warnings.note(connection, [each for each in reached if each])


async def forget(connection: AsyncConnection, now: float) -> None:
    """Drops windows that ended a whole span ago: no clock of any process can still be in them. Years are kept."""
    ended = limits.c.window_start + 2 * limits.c.span_seconds < now
    await connection.execute(delete(limits).where(ended, limits.c.span_seconds < YEAR_SECONDS))


async def used_of(connection: AsyncConnection, asked: Sequence[Charge], now: float) -> list[int]:
    """What is used of the windows of now, for each in order."""
    windows = [each.window(now) for each in asked]
    used = await connection.run_sync(lambda c: _used(c, _USED, windows))
    return [used[window] for window in windows]


def count(
    used: MutableMapping[Window, int], group: tuple[Charge, ...], messages: Sequence[Message | None], now: float
) -> Refused | None:
    """Adds the messages to each of the group's windows, or to none."""
    wanted = [(each, each.window(now), sum(map(each.counts.of, messages))) for each in group]
    if any(amount > each.limit for each, _, amount in wanted):
        return _never(group, messages)
    for each, window, amount in wanted:
        if used[window] + amount > each.limit:
            return each.refused(now)
    used.update({window: used[window] + amount for _, window, amount in wanted})
    return None


def _never(group: tuple[Charge, ...], messages: Sequence[Message | None]) -> Refused:
    """No window is ever large enough: waiting would not help, fewer recipients do, or else a shorter text."""
    most = {each: max(map(each.counts.of, messages)) for each in group}
    for each, parts in most.items():
        if parts > each.limit and parts > 1:
            return Refused(reply.TEXT_OVER_LIMIT, parts=parts, limit=each.limit)
    return Refused(reply.TOO_MANY_RECIPIENTS, limit=min(each.limit // (amount or 1) for each, amount in most.items()))


def _reached(charge: Charge, used: int, now: float) -> Reached | None:
    """What a service's contact is to hear of its year; None: nothing yet."""
    if charge.zone is None or (percent := warnings.percent_reached(used, charge.limit)) is None:
        return None
    year = FiscalYear.at(now, charge.zone).begins_in
    return Reached(charge.holder, charge.channel, year, percent, charge.limit, used, now)


def _lock(connection: Connection, windows: Sequence[Window]) -> dict[Window, int]:
    """What was used in each window, and the windows held until the transaction ends."""
    if connection.dialect.name != "postgresql":
        return _used(connection, _USED, windows)
    # Rows are made, then locked, always in the same order: two batches wait for each other but never in a ring.
    connection.execute(_MADE, [_row(window, 0) for window in windows])
    return _used(connection, _LOCKED, windows)


def _used(connection: Connection, statement: Select[Any], windows: Sequence[Window]) -> dict[Window, int]:
    used = dict.fromkeys(windows, 0)
    holders, starts = {window.holder for window in windows}, {window.start for window in windows}
    for row in connection.execute(statement, {"holders": list(holders), "starts": list(starts)}):
        used[Window(row.holder, row.span_seconds, row.window_start)] = row.used
    return used


def _write(connection: Connection, counted: Iterable[tuple[Window, int]]) -> None:
    rows = [_row(window, count) for window, count in counted]
    if rows:
        connection.execute(_COUNTED[connection.dialect.name], rows)


def _row(window: Window, used: int) -> dict[str, object]:
    return {
        "holder": window.holder,
        "span_seconds": window.span_seconds,
        "window_start": window.start,
        "used": used,
    }


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
