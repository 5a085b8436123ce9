"""Brute force: failed log-ins counted by all doors together, in one table, so that a restart forgets nothing.

A log-in asks the database nothing: decisions (auth/bans.py) come from memory, and about once a second each process
writes what it noted and reads what others did. User names are kept as keyed hashes only: people paste keys there.
By HTTP a token names no user but a service, and a guesser may share its address with that service's good client: what
failed counts for the service, what succeeded for the key, and a key that logged in from there is not kept out.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlalchemy import (
    Column,
    Connection,
    Double,
    Index,
    Insert,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.bans import MAX_PAIRS, MAX_SUCCESSES, NONE, RULES, Ban, Failures, Ledger, Pair, Rules, place
from auth.errors import BAN_UNKNOWN, AuthError
from auth.verify import fold
from config.database import Database, metadata
from config.keyring import Hasher, Keyring

SHARED_SECONDS = 1.0
_OVERLAP_SECONDS = 5.0  # a transaction's length, and how far clocks are apart: what is read again changes nothing
_TIMEOUT_SECONDS = 3.0
_END_SECONDS = 1.0
_SWEPT_SECONDS = 60.0
_PAIRS_AT_ONCE = 100  # written by a process in a second, the most telling first: what an attack costs the database
_MAX_NOTED = 2_000
_MAX_ROWS = 100_000  # without a success
_ROWS_AT_ONCE = 500  # dropped in one transaction: a few milliseconds
_HASH_BYTES = 16
PURPOSE = "login"

logins = Table(
    "logins",
    metadata,
    Column("address", Text, primary_key=True),  # of IPv6 the /64
    Column("username_hash", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Double, nullable=False),
    Column("succeeded_at", Double, nullable=False),  # 0: not within a day
    Column("changed_at", Double, nullable=False),
    Index("logins_changed", "changed_at"),
)
_c = logins.c
_PAIR = tuple_(_c.address, _c.username_hash)
_OF_PAIRS = select(logins).where(_PAIR.in_(bindparam("pairs", expanding=True)))
_LOCKED = _OF_PAIRS.order_by(_c.address, _c.username_hash).with_for_update()
_MADE = postgresql.insert(logins).on_conflict_do_nothing()
_CHANGED = (
    select(logins)
    .where(_c.changed_at >= bindparam("since"))
    .order_by((_c.succeeded_at == 0), _c.failures.desc())
    .limit(MAX_PAIRS + MAX_SUCCESSES)
)
_NEWEST = (
    select(_c.changed_at).where(_c.succeeded_at == 0).order_by(_c.changed_at.desc()).offset(bindparam("kept")).limit(1)
)
_ENDED = (
    select(_c.address, _c.username_hash)
    .where(
        or_(
            _c.changed_at < bindparam("day"),
            and_(_c.succeeded_at == 0, _c.changed_at < bindparam("quiet")),
        )
    )
    .limit(_ROWS_AT_ONCE)
    .with_for_update(skip_locked=True)  # PostgreSQL: who sweeps and who writes do not wait for each other
)
_DROPPED = delete(logins).where(_PAIR.in_(_ENDED))


def _written(insert: postgresql.Insert | sqlite.Insert) -> Insert:
    values = {name: insert.excluded[name] for name in ("failures", "failed_at", "succeeded_at", "changed_at")}
    return insert.on_conflict_do_update(index_elements=list(logins.primary_key), set_=values)


_WRITTEN = {"postgresql": _written(postgresql.insert(logins)), "sqlite": _written(sqlite.insert(logins))}


@dataclass(frozen=True, slots=True)
class Noted:
    """What a process saw of a pair and has not written: failures, since the success if there was one."""

    failures: int = 0
    failed_at: float = 0.0
    succeeded_at: float = 0.0

    def then(self, later: "Noted") -> "Noted":
        if later.succeeded_at:
            return later
        return Noted(self.failures + later.failures, later.failed_at or self.failed_at, self.succeeded_at)

    def after(self, before: Failures, rules: Rules) -> Failures:
        return (NONE if self.succeeded_at else before).add(rules, self.failures, self.failed_at)


class Throttle:
    """One per process; `run()` beside the door shares what it notes. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Callable[[], float],
        *,
        default_domain: str,
        rules: Rules = RULES,
        max_rows: int = _MAX_ROWS,
    ) -> None:
        self._database = database
        self._hasher = keyring.hasher(PURPOSE)
        self._clock = clock
        self._default_domain = default_domain
        self._rules = rules
        self._max_rows = max_rows
        self._ledger = Ledger(rules)
        self._noted: dict[Pair, Noted] = {}
        self._learned_at = 0.0
        self._swept_at = clock()
        self._away = False
        self._started = asyncio.Event()
        self._started.set()  # nobody waits for a past that nobody loads
        self._log = structlog.get_logger("auth")

    async def admit(self, client_ip: str, username: str) -> float:
        """Seconds to wait before the password is looked at. Raises Refused while banned: it is not looked at at all."""
        await self._started.wait()
        return self._ledger.admit(self._pair(client_ip, username), self._clock())

    async def banned_seconds(self, client_ip: str, username: str) -> int:
        """How long they are still kept out; 0: they are not. For who looks at the secret before the ban."""
        await self._started.wait()
        if not self._ledger.has_failures(place(client_ip)):
            return 0
        return self._ledger.banned_seconds(self._pair(client_ip, username), self._clock())

    def is_trusted(self, client_ip: str, username: str) -> bool:
        """Whether they logged in within a day."""
        return self._ledger.is_trusted(self._pair(client_ip, username), self._clock())

    def failed(self, client_ip: str, username: str) -> None:
        """A user name or password was wrong. Not for a key that has ended: its secret was right, so nobody guesses.

        Its product must go on hearing why; a ban would hide that.
        """
        pair, now = self._pair(client_ip, username), self._clock()
        before = self._ledger.failures(pair)
        ban = self._ledger.failed(pair, now)
        if self._ledger.failures(pair) is not before:
            self._note(pair, Noted(1, now))
        if ban is not None:
            self._tell(ban, now)

    def succeeded(self, client_ip: str, username: str) -> None:
        """The log-in was accepted: the failures of this user name from this address are forgotten."""
        pair, now = self._pair(client_ip, username), self._clock()
        if self._ledger.succeeded(pair, now):
            self._note(pair, Noted(succeeded_at=now))

    def name(self, username: str) -> str:
        """What stands for a user name in logs: equal for equal names, and nothing to guess it from."""
        return self._hashed(username).hex()

    def _hashed(self, username: str) -> bytes:
        return name_hash(self._hasher, username, self._default_domain)

    async def run(self) -> None:
        """Until cancelled: shares; at the end writes the rest. Log-ins wait for its first look at the database."""
        self._started.clear()
        try:
            while True:
                await self._share()
                self._started.set()
                await asyncio.sleep(SHARED_SECONDS)
        finally:
            self._started.set()
            await self._end()

    def _pair(self, client_ip: str, username: str) -> Pair:
        return place(client_ip), self._hashed(username)

    def _note(self, pair: Pair, noted: Noted) -> None:
        self._noted[pair] = self._noted.get(pair, Noted()).then(noted)
        if len(self._noted) > _MAX_NOTED:
            del self._noted[next(iter(self._noted))]

    async def _share(self) -> None:
        """An outage costs nothing but sharing: what was noted is kept for the next time."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._write()
                await self._learn()
                await self._sweep()
        except Exception as error:  # whatever it is, the door goes on
            if not self._away:
                self._log.warning("auth.not_shared", error=type(error).__name__)
            self._away = True
        else:
            self._away = False

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(_END_SECONDS):
                while self._noted:
                    await self._write()
        except Exception as error:
            self._log.warning("auth.not_shared", error=type(error).__name__)

    async def _write(self) -> None:
        noted = self._take()
        if not noted:
            return
        try:
            rows = await self._database.transact(partial(_add, noted=noted, rules=self._rules, clock=self._clock))
        except BaseException:
            # It may have been written all the same: failures that count twice bring a ban a little earlier.
            self._noted = noted | {pair: noted.get(pair, Noted()).then(new) for pair, new in self._noted.items()}
            raise
        for ban in self._apply(rows):
            self._tell(ban, self._clock())

    def _take(self) -> dict[Pair, Noted]:
        """What is written now: successes first, since they protect neighbours, then the largest counts."""
        taken = dict(
            heapq.nlargest(
                _PAIRS_AT_ONCE,
                self._noted.items(),
                key=lambda item: (item[1].succeeded_at > 0, self._ledger.failures(item[0]).count),
            )
        )
        self._noted = {pair: noted for pair, noted in self._noted.items() if pair not in taken}
        return taken

    async def _learn(self) -> None:
        asked_at, first = self._clock(), not self._learned_at
        since = asked_at - self._rules.trusted_seconds if first else min(self._learned_at, asked_at) - _OVERLAP_SECONDS
        for ban in self._apply(await self._database.query(partial(_changed, since=since))):
            # A pair's ban is told by the process that brought it; an address's failures may come from all of them.
            if ban.name is None and not first:
                self._tell(ban, asked_at)
        self._learned_at = asked_at

    def _apply(self, rows: Sequence[Row[Any]]) -> list[Ban]:
        """Takes over what the table says, and on top of it what was noted since; gives the bans that begin with it."""
        now, begun = self._clock(), []
        for row in rows:
            pair = (row.address, row.username_hash)
            known, later = Failures(row.failures, row.failed_at), self._noted.get(pair)
            ban = self._ledger.learn(pair, later.after(known, self._rules) if later else known, row.succeeded_at, now)
            if ban is not None:
                begun.append(ban)
        return begun

    def _tell(self, ban: Ban, now: float) -> None:
        whole, seconds = ban.name is None, round(ban.ends_at - now)
        self._log.warning("auth.banned", address=ban.address, whole=whole, failures=ban.failures, seconds=seconds)

    async def _sweep(self) -> None:
        now = self._clock()
        if abs(now - self._swept_at) < _SWEPT_SECONDS:
            return
        newest = await self._database.query(
            lambda connection: connection.execute(_NEWEST, {"kept": self._max_rows}).scalar()
        )
        ends = {"day": now - self._rules.trusted_seconds, "quiet": max(now - self._rules.quiet_seconds, newest or 0)}
        while await self._database.transact(lambda connection: connection.execute(_DROPPED, ends).rowcount):
            pass
        self._swept_at = now


def name_hash(hasher: Hasher, username: str, default_domain: str) -> bytes:
    """What stands for a user name. Under the newest root only: while one is rotated, failures count anew."""
    return hasher.hash(fold(username, default_domain))[:_HASH_BYTES]


async def bans(connection: AsyncConnection, now: float) -> list[Ban]:
    """Those that last, the first to end first."""
    ledger = Ledger(RULES)
    for row in await connection.run_sync(_changed, since=now - RULES.trusted_seconds):
        ledger.learn((row.address, row.username_hash), Failures(row.failures, row.failed_at), row.succeeded_at, now)
    return sorted(ledger.bans(now), key=lambda ban: ban.ends_at)


async def lift(connection: AsyncConnection, address: str, now: float) -> None:
    """Forgets the failures of an address; doors follow within two seconds. Raises AuthError when there are none."""
    values = {"failures": 0, "changed_at": now}  # not deleted: the doors must learn of it
    found = update(logins).where(_c.address == place(address.strip()), _c.failures > 0).values(**values)
    if not (await connection.execute(found)).rowcount:
        raise AuthError(BAN_UNKNOWN, address=address)


def _add(
    connection: Connection, noted: Mapping[Pair, Noted], rules: Rules, clock: Callable[[], float]
) -> Sequence[Row[Any]]:
    """Adds what one process noted to what all did; what then stands in the table."""
    pairs = sorted(noted)
    statement = _OF_PAIRS
    if connection.dialect.name == "postgresql":
        # Rows are made, then locked, always in the same order: two processes wait for each other but never in a ring.
        connection.execute(_MADE, [_row(pair, NONE, 0.0, 0.0) for pair in pairs])
        statement = _LOCKED
    found = {(row.address, row.username_hash): row for row in connection.execute(statement, {"pairs": pairs})}
    rows, now = [], clock()
    for pair in pairs:
        old, new = found.get(pair), noted[pair]
        before = NONE if old is None else Failures(old.failures, old.failed_at)
        succeeded_at = max(new.succeeded_at, 0.0 if old is None else old.succeeded_at)
        rows.append(_row(pair, new.after(before, rules), succeeded_at, now))
    connection.execute(_WRITTEN[connection.dialect.name], rows)
    return connection.execute(_OF_PAIRS, {"pairs": pairs}).all()


def _row(pair: Pair, failures: Failures, succeeded_at: float, now: float) -> dict[str, object]:
    return {
        "address": pair[0],
        "username_hash": pair[1],
        "failures": failures.count,
        "failed_at": failures.last_at,
        "succeeded_at": succeeded_at,
        "changed_at": now,
    }


def _changed(connection: Connection, since: float) -> Sequence[Row[Any]]:
    """The most telling last, for a memory that keeps what came last."""
    return connection.execute(_CHANGED, {"since": since}).all()[::-1]
