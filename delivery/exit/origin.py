"""Which number or pool a text leaves from: one person always hears from the same one."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from delivery.library.origination import OriginationIdentity, candidates
from messages.message import Message
from messages.phone import PhoneNumber


class Identities(Protocol):
    """What this needs of delivery.library.origination."""

    async def all(self) -> Sequence[OriginationIdentity]: ...


def choose(identities: Sequence[OriginationIdentity], message: Message) -> OriginationIdentity | None:
    """The one that the message asks for; else the service's own, else everybody's, for the country of its recipient.

    None: none of those is there.
    """
    found = candidates(identities, message.service_id, _country(message), message.sender_id)
    return max(found, key=lambda each: _score(each, message.recipient.key), default=None)


@dataclass(frozen=True, slots=True)
class Origins:
    """What each text leaves from, where nothing has a pace."""

    identities: Identities

    async def of(self, message: Message) -> str | None:
        """As its provider knows it; None: there is none. Raises as the database does."""
        found = choose(await self.identities.all(), message)
        return found.identity if found else None


def _country(message: Message) -> str:
    """Its recipient's, in ISO 3166; empty where no one country has the number."""
    return PhoneNumber(str(message.recipient)).region


def _score(identity: OriginationIdentity, recipient: str) -> float:
    """Rendezvous hashing, by what each can carry: one more takes its share of the people, and moves nobody else."""
    digest = hashlib.sha256(identity.id.bytes + recipient.encode()).digest()
    drawn = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)  # between 0 and 1, of neither of them
    return -identity.parts_per_second / math.log(drawn)
