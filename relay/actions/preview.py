"""What would happen to a submission: the checks and the preparation of every door, and nothing stored.

Also how it would align at its recipients. Knows nothing of how that is asked of DNS or shown.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from auth.domains import dmarc, records, spf
from auth.domains.dmarc import Alignment
from auth.domains.names import Domain
from auth.domains.resolvers import Ask
from auth.principal import Principal
from auth.verify import check_in_force
from delivery.providers.base import SendError
from delivery.store.suppressing import Entry
from messages import reply
from messages.email.pipeline import Rewritten
from messages.message import Channel, KeyType, Lane, Language, Submission, new_id
from messages.recipient import Recipient
from messages.reply import Refused
from messages.text import Text
from relay.actions.fields import Field, fields
from relay.actions.suppression import Suppressed
from relay.actions.text_preview import TextPreview, of_words
from relay.checks import check, check_recipient, hears_that_it_reaches_nobody
from relay.preparation.email import EmailPreparer, asked_language
from relay.preparation.sms import SmsPreparer

MAX_ENCODED_OCTETS = 40 * 1024 * 1024  # SES counts after base64


Listed = Callable[[Recipient], Awaitable[tuple[Entry, ...]]]  # entries of our own list that count for the service


@dataclass(frozen=True, slots=True)
class World:
    """What is asked of others: DNS, the domains that are known here, the provider's list."""

    ask: Ask
    find_domain: Callable[[str], Awaitable[Domain | None]]
    suppressed: Suppressed
    listed: Listed


@dataclass(frozen=True, slots=True)
class Reached:
    """One recipient: whether the key reaches it, and whether the provider does, or why it did not say; and why the
    relay itself sends nothing there.
    """

    recipient: Recipient
    refused: Refused | None
    suppressed: str | None
    suppressed_problem: str | None
    listed: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """So many octets of a line, as it was received, become so many others."""

    line: int
    removed: int
    added: int


@dataclass(frozen=True, slots=True)
class Preview:
    """`refused` says why nobody would get the message; `prepared` is None where nothing can be made of it.

    `received` is the message as it came, its line ends made whole, and `prepared.content` as it would leave, but for
    the signature. `domain` is that of header From, None where it is not known here. `alignment` holds once the domain's
    key signs. `text` is what phones would get.
    """

    submission: Submission
    principal: Principal
    recipients: tuple[Reached, ...]
    refused: Refused | None = None
    prepared: Rewritten | None = None
    domain: Domain | None = None
    alignment: Alignment | None = None
    spf_problem: Text | None = None
    changes: tuple[Change, ...] = ()
    text: TextPreview | None = None

    @property
    def received(self) -> bytes:
        assert isinstance(self.submission.content, bytes)
        return self.submission.content

    @property
    def encoded_octets(self) -> int:
        """How large it is as SES counts, which takes `MAX_ENCODED_OCTETS`."""
        return (len(self.prepared.content) + 2) // 3 * 4 if self.prepared else 0

    @property
    def lane(self) -> Lane:
        return self.submission.lane or self.principal.lane

    @property
    def branding(self) -> str:
        return self.submission.branding or self.principal.branding

    @property
    def language(self) -> Language:
        """Of the branding."""
        told = self.prepared.language if self.prepared else None
        return asked_language(self.submission, self.principal) or told or self.principal.language

    @property
    def fields(self) -> tuple[Field, ...]:
        """What became of each header field; none where nothing can be made of the message."""
        return tuple(fields(self.received, self.prepared)) if self.prepared else ()

    @property
    def header_from(self) -> str | None:
        """The domain that stands there."""
        address = self.prepared.sender.address if self.prepared else None
        return address.domain if address else None

    @property
    def waits(self) -> bool:
        """Whether the message would wait for a key that signs."""
        return self.prepared is not None and (self.domain is None or self.domain.signing is None)


async def look(
    submission: Submission,
    principal: Principal,
    preparer: EmailPreparer,
    texts: SmsPreparer,
    world: World,
    max_recipients: int,
    now: float,
) -> Preview:
    """Whether the message would be accepted, as what it would go out, and how it would align. Never raises Refused."""
    content = submission.content
    assert isinstance(content, bytes)
    reached = tuple([await _reached(principal, each, world) for each in submission.envelope.recipients])
    refused = _refused(principal, submission, reached, max_recipients, now)
    text, channels = None, submission.envelope.channels
    try:
        if Channel.SMS in channels:
            words, _ = await texts.words(content, principal)
            text = await asyncio.to_thread(of_words, words, principal.service)
            refused = refused or text.refused
        if channels == (Channel.SMS,):
            return Preview(submission, principal, reached, refused, text=text)
        prepared = await preparer.rewritten(content, submission, principal, new_id(now, os.urandom(10)), now)
    except Refused as error:
        return Preview(submission, principal, reached, refused or error, text=text)
    assert prepared.sender.address
    header_from = prepared.sender.address.domain
    domain = await world.find_domain(header_from)
    signs = domain is not None and domain.signing is not None
    bounce = records.mail_from(header_from)
    spf_problem = await _spf_problem(world.ask, bounce)
    alignment = await dmarc.evaluate(
        world.ask,
        header_from,
        signing_domain=header_from if signs else None,
        mail_from=bounce if spf_problem is None else None,
    )
    changes = await asyncio.to_thread(lambda: tuple(_changes(content, prepared)))
    return Preview(submission, principal, reached, refused, prepared, domain, alignment, spf_problem, changes, text)


def _refused(
    principal: Principal, submission: Submission, reached: Sequence[Reached], max_recipients: int, now: float
) -> Refused | None:
    """What a door says before it looks at the content; the other recipients do not suffer for one that is refused."""
    accepted = [each.recipient for each in reached if each.refused is None]
    try:
        check_in_force(principal, now)
        if reached and not accepted:
            return reached[0].refused
        envelope = replace(submission.envelope, recipients=tuple(accepted))
        check(principal, replace(submission, envelope=envelope), max_recipients=max_recipients, now=now)
        reaches_nobody = reached and all(each.refused or each.listed for each in reached)
        if reaches_nobody and hears_that_it_reaches_nobody(principal, submission):
            raise Refused(reply.SUPPRESSED)
    except Refused as refused:
        return refused
    return None


async def _spf_problem(ask: Ask, domain: str) -> Text | None:
    try:
        return await spf.problem(ask, domain)
    except spf.NoRecord:
        return Text("{domain} has no SPF record", {"domain": domain})
    except spf.Unanswered:
        return Text("no name server told the SPF record")


def _changes(content: bytes, prepared: Rewritten) -> Iterator[Change]:
    line, at = 1, 0
    for edit in sorted(prepared.edits, key=lambda edit: edit.start):
        line, at = line + content.count(b"\n", at, edit.start), edit.start
        yield Change(line, edit.end - edit.start, len(edit.new))


async def _reached(principal: Principal, recipient: Recipient, world: World) -> Reached:
    refused, reason, problem = None, None, None
    try:
        check_recipient(principal, recipient)
    except Refused as error:
        refused = error
    try:
        reason = await world.suppressed(str(recipient)) if recipient.channel is Channel.EMAIL else None
    except SendError as unknown:
        problem = unknown.reason
    listed = () if principal.key.type is KeyType.TEST else await world.listed(recipient)
    return Reached(recipient, refused, reason, problem, listed)
