"""Letters of the relay itself to the contact of a service: in both languages, by the one way in.

They leave from the relay's own service, which people hold, brand and look at as any other. What a letter says is not
known here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from auth import keys
from auth.principal import Principal
from auth.services import OWN_ID, OWN_TEMPLATE_ID
from config.database import Database
from messages.address import Address
from messages.envelope import Envelope
from messages.message import IdempotencyKey, Language, Personalised, Submission, Trace
from messages.reply import KEY_REVOKED, Refused
from relay.accept import Accepted

_TRACE = Trace(helo="", client_ip="", protocol="HTTP", by="")


@dataclass(frozen=True, slots=True)
class Letter:
    """In one language; the body is Markdown."""

    subject: str
    body: str


class Verifier(Protocol):
    """What this needs of auth.verify."""

    async def acting(self, key_id: UUID) -> Principal: ...


class Acceptor(Protocol):
    """What this needs of relay.accept."""

    async def accept(self, submission: Submission, principal: Principal) -> Accepted: ...


class Contacts:
    """Whom the relay writes to. One per process."""

    def __init__(self, database: Database, verifier: Verifier, acceptor: Acceptor) -> None:
        self._database = database
        self._verifier = verifier
        self._acceptor = acceptor

    async def write(self, to: str, name: str, letters: Mapping[Language, Letter]) -> UUID:
        """Stores the letter in the order of its languages; the id of its message, which is on disk.

        Of one `name` there is one letter: who died before noting that it was written writes it again. Raises Refused,
        and what else `accept` raises.
        """
        async with self._database.read() as connection:
            key_id = await keys.hidden_id(connection, OWN_ID)
        if key_id is None:
            raise Refused(KEY_REVOKED)
        accepted = await self._acceptor.accept(_submission(to, name, letters), await self._verifier.acting(key_id))
        return accepted.message_ids[0]


def _submission(to: str, name: str, letters: Mapping[Language, Letter]) -> Submission:
    bodies = (f"[[{language}]]\n{letter.body}\n[[/{language}]]" for language, letter in letters.items())
    values = {
        "subject": " / ".join(letter.subject for letter in letters.values()),
        "body": "\n\n---\n\n".join(bodies),
    }
    return Submission(
        envelope=Envelope(None, (Address.parse(to),)),
        content=Personalised(OWN_TEMPLATE_ID, values),
        trace=_TRACE,
        language=Language.BOTH,
        idempotency=IdempotencyKey(
            name, hashlib.sha256(name.encode()).digest()
        ),  # a later version may say it otherwise
    )
