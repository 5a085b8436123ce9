"""What is kept of how each service's mail is received: what came back, how that was judged, and how fast keys send."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, Double, Integer, Table, Text, insert

from config.database import Id, metadata
from delivery.figures.tables import QUARTER_SECONDS
from messages.message import new_id


class Measure(StrEnum):
    """What is measured. The values are those of the holds that follow."""

    BOUNCES = "bounces"  # permanent ones
    COMPLAINTS = "complaints"


class Level(StrEnum):
    FINE = "fine"
    WARNED = "warned"
    HELD = "held"


# Appended by who hears of it, in the same transaction; gone after the day that is measured.
reputation_changes = Table(
    "reputation_changes",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("start", BigInteger, nullable=False, index=True),  # as of counts: the quarter in which it was accepted
    Column("measure", Text, nullable=False),
    Column("messages", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# How a service was judged last; of one that was never warned there is no row.
reputations = Table(
    "reputations",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("level", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("bad", Integer, nullable=False),  # of `sent`, when that was judged
    Column("sent", Integer, nullable=False),
    Column("acted_at", Double),  # since when somebody of the service says that the cause is mended
    # What an operator's release forgives, for a day: what was measured then.
    Column("forgiven_bad", Integer, nullable=False),
    Column("forgiven_sent", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# The busiest hour of each day, of a key or of all keys of a service.
busiest_hours = Table(
    "busiest_hours",
    metadata,
    Column("holder", Id, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since 1970, UTC
    Column("messages", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Keys that send far more than they ever did: what they send is due at this pace, each lane on its own.
slowed_keys = Table(
    "slowed_keys",
    metadata,
    Column("key_id", Id, primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),  # of the lane
    Column("service_id", Id, nullable=False),
    Column("per_hour", BigInteger, nullable=False),
    Column("since", Double, nullable=False),
    Column("next_at", Double, nullable=False),  # when its next message is due
    Column("ended_at", Double),  # null: it is slowed; kept a while, since such hours are no habit
    sqlite_with_rowid=False,
)


def note(connection: Connection, told: Iterable[tuple[UUID, float, Measure]]) -> None:
    """Of each message whose it is, when it was accepted, and what was told. It locks nothing."""
    quarter = QUARTER_SECONDS
    totals = Counter((service_id, int(at // quarter) * quarter, measure) for service_id, at, measure in told)
    now = time.time()
    rows = [
        {"service_id": service_id, "id": new_id(now, os.urandom(10)), "start": start, "measure": measure.value}
        | {"messages": number}
        for (service_id, start, measure), number in totals.items()
    ]
    if rows:
        connection.execute(insert(reputation_changes), rows)
