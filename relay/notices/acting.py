"""What the relay itself says goes in by the one way, too: by the key of a service that nobody holds, and once."""

import hashlib
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from auth import keys
from auth.principal import Principal
from config.database import Database
from messages.message import IdempotencyKey, Submission, Trace
from relay.accept import Accepted

TRACE = Trace(helo="", client_ip="", protocol="HTTP", by="")


class Verifier(Protocol):
    """What this needs of auth.verify."""

    async def acting(self, key_id: UUID) -> Principal: ...


class Acceptor(Protocol):
    """What this needs of relay.accept."""

    async def accept(self, submission: Submission, principal: Principal) -> Accepted: ...


class Acting:
    """One per process."""

    def __init__(self, database: Database, verifier: Verifier, acceptor: Acceptor) -> None:
        self._database = database
        self._verifier = verifier
        self._acceptor = acceptor

    async def send(self, service_id: UUID, name: str, submission: Submission) -> UUID | None:
        """The id of its message, which is on disk; None: the service has no such key.

        Of one `name` there is one message: who died before noting that it was stored stores it again. Raises Refused,
        and what else `accept` raises.
        """
        async with self._database.read() as connection:
            key_id = await keys.hidden_id(connection, service_id)
        if key_id is None:
            return None
        # By the name alone: a later version may say it otherwise.
        once = IdempotencyKey(name, hashlib.sha256(name.encode()).digest())
        principal = await self._verifier.acting(key_id)
        accepted = await self._acceptor.accept(replace(submission, idempotency=once), principal)
        return accepted.message_ids[0]
