"""Who must not be written to: one row for each person, reason and whose messages it is about.

A person is found by keyed hash, and encrypted beside it: a complaint and a STOP never end, and a hash alone could not
follow a new root secret. An entry that a provider's event made is kept for some days after its end, or an event that
comes late would bring it back.
"""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Boolean, Column, Double, Index, LargeBinary, Table, Text, false

from config.database import Id, metadata
from config.encrypted import Encrypted
from messages.address import Address

EVERYBODY = UUID(int=0)  # instead of a service: all of them; of an opt-out all that send from a number they share


class Reason(StrEnum):
    """Why. The values are seen by people and programs."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    OPT_OUT = "opt-out"
    BY_HAND = "by-hand"


BOUNCE_SECONDS = 90 * 86_400.0  # addresses are given anew; a complaint never ends by itself
LEARNED = (Reason.BOUNCE, Reason.COMPLAINT)  # from the provider, which may have a list of its own


def key_of(text: str) -> str:
    """What is hashed of an address or number."""
    return Address.parse(text).key if "@" in text else text


suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, nullable=False),  # all zero: EVERYBODY
    # The purpose is the older name of the table: what was written then opens.
    Column("recipient", Encrypted("opt-out", found_by="recipient_hash", key=key_of), nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False, server_default=Reason.OPT_OUT.value),
    Column("source_id", Id),  # the event, or the inbound text, that it is from
    Column("since", Double, nullable=False),
    Column("until", Double),  # null: for ever
    Column("at_provider", Boolean, nullable=False, server_default=false()),  # its list may have it, too
    Column("lifted_at", Double),  # by somebody, or taken off there last: what happened before is over
    Column("listed_at", Double),  # imported from that list, which had it then last
    Index("suppressions_recipient", "recipient_hash", "service_id"),
    Index("suppressions_service", "service_id", "id"),
    Index("suppressions_reason", "service_id", "reason", "id"),
)
_ENDS = suppressions.c.until.is_not(None)
Index("suppressions_until", suppressions.c.until, sqlite_where=_ENDS, postgresql_where=_ENDS)

# Whose turn it is to speak with a provider about its list, over all machines, and when that was read last.
provider_lists = Table(
    "provider_lists",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("taken_until", Double, nullable=False),
    Column("read_at", Double, nullable=False),
)
