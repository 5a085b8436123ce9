"""What waits of each service, lane and channel, and whether doors take more of it: for all doors of all machines.

One process writes it every few seconds, from all rows of the queue; a door reads only what is pushed back. Test keys
are in none of it: what they send has a day's limit, and waits for no provider.
"""

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Table, Text

from config.database import Id, metadata

backlogs = Table(
    "backlogs",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),  # of the lane
    Column("channel", Text, primary_key=True),
    Column("waiting", BigInteger, nullable=False),  # that are due
    Column("wait_seconds", Double, nullable=False),  # how long the next one would wait, as far as can be foreseen
    Column("pushed_back", Boolean, nullable=False),
    Column("measured_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

# How many messages of a channel its provider takes.
drains = Table(
    "drains",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("per_second", Double, nullable=False),
    Column("measured_at", Double, nullable=False),
    sqlite_with_rowid=False,
)
