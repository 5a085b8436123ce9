"""The one way in: checks -> prepare -> split -> store.put, the same for every door.

Knows nothing of SMTP or HTTP: doors build a Submission, and print what this raises in their own protocol.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from auth.limits import charges
from auth.principal import Principal
from delivery.brandings import Brandings
from delivery.store.base import Group, Store, StoreUnavailable
from delivery.templates import HIDDEN_VERSION
from messages import reply
from messages.address import Address
from messages.branding import Branding
from messages.message import Lane, Message, Submission, new_id
from messages.pipeline import Preparation, Prepared, prepare
from messages.reply import Refused
from messages.rewrite import SenderPolicy
from messages.status import Status
from relay.checks import check_recipients, check_size

# Preparing 10 MB takes tens of milliseconds: from this size on it runs in a thread, and the other sessions go on.
_THREAD_BYTES = 256 * 1024
# SES takes 40 MB after base64 (v2 API); what branding or re-encoding makes larger is refused here, not after the 250.
_SENDABLE_BYTES = 29_900_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """On disk: `group_id` names the submission, each message id one recipient's message."""

    group_id: UUID
    message_ids: tuple[UUID, ...]


class Verifier(Protocol):
    """What accept needs of auth.verify."""

    async def current(self, principal: Principal) -> Principal: ...


class Acceptor:
    """Turns submissions into stored messages. `now` gives seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        verifier: Verifier,
        brandings: Brandings,
        *,
        max_message_bytes: int,
        max_recipients: int,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._brandings = brandings
        self._max_message_bytes = max_message_bytes
        self._max_recipients = max_recipients
        self._now = now

    async def accept(self, submission: Submission, principal: Principal) -> Accepted:
        """Stores the submission; it is on disk when this returns.

        Raises Refused: nothing was stored, and the reply says why and whether to try again.
        """
        principal = await self._verifier.current(principal)  # a revoked key is out, in open sessions too
        check_size(submission.content, self._max_message_bytes)
        check_recipients(principal, submission.envelope.recipients, self._max_recipients)
        now = self._now()
        group_id = new_id(now, os.urandom(10))
        preparation = Preparation(
            sender=_sender_policy(principal),
            branding=self._branding(submission, principal),
            trace=submission.trace,
            group_id=group_id,
            now=now,
        )
        if len(submission.content) > _THREAD_BYTES:
            prepared = await asyncio.to_thread(prepare, submission.content, preparation)
        else:
            prepared = prepare(submission.content, preparation)
        check_size(prepared.content, _SENDABLE_BYTES)
        messages = _split(submission, principal, prepared, group_id, now)
        try:
            await self._store.put(Group(messages, prepared.content, charges(principal)))
        except StoreUnavailable as error:
            raise Refused(reply.UNAVAILABLE) from error
        return Accepted(group_id, tuple(message.id for message in messages))

    def _branding(self, submission: Submission, principal: Principal) -> Branding | None:
        service, key = principal.service, principal.key
        name = submission.branding or key.branding or service.branding
        language = submission.language or key.language or service.language
        if name != "none" and name not in self._brandings.names:
            reason = "no branding of that name; leave it out, or use none"
            raise Refused(reply.BAD_OPTION, field="X-Notify-Branding", reason=reason)
        return self._brandings.get(name, service.name, language)


def _sender_policy(principal: Principal) -> SenderPolicy:
    service = principal.service
    return SenderPolicy(
        name=service.name,
        address=Address(service.email_from, service.domain),
        author_name=service.display_name == "author",
        reply_to=service.reply_to.value,
        own_reply_to=service.reply_to_address,
        registered=principal.registered,
    )


def _split(
    submission: Submission, principal: Principal, prepared: Prepared, group_id: UUID, now: float
) -> tuple[Message, ...]:
    """One message per recipient, all sharing one stored content."""
    service, key = principal.service, principal.key
    lane = submission.lane or key.lane or Lane.NORMAL
    due = submission.scheduled_for or now
    content_id = new_id(now, os.urandom(10))
    return tuple(
        Message(
            id=new_id(now, os.urandom(10)),
            group_id=group_id,
            service_id=service.id,
            key_id=key.id,
            key_type=key.type,
            channel=submission.channel,
            lane=lane,
            template_id=service.email_template_id,
            template_version=HIDDEN_VERSION,
            reference=submission.reference,
            reverse_path=str(envelope.reverse_path or ""),
            recipient=envelope.recipients[0],
            subject=prepared.subject,
            original_message_id=prepared.original_message_id,
            signing_domain=service.domain,
            content_id=content_id,
            content_bytes=len(prepared.content),
            status=Status.CREATED,
            created_at=now,
            expires_at=submission.expires_at or due + lane.lifetime_seconds,
            scheduled_for=submission.scheduled_for,
        )
        for envelope in submission.envelope.split()
    )
