"""The tables of what is counted: messages by when they were accepted, and by what they are.

Whoever changes a status appends what changes, in the same transaction: no row that others wait for. One process folds
that into the counts, whose spans grow with age. A row's place is found by the time of its message alone, and rows of
any span add up: together both tables are what a recount would find, at every moment.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from config.database import Id, metadata

QUARTER_SECONDS = 900  # the hours and days of every time zone begin with one


def _counted(*, key: bool) -> tuple[Column[object], ...]:
    """What messages are told apart by."""
    return (
        Column("channel", Text, primary_key=key, nullable=False),
        Column("door", Text, primary_key=key, nullable=False),
        Column("key_type", Text, primary_key=key, nullable=False),
        Column("key_id", Id, primary_key=key, nullable=False),
        Column("template_id", Id, primary_key=key, nullable=False),
        # CREATED: all that were accepted, whatever became of them. Else an end, and only the present one.
        Column("status", Text, primary_key=key, nullable=False),
        Column("messages", BigInteger, nullable=False),
        Column("units", BigInteger, nullable=False),  # parts of texts
    )


count_changes = Table(
    "count_changes",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),  # of when it was appended
    Column("start", BigInteger, nullable=False),  # seconds since the epoch: a quarter of an hour
    *_counted(key=False),
    sqlite_with_rowid=False,
)

counts = Table(
    "counts",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("start", BigInteger, primary_key=True),  # seconds since the epoch: where it begins in the service's zone
    Column("span", Text, primary_key=True),
    *_counted(key=True),
    Index("counts_span", "span", "start"),
    sqlite_with_rowid=False,
)

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
