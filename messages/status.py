"""The life of a message as one table of legal moves, in Notify's own status words.

Late provider events (a bounce after a delivery) are rows of the table, not `if`s elsewhere. All but cancelled stand in
one line, created < sending < technical < temporary < delivered < permanent: in any order, events end alike.
Knows nothing of stores, providers or who asks.
"""

from enum import StrEnum


class Status(StrEnum):
    CREATED = "created"
    SENDING = "sending"
    DELIVERED = "delivered"
    TEMPORARY_FAILURE = "temporary-failure"
    PERMANENT_FAILURE = "permanent-failure"
    TECHNICAL_FAILURE = "technical-failure"
    CANCELLED = "cancelled"


MOVES: dict[Status, frozenset[Status]] = {
    # An event may overtake our own record of the send, so created moves to every end directly.
    Status.CREATED: frozenset(
        {
            Status.SENDING,
            Status.DELIVERED,
            Status.TEMPORARY_FAILURE,
            Status.PERMANENT_FAILURE,
            Status.TECHNICAL_FAILURE,
            Status.CANCELLED,
        }
    ),
    Status.SENDING: frozenset(
        {
            Status.DELIVERED,
            Status.TEMPORARY_FAILURE,
            Status.PERMANENT_FAILURE,
            Status.TECHNICAL_FAILURE,
        }
    ),
    # A bounce can follow a delivery (asynchronous bounce); a transient one may not undo it.
    Status.DELIVERED: frozenset({Status.PERMANENT_FAILURE}),
    Status.TEMPORARY_FAILURE: frozenset({Status.DELIVERED, Status.PERMANENT_FAILURE}),
    Status.PERMANENT_FAILURE: frozenset(),
    # We gave up, yet the provider had taken it: its event tells the truth.
    Status.TECHNICAL_FAILURE: frozenset({Status.TEMPORARY_FAILURE, Status.DELIVERED, Status.PERMANENT_FAILURE}),
    Status.CANCELLED: frozenset(),
}

FINAL: frozenset[Status] = frozenset(Status) - {Status.CREATED, Status.SENDING}


def advance(old: Status, new: Status) -> Status:
    """The status after `new` was learned while in `old`: `new` where the move is legal, else `old`."""
    return new if new in MOVES[old] else old
