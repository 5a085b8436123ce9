"""The one way in: checks -> prepare (by channel) -> split -> put, the same for every door.

Knows nothing of SMTP or HTTP: doors build a Submission, and print what this raises in their own protocol.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from auth.limits import Charge, charges, of_notice
from auth.principal import Principal
from delivery.store.base import Group, Repeated
from messages import reply
from messages.email.compose import message_id_field
from messages.message import (
    Channel,
    ContentKind,
    DeliveryNotice,
    Door,
    IdempotencyKey,
    KeyType,
    Lane,
    MailAnswer,
    Message,
    Occasion,
    Submission,
    new_id,
)
from messages.recipient import Recipient
from messages.reply import Refused
from messages.status import Status
from relay.checks import check, hears_that_it_reaches_nobody
from relay.preparation.base import Prepared, Preparer
from relay.returns import is_told, occasions


@dataclass(frozen=True, slots=True)
class Accepted:
    """On disk: one message for each recipient, since now or since the same idempotency key came before."""

    messages: tuple[Message, ...]  # stored now, all of one group; when there were none, an earlier one as it is by now
    recipients: int
    known: int = 0  # of the recipients, those for whom it was accepted before
    body: str | None = None  # of a template that was filled now, as its API shows it
    remarks: Mapping[str, object] = field(default_factory=dict)  # for the door's log line

    @property
    def repeated(self) -> bool:
        """Nothing was new."""
        return self.known == self.recipients

    @property
    def group_id(self) -> UUID:
        return self.messages[0].group_id

    @property
    def texts(self) -> tuple[Message, ...]:
        """Those stored now that go to phones: all of as many parts."""
        return () if self.repeated else tuple(each for each in self.messages if each.channel is Channel.SMS)

    @property
    def message_ids(self) -> tuple[UUID, ...]:
        return tuple(message.id for message in self.messages)


class Verifier(Protocol):
    """What accept needs of auth.verify."""

    async def current(self, principal: Principal, client_ip: str | None) -> Principal: ...


class Putting(Protocol):
    """What accept needs of delivery.store.putting."""

    async def put(self, group: Group) -> tuple[Message, ...]: ...


class Idempotency(Protocol):
    """What accept needs of delivery.store.idempotency."""

    async def repeated(
        self, service_id: UUID, key: IdempotencyKey, recipients: Sequence[Recipient]
    ) -> Repeated | None: ...


class Suppressions(Protocol):
    """What accept needs of delivery.store.suppressed."""

    async def reach_nobody(self, service_id: UUID, recipients: Sequence[Recipient]) -> bool: ...


class Pressure(Protocol):
    """What accept needs of delivery.backlog.pressure."""

    def check(self, service_id: UUID, key_type: KeyType, lane: Lane, channels: Collection[Channel]) -> None: ...

    async def due_at(
        self, key_id: UUID, lane: Lane, number: int, now: float, lifetime_seconds: float | None = None
    ) -> float: ...

    async def give_back(self, key_id: UUID, lane: Lane, number: int) -> None: ...


class Searching(Protocol):
    """What accept needs of delivery.store.searching."""

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]: ...


class Acceptor:
    """`now` gives seconds since the epoch."""

    def __init__(
        self,
        putting: Putting,
        idempotency: Idempotency,
        searching: Searching,
        verifier: Verifier,
        preparers: Mapping[Channel, Preparer],
        suppressions: Suppressions,
        pressure: Pressure,
        *,
        max_recipients: int,
        now: Callable[[], float],
    ) -> None:
        self._putting = putting
        self._idempotency = idempotency
        self._searching = searching
        self._verifier = verifier
        self._preparers = preparers
        self._suppressions = suppressions
        self._pressure = pressure
        self._max_recipients = max_recipients
        self._now = now

    async def accept(self, submission: Submission, principal: Principal) -> Accepted:
        """Stores the submission; it is on disk when this returns.

        Raises Refused: nothing was stored, and the reply says why and whether to try again. Whatever else it raises is
        our fault: relay.failures says what the client hears.
        """
        # A revoked key is out, and one that may no longer be used from there, in open sessions too.
        principal = await self._verifier.current(principal, submission.trace.client_ip)
        now = self._now()
        group_id = new_id(now, os.urandom(10))
        try:
            check(principal, submission, max_recipients=self._max_recipients, now=now)
            self._check_pressure(submission, principal)
            await self._check_suppressed(submission, principal)
            prepared = await self._prepare(submission, principal, group_id, now)
            due_at = await self._due_at(submission, principal, now)
        except Refused:
            # Template, guest list or the time may have changed since it came first: what was accepted is accepted.
            # With anybody new among the recipients the no stands: it is about them, and the others have theirs.
            repeated = await self._repeated(submission, principal)
            if repeated is None or not repeated.same:
                raise
            return await self._earlier(repeated, len(submission.envelope.split()))
        content_ids = {channel: new_id(now, os.urandom(10)) for channel in prepared}
        contents = {content_ids[channel]: each.content for channel, each in prepared.items()}
        messages = _split(submission, principal, prepared, content_ids, group_id, now)
        try:
            against = _charges(submission, principal, messages)
            stored = await self._put(Group(messages, contents, against, submission.idempotency, due_at))
        except Repeated as repeated:
            return await self._earlier(repeated, len(messages))
        body = next((each.body for each in prepared.values()), None)
        remarks = {name: value for each in prepared.values() for name, value in each.remarks.items()}
        return Accepted(stored, len(messages), len(messages) - len(stored), body, remarks)

    async def rehearse(self, submission: Submission, principal: Principal) -> Prepared:
        """What would be stored for a submission by one channel; nothing is stored or counted.

        The recipients are not looked at. Raises Refused as `accept` does.
        """
        principal = await self._verifier.current(principal, submission.trace.client_ip)
        now = self._now()
        (prepared,) = (await self._prepare(submission, principal, new_id(now, os.urandom(10)), now)).values()
        return prepared

    async def _prepare(
        self, submission: Submission, principal: Principal, group_id: UUID, now: float
    ) -> dict[Channel, Prepared]:
        return {
            channel: await self._preparers[channel].prepare(submission, principal, group_id, now)
            for channel in submission.envelope.channels
        }

    def _check_pressure(self, submission: Submission, principal: Principal) -> None:
        """Doors ask before the upload, too; what the header section says of the lane is known here."""
        if submission.door is not Door.RELAY:  # our own letters, of which each is the only one
            lane, channels = submission.lane or principal.lane, submission.envelope.channels
            self._pressure.check(principal.service.id, principal.key.type, lane, channels)

    async def _due_at(self, submission: Submission, principal: Principal, now: float) -> float:
        """Of a key that is slowed; 0: at once."""
        lane, number = submission.lane or principal.lane, len(submission.envelope.split())
        lasting = _expires_at(submission, principal, now) - now
        return await self._pressure.due_at(principal.key.id, lane, number, now, lasting)

    async def _put(self, group: Group) -> tuple[Message, ...]:
        """What is stored; of a slowed key, what is not gives its places back."""
        first = group.messages[0]
        try:
            stored = await self._putting.put(group)
        except Exception:
            if group.due_at:
                await self._pressure.give_back(first.key_id, first.lane, len(group.messages))
            raise
        if group.due_at:
            await self._pressure.give_back(first.key_id, first.lane, len(group.messages) - len(stored))
        return stored

    async def _check_suppressed(self, submission: Submission, principal: Principal) -> None:
        if not hears_that_it_reaches_nobody(principal, submission):
            return
        if await self._suppressions.reach_nobody(principal.service.id, submission.envelope.recipients):
            raise Refused(reply.SUPPRESSED)

    async def _repeated(self, submission: Submission, principal: Principal) -> Repeated | None:
        if submission.idempotency is None:
            return None
        recipients = submission.envelope.recipients
        return await self._idempotency.repeated(principal.service.id, submission.idempotency, recipients)

    async def _earlier(self, repeated: Repeated, recipients: int) -> Accepted:
        if not repeated.same:
            raise Refused(reply.IDEMPOTENCY_KEY_USED)
        found = await self._searching.load([repeated.message_id])
        if repeated.message_id not in found:
            raise Refused(reply.UNREADABLE)
        return Accepted((found[repeated.message_id],), recipients, recipients)


def _split(
    submission: Submission,
    principal: Principal,
    prepared: Mapping[Channel, Prepared],
    content_ids: Mapping[Channel, UUID],
    group_id: UUID,
    now: float,
) -> tuple[Message, ...]:
    """One message per recipient; those of one channel share one stored content."""
    recipients = [envelope.recipients[0] for envelope in submission.envelope.split()]
    told = is_told(submission, principal)
    return tuple(
        _message(
            submission,
            principal,
            recipient,
            prepared[recipient.channel],
            content_ids[recipient.channel],
            group_id,
            occasions(submission.dsn.get(recipient.key)) if told else frozenset(),
            now,
        )
        for recipient in recipients
    )


def _charges(submission: Submission, principal: Principal, messages: tuple[Message, ...]) -> tuple[Charge, ...]:
    """A notice counts against what its sender is told in an hour, and nothing else of anybody's."""
    content = submission.content
    if isinstance(content, MailAnswer):
        return ()  # counted when the mail came in
    if isinstance(content, DeliveryNotice):
        return of_notice(content.service_id, content.place)
    return charges(principal, {message.channel for message in messages})


def _message(
    submission: Submission,
    principal: Principal,
    recipient: Recipient,
    prepared: Prepared,
    content_id: UUID,
    group_id: UUID,
    notify: frozenset[Occasion],
    now: float,
) -> Message:
    lane = submission.lane or principal.lane
    message_id = new_id(now, os.urandom(10))
    return Message(
        id=message_id,
        group_id=group_id,
        service_id=principal.service.id,
        key_id=principal.key.id,
        key_type=principal.key.type,
        channel=recipient.channel,
        door=submission.door,
        lane=lane,
        template_id=prepared.template_id,
        template_version=prepared.template_version,
        reference=submission.reference,
        reverse_path=submission.envelope.reverse_path or "",
        recipient=recipient,
        subject=prepared.subject,
        original_message_id=_original_message_id(prepared, message_id),
        signing_domain=prepared.header_from.domain if prepared.header_from else "",
        content_id=content_id,
        content_bytes=len(prepared.content),
        content_kind=prepared.kind,
        billable_units=prepared.billable_units,
        status=Status.CREATED,
        created_at=now,
        expires_at=_expires_at(submission, principal, now),
        scheduled_for=submission.scheduled_for,
        sender_id=submission.sender_id,
        dsn=submission.dsn.get(recipient.key),
        notify=notify,
        created_by=submission.created_by,
    )


def _expires_at(submission: Submission, principal: Principal, now: float) -> float:
    lifetime_seconds = submission.lifetime_seconds or principal.lifetime_seconds(submission.lane or principal.lane)
    return (submission.scheduled_for or now) + lifetime_seconds


def _original_message_id(prepared: Prepared, message_id: UUID) -> str | None:
    """The one that it came with, or that a mail which is still to be built will have."""
    if prepared.kind in (ContentKind.RENDERED, ContentKind.NOTICE) and prepared.header_from:
        return message_id_field(message_id, prepared.header_from.domain)
    return prepared.original_message_id
