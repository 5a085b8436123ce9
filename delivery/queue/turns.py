"""Whose turn it is: in a lane who has the fewest under way is next, each service's mail, texts and tests apart.

50,000 messages of one service stand before nobody's one. What is due is found by jumps through the index
(rank, service_id, test, channel, available_at): its cost grows with the services that wait, not with their messages.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile, islice, takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Connection, Double, Integer, Row, Text, TextClause, bindparam, column, text
from sqlalchemy.sql.selectable import TextualSelect

from config.database import Id
from delivery.queue.base import KINDS, Kind, Turn
from messages.message import Channel

EVERYTHING = UUID(int=0)  # held: all services


_TURNS_AT_ONCE = 16  # then several rows of each: rows of 64 services lie on 64 pages of the index


_FIRST = Turn(UUID(int=0), False, min(Channel))
_EACH = [f"SELECT {test} AS test, '{channel}' AS channel" for test in ("false", "true") for channel in Channel]
_KINDS = f"({' UNION ALL '.join(_EACH)}) AS kinds"
_NAMES = {kind: f"{'test' if kind.test else 'live'}_{kind.channel}" for kind in sorted(KINDS)}
_WANTED = " OR ".join(
    f"kinds.channel = '{kind.channel}' AND kinds.test = {str(kind.test).lower()} AND :{name}"
    for kind, name in _NAMES.items()
)
# The rank is that of the lane which is looked at. What people hold is all of it; other reasons are about mail.
_HELD = "FROM holds WHERE holds.rank = {rank} AND (holds.reason = 'operator' OR kinds.channel = 'email')"
_NOT_HELD = f"""
    waiting.service_id NOT IN (SELECT service_id {_HELD})
    AND NOT EXISTS (SELECT 1 {_HELD} AND service_id = :everything)"""
# In a scalar subquery, since neither a minimum (of uuid, PostgreSQL < 18) nor LATERAL (SQLite) is there for both.
_DUE = f"""
WITH RECURSIVE waiting (rank, service_id) AS (
    SELECT ranks.rank, (
        SELECT service_id FROM queue WHERE queue.rank = ranks.rank ORDER BY service_id LIMIT 1)
    FROM (SELECT 0 AS rank UNION ALL SELECT 1 UNION ALL SELECT 2) AS ranks
    UNION ALL
    SELECT waiting.rank, (
        SELECT service_id FROM queue WHERE queue.rank = waiting.rank AND queue.service_id > waiting.service_id
        ORDER BY service_id LIMIT 1)
    FROM waiting WHERE waiting.service_id IS NOT NULL)
SELECT waiting.rank, waiting.service_id, kinds.test, kinds.channel FROM waiting CROSS JOIN {_KINDS}
WHERE waiting.service_id IS NOT NULL AND {_NOT_HELD.format(rank="waiting.rank")} AND EXISTS (
    SELECT 1 FROM queue WHERE queue.rank = waiting.rank AND queue.service_id = waiting.service_id
    AND queue.test = kinds.test AND queue.channel = kinds.channel AND queue.available_at <= :now)"""  # noqa: S608

_IN_TURN = """
WITH RECURSIVE waiting (service_id) AS (
    SELECT (SELECT service_id FROM queue WHERE rank = :rank AND service_id >= :first ORDER BY service_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT service_id FROM queue WHERE rank = :rank AND queue.service_id > waiting.service_id
        ORDER BY service_id LIMIT 1)
    FROM waiting WHERE waiting.service_id < :last)"""
_OF_TURN = """
    SELECT mine.message_id FROM queue AS mine
    WHERE mine.rank = :rank AND mine.service_id = waiting.service_id AND mine.test = kinds.test
    AND mine.channel = kinds.channel AND mine.available_at <= :now ORDER BY mine.available_at LIMIT :share"""
_TAKEN = """
SET owner = :owner, available_at = :until, line = NULL FROM picked WHERE queue.message_id = picked.message_id
RETURNING queue.message_id, queue.service_id, queue.test, queue.channel, queue.attempts, queue.attempt_id,
    queue.attempted_at, queue.parked"""
_WHERE = f"""WHERE (waiting.service_id, kinds.test, kinds.channel) >= (:first, :first_test, :first_channel)
    AND (waiting.service_id, kinds.test, kinds.channel) <= (:last, :last_test, :last_channel)
    AND ({_WANTED}) AND {_NOT_HELD.format(rank=":rank")} LIMIT :limit"""
# Rows that another worker is claiming at this moment are passed over, not waited for.
_CLAIM_POSTGRESQL = f"""{_IN_TURN}, picked AS MATERIALIZED (
    SELECT due.message_id FROM waiting CROSS JOIN {_KINDS}
    CROSS JOIN LATERAL ({_OF_TURN} FOR UPDATE SKIP LOCKED) AS due {_WHERE})
UPDATE queue {_TAKEN}"""  # noqa: S608
# The write transaction is exclusive already.
_CLAIM_SQLITE = f"""{_IN_TURN}, picked AS MATERIALIZED (
    SELECT due.message_id FROM waiting CROSS JOIN {_KINDS}
    CROSS JOIN queue AS due ON due.message_id IN ({_OF_TURN}) {_WHERE})
UPDATE queue {_TAKEN}"""  # noqa: S608


def _due() -> TextualSelect:
    bound = text(_DUE).bindparams(bindparam("now", type_=Double), bindparam("everything", EVERYTHING, Id))
    return bound.columns(
        column("rank", Integer), column("service_id", Id), column("test", Boolean), column("channel", Text)
    )


def _claim(statement: str) -> TextualSelect:
    ids = [bindparam(name, type_=Id) for name in ("first", "last")]
    tests = [bindparam(name, type_=Boolean) for name in ("first_test", "last_test")]
    numbers = [bindparam(name, type_=Integer) for name in ("rank", "share", "limit")]
    channels = [bindparam(name, type_=Text) for name in ("first_channel", "last_channel")]
    wanted = [bindparam(name, type_=Boolean) for name in _NAMES.values()]
    times = [bindparam(name, type_=Double) for name in ("now", "until")]
    bound: TextClause = text(statement).bindparams(
        *ids,
        *tests,
        *channels,
        *wanted,
        *numbers,
        *times,
        bindparam("everything", EVERYTHING, Id),
    )
    return bound.columns(
        column("message_id", Id),
        column("service_id", Id),
        column("test", Boolean),
        column("channel", Text),
        column("attempts", Integer),
        column("attempt_id", Id),
        column("attempted_at", Double),
        column("parked", Boolean),
    )


DUE = _due()  # built once: an idle worker asks ten times a second
_CLAIMS = {"postgresql": _claim(_CLAIM_POSTGRESQL), "sqlite": _claim(_CLAIM_SQLITE)}


def by_rank(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[int, list[Turn]]:
    """Of the rows of DUE, the first to be served first: who has something due, in the order of their ids."""
    found: dict[int, list[Turn]] = {}
    for rank, service_id, test, channel in rows:
        found.setdefault(rank, []).append(Turn(service_id, test, Channel(channel)))
    return {rank: sorted(found[rank]) for rank in sorted(found)}


def wanted(waiting: Mapping[int, Sequence[Turn]], kinds: Collection[Kind]) -> dict[int, list[Turn]]:
    """Those of these kinds; no rank without any."""
    found = {rank: [turn for turn in turns if turn.kind in kinds] for rank, turns in waiting.items()}
    return {rank: turns for rank, turns in found.items() if turns}


def wishes(kinds: Collection[Kind]) -> dict[str, bool]:
    """The same, for the statement."""
    return {name: kind in kinds for kind, name in _NAMES.items()}


@dataclass(slots=True)
class Order:
    """Who comes next in one lane. Each worker goes round by itself."""

    after: Turn = _FIRST

    def take(
        self, connection: Connection, level: dict[Turn, int], limit: int, values: dict[str, Any]
    ) -> list[Row[Any]]:
        """Claims up to `limit` rows of these turns, which are in order: of those first that have the fewest under way,
        until all have as many, as long as they have some. `level` is used up.
        """
        rows: list[Row[Any]] = []
        while level and len(rows) < limit:
            left = limit - len(rows)
            least = min(level.values())
            gap = min((number - least for number in level.values() if number > least), default=left)
            together = min(left, _TURNS_AT_ONCE, sum(number == least for number in level.values()))
            some, share = self._next(level, least, together), min(left // together, gap)
            found = self._claim(connection, some, values | {"share": share, "limit": left})
            counts: Counter[tuple[Any, ...]] = Counter(tuple(row[1:4]) for row in found)  # a turn is such a tuple
            rows += found
            self.after = some[-1]
            for turn in some:
                level[turn] += share
                if counts[turn] < share:
                    del level[turn]  # it has no more
        return rows

    def _next(self, level: Mapping[Turn, int], least: int, limit: int) -> list[Turn]:
        """Those who are behind all others, as far as one range of the index holds them."""
        turns = [turn for turn in level if turn > self.after] + [turn for turn in level if turn <= self.after]
        behind = dropwhile(lambda turn: level[turn] > least, turns)
        return list(islice(_ascending(takewhile(lambda turn: level[turn] == least, behind)), limit))

    @staticmethod
    def _claim(connection: Connection, turns: Sequence[Turn], values: dict[str, Any]) -> Sequence[Row[Any]]:
        bounds = {
            **dict(zip(("first", "first_test", "first_channel"), turns[0], strict=True)),
            **dict(zip(("last", "last_test", "last_channel"), turns[-1], strict=True)),
        }
        return connection.execute(_CLAIMS[connection.dialect.name], values | bounds).all()


def _ascending(turns: Iterable[Turn]) -> Iterator[Turn]:
    """The beginning of them that one range of the index holds."""
    last = None
    for turn in turns:
        if last is not None and turn < last:
            break
        yield turn
        last = turn
