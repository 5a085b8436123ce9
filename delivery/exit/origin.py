"""Which number or pool a text leaves from: one person always hears from the same one. Pure."""

import hashlib
import math
from collections.abc import Sequence

from delivery.library.origination import OriginationIdentity
from messages.message import Message
from messages.phone import PhoneNumber


def choose(identities: Sequence[OriginationIdentity], message: Message, country: str) -> OriginationIdentity | None:
    """The one that the message asks for; else the service's own, else everybody's, for the country of its recipient.

    None: none of those is there.
    """
    usable = [each for each in identities if each.is_usable_by(message.service_id)]
    if message.sender_id is not None:
        return next((each for each in usable if each.id == message.sender_id), None)
    serving = [each for each in usable if each.preferred and each.serves(country)]
    named = [each for each in serving if country in each.countries]  # one that names it, before those for anywhere
    for candidates in (named, serving):
        own = [each for each in candidates if each.service_id is not None]
        if found := own or candidates:
            return max(found, key=lambda each: _score(each, message.recipient.key))
    return None


def country(message: Message) -> str:
    """Its recipient's, in ISO 3166; empty where no one country has the number."""
    return PhoneNumber(str(message.recipient)).region


def _score(identity: OriginationIdentity, recipient: str) -> float:
    """Rendezvous hashing, by what each can carry: one more takes its share of the people, and moves nobody else."""
    digest = hashlib.sha256(identity.id.bytes + recipient.encode()).digest()
    drawn = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)  # between 0 and 1, of neither of them
    return -identity.parts_per_second / math.log(drawn)
