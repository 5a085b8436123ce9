"""How much a key and a service may send: fixed windows of a minute and of a day, counted in the caller's transaction.

Counting stands in the transaction that stores the messages: exact over all processes, and a message that was not stored
was not counted. Knows nothing of messages or of doors.
"""

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, Insert, Integer, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.principal import Principal
from config.database import Id, metadata
from messages.message import KeyType
from messages.reply import KEY_LIMIT, SERVICE_LIMIT, TOO_MANY_RECIPIENTS, Refused, Reply

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400

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


@dataclass(frozen=True, slots=True)
class Charge:
    """A limit that a group counts against: at most `limit` messages per window of `span_seconds` for `holder`."""

    holder: UUID  # a key, a service, or a service's tests
    span_seconds: int  # windows start at multiples of it (a day at midnight UTC)
    limit: int
    reply: Reply  # what the sender hears; formatted with limit and lifts_at


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """What a holder may use up, from `start` (seconds since the epoch) for one span."""

    holder: UUID
    span_seconds: int
    start: int


def charges(principal: Principal) -> tuple[Charge, ...]:
    """What a message of this principal counts against: its key's minute, and its service's day or its day of tests."""
    key, service = principal.key, principal.service
    minute = Charge(key.id, MINUTE_SECONDS, key.per_minute, KEY_LIMIT)
    if key.type is KeyType.TEST:
        return (minute, Charge(_tests_of(service.id), DAY_SECONDS, service.tests_per_day, SERVICE_LIMIT))
    return (minute, Charge(service.id, DAY_SECONDS, service.per_day, SERVICE_LIMIT))


async def charge_call(connection: AsyncConnection, principal: Principal, now: float) -> Refused | None:
    """Counts a call that sends nothing against its key's minute; or why it is not to be done."""
    key = principal.key
    minute = (Charge(key.id, MINUTE_SECONDS, key.per_minute, KEY_LIMIT),)

    def count_one(connection: Connection) -> Refused | None:
        with counting(connection, [minute], now) as counted:
            return counted(minute, 1)

    return await connection.run_sync(count_one)


def _tests_of(service_id: UUID) -> UUID:
    """Who holds a service's day of tests, so that they take nothing from its other mail: no random id comes so near."""
    return UUID(int=service_id.int ^ 1)


Counting = Callable[[tuple[Charge, ...], int], Refused | None]


@contextmanager
def counting(connection: Connection, groups: Iterable[tuple[Charge, ...]], now: float) -> Iterator[Counting]:
    """Gives what counts a group of messages: called with its charges and how many it has, None or why it is refused.

    A group fits all its charges or counts against none. Runs inside the caller's write transaction and holds the
    windows of all `groups` until that ends; what was counted is written when the block ends. A constant number of
    statements.
    """
    windows = sorted({_window(each, now) for group in groups for each in group})
    used = _lock(connection, windows) if windows else {}
    before = dict(used)
    yield lambda group, messages: count(used, group, messages, now)
    _write(connection, ((window, count) for window, count in used.items() if count != before[window]))


async def forget(connection: AsyncConnection, now: float) -> None:
    """Drops windows that ended a whole span ago: no clock of any process can still be in them."""
    await connection.execute(delete(limits).where(limits.c.window_start + 2 * limits.c.span_seconds < now))


def _window(each: Charge, now: float) -> Window:
    return Window(each.holder, each.span_seconds, int(now // each.span_seconds) * each.span_seconds)


def count(used: MutableMapping[Window, int], group: tuple[Charge, ...], messages: int, now: float) -> Refused | None:
    """Adds the messages to each of the group's windows, or to none."""
    least = min((each.limit for each in group), default=messages)
    if messages > least:  # no window is ever large enough: waiting would not help, fewer recipients do
        return Refused(TOO_MANY_RECIPIENTS, limit=least)
    for each in group:
        window = _window(each, now)
        if used[window] + messages > each.limit:
            return Refused(each.reply, limit=each.limit, lifts_at=_utc(window.start + window.span_seconds))
    for window in {_window(each, now) for each in group}:
        used[window] += messages
    return None


def _lock(connection: Connection, windows: Sequence[Window]) -> dict[Window, int]:
    """What was used in each window, and the windows held until the transaction ends."""
    statement = _USED
    if connection.dialect.name == "postgresql":
        # Rows are made, then locked, always in the same order: two batches wait for each other but never in a ring.
        connection.execute(_MADE, [_row(window, 0) for window in windows])
        statement = _LOCKED
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
