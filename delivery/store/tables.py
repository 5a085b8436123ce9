"""The tables of messages and their way through us.

`messages` is wide and read by callers; `queue` is narrow and its rows go when relayed (on PostgreSQL the lease updates
of a wide, indexed row would bloat it). Recipient, subject and content are encrypted; look-ups go by keyed hash.
"""

from sqlalchemy import Boolean, Column, Double, Index, Integer, LargeBinary, Table, Text

from config.database import Id, metadata

contents = Table(
    "contents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("part", Integer, primary_key=True),  # large contents go in part by part: nobody waits long for the lock
    Column("data", LargeBinary, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("group_id", Id, nullable=False, index=True),
    Column("service_id", Id, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("key_type", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("template_id", Id, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("job_id", Id),
    Column("reference", Text),
    Column("reverse_path", LargeBinary, nullable=False),
    Column("recipient", LargeBinary, nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("original_message_id", Text),
    Column("signing_domain", Text, nullable=False),
    Column("content_id", Id, nullable=False, index=True),
    Column("content_bytes", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("provider_id", Text),
    Column("billable_units", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("scheduled_for", Double),
    Column("sent_at", Double),
    Column("completed_at", Double),
    Column("expires_at", Double, nullable=False),
    Index("messages_service", "service_id", "id"),
    Index("messages_provider", "provider_id"),
)

queue = Table(
    "queue",
    metadata,
    Column("message_id", Id, primary_key=True),
    Column("service_id", Id, nullable=False),
    Column("rank", Integer, nullable=False),  # of the lane: 0 is served first
    Column("available_at", Double, nullable=False),  # due, or the end of a lease, or of a wait
    Column("owner", Text),
    Column("attempts", Integer, nullable=False),
    Column("attempt_id", Id),  # a started attempt whose end is not recorded
    Column("attempted_at", Double),
    Column(
        "parked", Boolean, nullable=False
    ),  # that attempt's owner is gone; waiting for an event before sending again
    Index("queue_due", "rank", "available_at"),
    sqlite_with_rowid=False,
)

holds = Table(
    "holds",
    metadata,
    Column("service_id", Id, primary_key=True),  # all zero: everything
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("outcome", Text),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

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
