"""The tables of messages and their way through us.

`messages` is wide and read by callers; `queue` is narrow and its rows go when relayed (on PostgreSQL the lease updates
of a wide, indexed row would bloat it). Recipient, subject and content are encrypted; look-ups go by keyed hash.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
    func,
    literal_column,
    or_,
)

from config.database import Id, metadata
from config.encrypted import Encrypted
from messages.address import Address


def _recipient_key(text: str) -> str:
    """Of whichever channel it is: only a mail address has an at sign; a number is its own key."""
    return Address.parse(text).key if "@" in text else text


contents = Table(
    "contents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("part", Integer, primary_key=True),  # large contents go in part by part: nobody waits long for the lock
    Column("data", Encrypted("content"), nullable=False),
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
    Column("door", Text, nullable=False, server_default="smtp"),
    Column("lane", Text, nullable=False),
    Column("template_id", Id, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("job_id", Id),
    Column("reference", Text),
    Column("reverse_path", Encrypted("reverse path"), nullable=False),
    Column("recipient", Encrypted("recipient", found_by="recipient_hash", key=_recipient_key), nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("subject", Encrypted("subject"), nullable=False),
    Column("original_message_id", Text),
    Column("signing_domain", Text, nullable=False),
    Column("content_id", Id, nullable=False, index=True),
    Column("content_bytes", Integer, nullable=False),
    Column("content_kind", Text, nullable=False, server_default="raw"),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("sender_id", Id),
    Column("provider_id", Text),
    Column("billable_units", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("scheduled_for", Double),
    Column("sent_at", Double),
    Column("completed_at", Double),
    Column("expires_at", Double, nullable=False),
    Column("dsn", Encrypted("dsn")),  # what the client asked to be told (RFC 3461)
    Column("notify", Text),  # of which occasions its sender is told; null: of none
    Column("created_by", Id),  # the person of the web site who sent it
    Index("messages_service", "service_id", "id"),
    Index("messages_provider", "provider_id"),
    Index("messages_recipient", "recipient_hash", "id"),
)
# Beginnings only: PostgreSQL refuses index rows over 2,704 octets.
INDEXED_CHARACTERS = 200
# Literals, as in the index: with parameters it would not be used.
_BEGINNING: tuple[ColumnElement[int], ...] = (literal_column("1"), literal_column(str(INDEXED_CHARACTERS)))
reference_start = func.substr(messages.c.reference, *_BEGINNING)
original_message_id_start = func.substr(messages.c.original_message_id, *_BEGINNING)
Index("messages_reference", reference_start, messages.c.id)
Index("messages_original", original_message_id_start, messages.c.id)

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
    Column("test", Boolean, nullable=False, server_default=false()),  # a test key's: its turn is beside the others'
    Column("line", Id),  # waits for the pace of this origination identity; null: for nobody's
    Column("turn", Double),  # its place there, of its lane
    Column("channel", Text, nullable=False, server_default="email"),  # each one's turn is its own
    Index("queue_turns", "rank", "service_id", "test", "channel", "available_at"),
    sqlite_with_rowid=False,
)

# No attempt at it is under way: there was none, or nobody waits for the end of the last one any more.
NOT_BEGUN = or_(queue.c.attempt_id.is_(None), queue.c.parked)

_IN_LINE = queue.c.line.is_not(None)
_PLACE = (queue.c.line, queue.c.rank, queue.c.turn, queue.c.message_id)
_LAST = (queue.c.line, queue.c.rank, queue.c.service_id, queue.c.turn)
Index("queue_line", *_PLACE, sqlite_where=_IN_LINE, postgresql_where=_IN_LINE)
Index("queue_line_services", *_LAST, sqlite_where=_IN_LINE, postgresql_where=_IN_LINE)

# What is not claimed: one row for each lane and reason. A lane goes on when the last of its rows is gone.
holds = Table(
    "holds",
    metadata,
    Column("service_id", Id, primary_key=True),  # all zero: everything
    Column("rank", Integer, primary_key=True, autoincrement=False),  # of the lane
    Column("reason", Text, primary_key=True),  # delivery.queue.base.HoldReason
    Column("since", Double, nullable=False),
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

# What providers told us, each thing once.
events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),  # of what it says: told twice, it has the same
    Column("message_id", Id, index=True),  # null: parked, nobody knows yet whose it is
    Column("kind", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("status", Text),
    Column("reason", Text),
    Column("detail", Encrypted("event detail")),  # their words can hold addresses
    Column("several", Boolean, nullable=False, server_default=false()),  # it names more than one recipient
    Column("carriage", Text),  # of a text: JSON of delivery.store.base.Carriage
    Column("at", Double, nullable=False),
    Column("received_at", Double, nullable=False),
)
_PARKED = events.c.message_id.is_(None)
Index("events_parked", events.c.provider_id, sqlite_where=_PARKED, postgresql_where=_PARKED)

# Submissions that carry an idempotency key: what was accepted once is not accepted again.
idempotency = Table(
    "idempotency",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
    Column("recipient_hash", LargeBinary, primary_key=True),  # empty: for the whole submission
    Column("body_hash", LargeBinary),
    Column("message_id", Id, nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# Where services hear of their messages, and what they are told, called or not.
callback_urls = Table(
    "callback_urls",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("bearer_token", Encrypted("callback token"), nullable=False),
    Column("signing_secret", Encrypted("callback secret"), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("failing_since", Double),  # the first call that failed after the last that did not
    Column("failed_as", Text),  # the last of them
    Column("suspended_at", Double),
    Column("probe_at", Double),
    Column("probes", Integer, nullable=False, server_default="0"),
    Column("well_since", Double),  # after it was failing last
    Index("callback_urls_kind", "service_id", "kind", unique=True),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, nullable=False),
    Column("kind", Text, nullable=False, server_default="delivery-status"),
    Column("message_id", Id, index=True),
    Column("source_id", Id),  # of a complaint its event, of an inbound text itself
    Column("key_type", Text, nullable=False, server_default="normal"),
    Column("position", BigInteger, nullable=False, server_default="0"),  # in the service's feed; 0: in none
    Column("status", Text),  # that it tells: the message may have moved on since
    Column("reason", Text),
    Column("at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("available_at", Double),  # due, or the end of a lease or of a wait; null: ended, or nobody is to be called
    Column("owner", Text),
    Column("ended_at", Double),
    Column("outcome", Text),
    Column("called_at", Double),  # the last call: when it ended
    Column("seconds", Double),  # how long it took
    Column("http_status", Integer),  # of its answer; null: none came
    Index("callbacks_feed", "service_id", "key_type", "position"),
)
_OPEN = callbacks.c.available_at.is_not(None)
# By service: what is due of one is found past the thousands that wait for another one's receiver.
Index(
    "callbacks_due",
    callbacks.c.service_id,
    callbacks.c.kind,
    callbacks.c.available_at,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
_CALLED = callbacks.c.called_at.is_not(None)
_LAST_CALLS = (callbacks.c.service_id, callbacks.c.called_at)
Index("callbacks_called", *_LAST_CALLS, sqlite_where=_CALLED, postgresql_where=_CALLED)

# The last position in each service's feed. Whoever adds to one holds its row until the commit: what is seen of a feed
# has nothing before it that is still to come.
feeds = Table(
    "feeds",
    metadata,
    Column("service_id", Id, primary_key=True),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
