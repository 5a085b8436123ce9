"""The one way in: checks -> prepare -> split -> store.put, the same for every door.

Knows nothing of SMTP or HTTP: doors build a Submission, and print what this raises in their own protocol.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from auth.limits import charges
from auth.principal import Principal
from delivery.store.base import Group, Repeated, Store, StoreUnavailable
from messages import reply
from messages.compose import message_id_field
from messages.message import ContentKind, Lane, Message, Submission, new_id
from messages.reply import Refused
from messages.status import Status
from relay.checks import check_recipients, check_schedule
from relay.preparation import Prepared, Preparer


@dataclass(frozen=True, slots=True)
class Accepted:
    """On disk: one message for each recipient, all of one group."""

    messages: tuple[Message, ...]
    body: str | None = None  # of a template that was filled now, in Markdown
    repeated: bool = False  # this very submission was accepted before; its message as it is by now

    @property
    def group_id(self) -> UUID:
        return self.messages[0].group_id

    @property
    def message_ids(self) -> tuple[UUID, ...]:
        return tuple(message.id for message in self.messages)


class Verifier(Protocol):
    """What accept needs of auth.verify."""

    async def current(self, principal: Principal) -> Principal: ...


class Acceptor:
    """`now` gives seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        verifier: Verifier,
        preparer: Preparer,
        *,
        max_recipients: int,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._preparer = preparer
        self._max_recipients = max_recipients
        self._now = now

    async def accept(self, submission: Submission, principal: Principal) -> Accepted:
        """Stores the submission; it is on disk when this returns.

        Raises Refused: nothing was stored, and the reply says why and whether to try again.
        """
        principal = await self._verifier.current(principal)  # a revoked key is out, in open sessions too
        now = self._now()
        group_id = new_id(now, os.urandom(10))
        try:
            check_recipients(principal, submission.envelope.recipients, self._max_recipients)
            check_schedule(submission.scheduled_for, now)
            prepared = await self._preparer.prepare(submission, principal, group_id, now)
        except Refused:
            # Template, guest list or the time may have changed since it came first: what was accepted is accepted.
            repeated = await self._repeated(submission, principal)
            if repeated is None or not repeated.same:
                raise
            return await self._earlier(repeated)
        messages = _split(submission, principal, prepared, group_id, now)
        try:
            await self._store.put(Group(messages, prepared.content, charges(principal), submission.idempotency))
        except StoreUnavailable as error:
            raise Refused(reply.UNAVAILABLE) from error
        except Repeated as repeated:
            return await self._earlier(repeated)
        return Accepted(messages, prepared.body)

    async def rehearse(self, submission: Submission, principal: Principal) -> Prepared:
        """What would be stored; nothing is stored or counted, and the recipients are not looked at.

        Raises Refused as `accept` does.
        """
        principal = await self._verifier.current(principal)
        now = self._now()
        return await self._preparer.prepare(submission, principal, new_id(now, os.urandom(10)), now)

    async def _repeated(self, submission: Submission, principal: Principal) -> Repeated | None:
        if submission.idempotency is None:
            return None
        return await self._store.repeated(principal.service.id, submission.idempotency)

    async def _earlier(self, repeated: Repeated) -> Accepted:
        found = await self._store.load([repeated.message_id])
        if not repeated.same or repeated.message_id not in found:
            raise Refused(reply.IDEMPOTENCY_KEY_USED)
        return Accepted((found[repeated.message_id],), repeated=True)


def _split(
    submission: Submission, principal: Principal, prepared: Prepared, group_id: UUID, now: float
) -> tuple[Message, ...]:
    """One message per recipient, all sharing one stored content."""
    service, key = principal.service, principal.key
    lane = submission.lane or key.lane or Lane.NORMAL
    due = submission.scheduled_for or now
    content_id = new_id(now, os.urandom(10))
    recipients = [envelope.recipients[0] for envelope in submission.envelope.split()]
    return tuple(
        Message(
            id=message_id,
            group_id=group_id,
            service_id=service.id,
            key_id=key.id,
            key_type=key.type,
            channel=submission.channel,
            lane=lane,
            template_id=prepared.template_id,
            template_version=prepared.template_version,
            reference=submission.reference,
            reverse_path=str(submission.envelope.reverse_path or ""),
            recipient=recipient,
            subject=prepared.subject,
            original_message_id=(
                prepared.original_message_id
                if prepared.kind is ContentKind.RAW
                else message_id_field(message_id, service.domain)
            ),
            signing_domain=service.domain,
            content_id=content_id,
            content_bytes=len(prepared.content),
            content_kind=prepared.kind,
            status=Status.CREATED,
            created_at=now,
            expires_at=submission.expires_at or due + lane.lifetime_seconds,
            scheduled_for=submission.scheduled_for,
        )
        for message_id, recipient in ((new_id(now, os.urandom(10)), recipient) for recipient in recipients)
    )
