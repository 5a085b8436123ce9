"""The tables of what is counted: messages by when they were accepted, and by what they are.

Whoever changes a status appends what changes, in the same transaction: no row that others wait for. One process folds
that into the counts, whose spans grow with age: by the way that messages came in, by template, and by key. Each is on
its own, since all of it together were nearly as many rows as messages. A row's place is found by the time of its
message alone, and rows of any span add up: what is appended and any of the others is what a recount would find.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from config.database import Id, metadata
from delivery.figures.spans import Span

QUARTER_SECONDS = 900  # the hours and days of every time zone begin with one


def _status(*, key: bool) -> Column[str]:
    """CREATED: all that were accepted, whatever became of them. Else an end, and only the present one."""
    return Column("status", Text, primary_key=key, nullable=False)


def _numbers() -> tuple[Column[int], Column[int]]:
    return (
        Column("messages", BigInteger, nullable=False),
        Column("units", BigInteger, nullable=False),  # parts of texts
    )


count_changes = Table(
    "count_changes",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),  # of when it was appended
    Column("start", BigInteger, nullable=False),  # seconds since the epoch: a quarter of an hour
    Column("channel", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("key_type", Text, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("template_id", Id, nullable=False),
    _status(key=False),
    *_numbers(),
    sqlite_with_rowid=False,
)


def _counted_by(name: str, *kinds: Column[object]) -> Table:
    return Table(
        name,
        metadata,
        Column("service_id", Id, primary_key=True),
        Column("start", BigInteger, primary_key=True),  # seconds since the epoch: where it begins in the service's zone
        Column("span", Text, primary_key=True),
        Column("key_type", Text, primary_key=True),
        *kinds,
        _status(key=True),
        *_numbers(),
        Index(f"{name}_span", "span", "start"),
        sqlite_with_rowid=False,
    )


counts = _counted_by("counts", Column("channel", Text, primary_key=True), Column("door", Text, primary_key=True))
template_counts = _counted_by("template_counts", Column("template_id", Id, primary_key=True))
key_counts = _counted_by("key_counts", Column("key_id", Id, primary_key=True))

# Where what was appended is folded to, and the shortest span that is kept there.
FOLDED: Mapping[Table, Span] = {counts: Span.HOUR, template_counts: Span.DAY, key_counts: Span.HOUR}

# What processes of the version before, which knew less, still count while a relay is upgraded.
counters = Table(
    "counters",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("day", Integer, primary_key=True),  # days since 1970, UTC
    Column("channel", Text, primary_key=True),
    Column("key_type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("messages", Integer, nullable=False),
    sqlite_with_rowid=False,
)
